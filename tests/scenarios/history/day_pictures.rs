//! Pictures in replies of what monitors were on each day, what a server reports, and inactive endpoints.

use discord_sandbox::{Reply, Sandbox};

use crate::harness::alerting::{bot, the_message, wait_until_online, with_shop};
use crate::harness::{Web, assert_contains};

/// The description of the only file of a reply, which is a picture of this height.
fn picture(reply: &Reply, height: u32) -> String {
    let [file] = reply.files() else {
        panic!("{reply:?}");
    };
    let size = minipng::decode_png_header(&file.content).unwrap();
    assert_eq!((size.width(), size.height()), (1_000, height), "{reply:?}");
    file.description.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_have_pictures_of_days_of_servers_and_of_inactive_endpoints() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    the_message(&sandbox, "🔴 shop is offline").await;
    web.recovers();
    wait_until_online(&running, 1);
    the_message(&sandbox, "🟢 shop was offline").await;
    let home = sandbox.guild().0.to_string();
    let added = rollcall.done(&["server", "add", "mail", "--guild", &home, "--json"]);
    let key = added.json()["key"].as_str().unwrap().to_owned();
    let without_reports = sandbox.slash("/servers show server:mail").await;
    assert!(without_reports.files().is_empty(), "{without_reports:?}");
    let report = r#"{"cpu":12,"memory":{"used_percent":61},"load":[0.5,0.4,0.3]}"#;
    let sent = running.call("POST", "/api/v1/server-stats", &key, report);
    assert_eq!(sent.status, 200, "{sent:?}");

    let uptime = sandbox.slash("/uptime range:today").await;
    let description = picture(&uptime, 340);
    for part in ["Uptime of 2 monitors on each day, ", "downtime on 1 day"] {
        assert!(description.contains(part), "{description}");
    }
    let server = sandbox.slash("/servers show server:mail").await;
    let expected =
        "Metrics of mail, 24h. CPU: mean 12 %, at most 12 %, last 12 %. Memory: mean 61 %";
    let description = picture(&server, 340);
    assert!(description.starts_with(expected), "{description}");
    let inactive = sandbox.slash("/offline_endpoints stats range:7d").await;
    let expected = "Inactive endpoints, 7d. At most 1 at once, 0 at the end. 1 outage: ";
    let description = picture(&inactive, 340);
    assert!(description.starts_with(expected), "{description}");

    // A year has too many days for cells; the text is the same.
    let year = sandbox.slash("/uptime range:1y").await;
    assert!(year.files().is_empty(), "{year:?}");
    assert_contains(&year, "1 of 2 monitors had downtime");
    assert_eq!(running.stop().0, 0);
}
