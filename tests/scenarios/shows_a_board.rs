//! One message that always shows the whole roll.

use discord_sandbox::{Reply, RestFault, Sandbox};

use crate::alerting::bot;
use crate::harness::{Web, wait_for};

/// The only message that stands in the channel, once it says this.
async fn the_board(sandbox: &Sandbox, part: &str) -> Reply {
    sandbox
        .wait_for_messages(sandbox.guild(), part, |messages| match messages {
            [only] if only.text().contains(part) => Some(only.clone()),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_follows_the_roll_and_outlives_restarts_and_deletions() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox).with("BOARD_INTERVAL", "1s"), Web::up());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let channel = sandbox.channel(sandbox.guild());
    let none = sandbox.slash("/board remove").await.render();
    assert!(none.contains("no board"), "{none}");
    let created = sandbox
        .slash(&format!("/board create channel:{channel}"))
        .await
        .render();
    assert!(created.contains(&format!("<#{channel}>")), "{created}");
    the_board(&sandbox, "The roll is empty").await;
    let twice = sandbox
        .slash(&format!("/board create channel:{channel}"))
        .await
        .render();
    assert!(twice.contains("has a board already"), "{twice}");
    sandbox
        .slash(&format!("/endpoint add target:{} name:shop", web.target()))
        .await;
    the_board(&sandbox, "1 of 1 online").await;
    web.goes_down();
    let board = the_board(&sandbox, "🔴 shop since").await;
    // Found again after a restart, in the same message.
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    web.comes_back();
    the_board(&sandbox, "🟢 shop").await;
    // Deleted by somebody while nothing changes: posted anew.
    sandbox.delete_message(&board);
    the_board(&sandbox, "🟢 shop").await;
    sandbox
        .slash(&format!("/board move channel:{channel}"))
        .await;
    the_board(&sandbox, "🟢 shop").await;
    let removed = sandbox.slash("/board remove").await.render();
    assert!(removed.contains("taken away"), "{removed}");
    sandbox
        .wait_for_messages(sandbox.guild(), "nothing", |messages| {
            messages.is_empty().then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_cannot_be_shown_is_refused_or_given_up_until_it_is_moved() {
    let sandbox = Sandbox::start().await;
    let (rollcall, web) = (bot(&sandbox).with("BOARD_INTERVAL", "1s"), Web::up());
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let channel = sandbox.channel(sandbox.guild());
    let denied = RestFault::Error {
        status: 403,
        code: 50_013,
    };
    let create = format!("/board create channel:{channel}");
    sandbox.fail_requests(denied, "/channels/", 1);
    let refused = sandbox.slash(&create).await.render();
    assert!(refused.contains("lacks the permission"), "{refused}");
    sandbox.slash(&create).await;
    // Away for a moment: shown later. Denied: not tried again.
    sandbox.fail_requests(RestFault::Status(503), "/channels/", 2);
    sandbox
        .slash(&format!("/endpoint add target:{} name:shop", web.target()))
        .await;
    the_board(&sandbox, "1 of 1 online").await;
    sandbox.fail_requests(denied, "/channels/", 1);
    sandbox.slash("/endpoint remove endpoint:shop").await;
    wait_for("the board to be given up", || {
        rollcall
            .sql("SELECT broken_reason FROM boards WHERE broken_reason IS NOT NULL")
            .pop()
    });
    sandbox
        .slash(&format!("/board move channel:{channel}"))
        .await;
    the_board(&sandbox, "The roll is empty").await;
}
