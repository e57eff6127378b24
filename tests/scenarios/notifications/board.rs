//! The status board: one message that always shows every monitor.

use discord_sandbox::{Reply, RestFault, Sandbox};

use crate::harness::Web;
use crate::harness::alerting::{bot, pass_suspicion, wait_until_broken};

/// Waits until the channel has exactly one message and it contains `part`.
async fn the_board(sandbox: &Sandbox, part: &str) -> Reply {
    sandbox
        .wait_for_messages(sandbox.guild(), part, |messages| match messages {
            [only] if only.text().contains(part) => Some(only.clone()),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_kept_up_to_date_and_survives_restarts_and_deletions() {
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
    the_board(&sandbox, "There are no monitors yet").await;
    let twice = sandbox
        .slash(&format!("/board create channel:{channel}"))
        .await
        .render();
    assert!(twice.contains("already has a board"), "{twice}");
    sandbox
        .slash(&format!("/endpoint add target:{} name:shop", web.target()))
        .await;
    the_board(&sandbox, "1 of 1 monitor online").await;
    web.goes_down();
    let board = the_board(&sandbox, "🔴 shop · went offline").await;
    // After a restart, the same message is edited.
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    web.recovers();
    the_board(&sandbox, "🟢 shop").await;
    // A user deletes it while nothing changes: it is posted again.
    sandbox.delete_message(&board);
    the_board(&sandbox, "🟢 shop").await;
    sandbox
        .slash(&format!("/board move channel:{channel}"))
        .await;
    the_board(&sandbox, "🟢 shop").await;
    let removed = sandbox.slash("/board remove").await.render();
    assert!(removed.contains("Removed the status board"), "{removed}");
    sandbox
        .wait_for_messages(sandbox.guild(), "an empty channel", |messages| {
            messages.is_empty().then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_without_permission_is_rejected_or_broken_until_moved() {
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
    // After a server error it is posted later; a missing permission breaks it.
    sandbox.fail_requests(RestFault::Status(503), "/channels/", 2);
    sandbox
        .slash(&format!("/endpoint add target:{} name:shop", web.target()))
        .await;
    the_board(&sandbox, "1 of 1 monitor online").await;
    sandbox.fail_requests(denied, "/channels/", 2);
    sandbox.slash("/endpoint remove endpoint:shop").await;
    pass_suspicion(&rollcall);
    wait_until_broken(&rollcall);
    sandbox
        .slash(&format!("/board move channel:{channel}"))
        .await;
    the_board(&sandbox, "There are no monitors yet").await;
}
