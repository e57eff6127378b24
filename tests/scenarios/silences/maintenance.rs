//! Maintenance windows silence notifications, user-defined groups become one incident, and incident messages have buttons.

use discord_sandbox::{Member, RestFault, Sandbox};

use crate::harness::alerting::{bot, the_message, with_webs};
use crate::harness::{Rollcall, Web, wait_for};

fn outages(rollcall: &Rollcall, which: &str) -> usize {
    let sql = format!("SELECT 'one' FROM outages WHERE {which}");
    rollcall.sql(&sql).len()
}

/// Commands that are refused, each with a part of the sentence.
const MISTAKES: [(&str, &str); 12] = [
    ("/maintenance start duration:soon", "Example: `2h`"),
    (
        "/maintenance schedule title:x at:tomorrow duration:1h",
        "2026-12-01 22:30",
    ),
    (
        "/maintenance schedule title:x at:22:30 duration:1h days:mo",
        "Example: `mon,thu`",
    ),
    (
        "/maintenance schedule title:x at:22:30 duration:1h days:mon zone:Berlin",
        "Europe/Berlin",
    ),
    (
        "/maintenance schedule \"title:x\" \"at:2020-01-01 00:00\" duration:1h",
        "in the past",
    ),
    ("/maintenance start group:nobody", "There is no group named"),
    (
        "/maintenance schedule title:x at:25:00 duration:later",
        "`at`: `25:00` is not a time of day",
    ),
    (
        "/maintenance schedule title:x at:22:30 duration:later",
        "`at`: the date is missing",
    ),
    (
        "/maintenance schedule title:x at:25:00 duration:1h days:mo",
        "`at`: `25:00` is not a time of day",
    ),
    (
        "/maintenance schedule title:x \"at:2090-01-01 00:00\" duration:1h days:mon",
        "With `days`, `at` is a time without a date",
    ),
    (
        "/maintenance schedule title:x at:22:30 duration:later days:mon",
        "`duration`: `later` is not a duration",
    ),
    ("/maintenance end", "This maintenance does not exist"),
];

#[tokio::test(flavor = "multi_thread")]
async fn outages_in_maintenance_notify_only_when_it_ends() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_webs(&sandbox, &rollcall, [&web]).await;
    for (line, part) in MISTAKES {
        let refused = sandbox.slash(line).await.render();
        assert!(refused.contains(part), "{line}: {refused}");
    }
    let started = sandbox
        .slash("/maintenance start duration:1h title:updates")
        .await
        .render();
    assert!(started.contains("**updates** (all monitors)"), "{started}");
    web.goes_down();
    wait_for("the outage to be marked", || {
        (outages(&rollcall, "is_in_maintenance = 1 AND ended_at IS NULL") == 1).then_some(())
    });
    assert_eq!(rollcall.sql("SELECT 'notified' FROM incidents").len(), 0);
    // The window survives a restart, and ends by itself at its end time.
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    rollcall.sql("UPDATE silences SET ends_at = starts_at");
    the_message(&sandbox, "🔴 web0 is offline").await;
    let none = sandbox.slash("/maintenance list").await.render();
    assert!(none.contains("No maintenance"), "{none}");
    web.recovers();
    the_message(&sandbox, "🟢 web0 was offline for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_maintenance_becomes_a_discord_event_if_permitted() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let _running = with_webs(&sandbox, &rollcall, []).await;
    let zones = sandbox
        .autocomplete("/maintenance schedule title:x at:1 duration:1h zone:berl")
        .await;
    assert!(format!("{zones:?}").contains("Europe/Berlin"), "{zones:?}");
    // Never a day on which the window is running already.
    let day = rollcall
        .sql("SELECT strftime('%w', 'now', '+3 days')")
        .pop();
    let day: usize = day.unwrap().parse().unwrap();
    let day = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"][day];
    let plan = format!(
        "/maintenance schedule title:patching at:03:30 duration:2h days:{day} zone:Europe/Berlin"
    );
    let planned = sandbox.slash(&plan).await.render();
    assert!(
        planned.contains(&format!("{day} at 03:30 (Europe/Berlin)")),
        "{planned}"
    );
    let event = sandbox
        .wait_for("the event", |record| {
            let mut made = record.requests.iter().filter(|request| {
                request.method == "POST" && request.path.ends_with("/scheduled-events")
            });
            made.next().cloned()
        })
        .await;
    assert_eq!(
        (event.status, &event.body["name"]),
        (200, &"patching".into())
    );
    wait_for("the event's id to be stored", || {
        rollcall
            .sql("SELECT 'stored' FROM calendar_events WHERE event_id > 0")
            .pop()
    });
    sandbox.slash("/maintenance end which:patching").await;
    sandbox
        .wait_for("the event to be deleted", |record| {
            let mut deleted = record
                .requests
                .iter()
                .filter(|request| request.method == "DELETE");
            deleted.next().map(drop)
        })
        .await;
    // Without the permission the window is kept all the same, and Discord is not asked again.
    let refused = RestFault::Error {
        status: 403,
        code: 50_013,
    };
    sandbox.fail_requests(refused, "/scheduled-events", 1_000);
    sandbox.slash(&plan).await;
    wait_for("the refusal to be stored", || {
        rollcall
            .sql("SELECT 'refused' FROM calendar_events WHERE event_id = 0")
            .pop()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_does_not_answer_delays_no_maintenance() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let _running = with_webs(&sandbox, &rollcall, [&web]).await;
    sandbox.fail_requests(RestFault::NoAnswer, "/scheduled-events", 1_000);
    let later = "/maintenance schedule \"title:later\" \"at:2090-01-01 00:00\" duration:1h";
    for _ in 0..3 {
        sandbox.slash(later).await;
    }
    sandbox
        .wait_for("a request to the calendar", |record| {
            let mut asked = record.requests.iter();
            asked
                .find(|one| one.path.ends_with("/scheduled-events"))
                .map(drop)
        })
        .await;
    // One of them is due now.
    rollcall.sql(
        "UPDATE silences SET starts_at = unixepoch() * 1000, ends_at = unixepoch() * 1000 + 3600000
         WHERE id = (SELECT MIN(id) FROM silences)",
    );
    web.goes_down();
    wait_for("the outage to be held back", || {
        (outages(&rollcall, "is_in_maintenance = 1 AND ended_at IS NULL") == 1).then_some(())
    });
    wait_for("the start to be recorded", || {
        rollcall
            .sql("SELECT 'started' FROM events WHERE kind = 'maintenance_started'")
            .pop()
    });
    assert_eq!(rollcall.sql("SELECT 'notified' FROM incidents").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_one_incident_with_a_menu_of_its_endpoints() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let (mut first, mut second) = (Web::up(), Web::up());
    let _running = with_webs(&sandbox, &rollcall, [&first, &second]).await;
    // Endpoints of one host would be grouped anyway; with two hosts they share only their group.
    rollcall.sql("UPDATE endpoint_targets SET host = 'one.example' WHERE monitor_id = 1");
    for name in ["web0", "web1"] {
        let set = sandbox
            .slash(&format!("/group set monitor:{name} group:shop"))
            .await;
        assert!(
            set.text().contains("is now in the group **shop**"),
            "{}",
            set.render()
        );
    }
    let listed = sandbox.slash("/group list").await.render();
    assert!(listed.contains("**shop**: 2 monitors"), "{listed}");
    first.goes_down();
    second.goes_down();
    let alert = the_message(&sandbox, "🔴 2 monitors in the group shop are offline").await;
    assert_eq!(
        alert.buttons(),
        ["Recheck", "Acknowledge", "Mute 1 h", "Maintenance"]
    );
    let bob = Member::plain(8, "Bob");
    let chosen = sandbox.member(&bob).choose(&alert, "web1").await;
    assert!(
        chosen.is_ephemeral() && chosen.text().contains("web1"),
        "{}",
        chosen.render()
    );
    let outsider = Member::manager(9, "Eve");
    let elsewhere = sandbox.add_guild("Elsewhere");
    let outsider = sandbox.member(&outsider).in_guild(elsewhere);
    let refused = outsider.choose(&alert, "web1").await.render();
    assert!(!refused.contains("127.0.0.1"), "{refused}");
    let out = sandbox.slash("/group set monitor:web1").await;
    assert!(
        out.text().contains("is now in no group"),
        "{}",
        out.render()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_of_an_incident_recheck_it_and_start_its_maintenance() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_webs(&sandbox, &rollcall, [&web]).await;
    web.goes_down();
    let alert = the_message(&sandbox, "🔴 web0 is offline").await;
    let checked = sandbox.press(&alert, "Recheck").await;
    let text = checked.text();
    assert!(
        text.contains("Rechecked: by <@1001>") && text.contains("connection refused"),
        "{text}"
    );
    assert!(text.contains("total"), "{text}");
    let silenced = sandbox.press(&checked, "Maintenance").await;
    assert!(
        silenced.text().contains("Maintenance: until "),
        "{}",
        silenced.render()
    );
    web.recovers();
    the_message(&sandbox, "🟢 web0 was offline for").await;
    rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
    web.goes_down();
    wait_for("the second outage to be marked", || {
        (outages(&rollcall, "is_in_maintenance = 1") == 1).then_some(())
    });
    assert_eq!(rollcall.sql("SELECT 'notified' FROM incidents").len(), 1);
    let ended = sandbox.slash("/maintenance end").await.render();
    assert!(ended.contains("Ended the maintenance"), "{ended}");
    the_message(&sandbox, "🔴 web0 is offline").await;
    drop(running);
}
