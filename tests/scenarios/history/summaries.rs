//! Summaries of a running bot: each is sent once, with its file, to a channel of its own guild; and the command line and the API
//! say the same.

use discord_sandbox::{Member, Reply, RestFault, Sandbox};
use serde_json::json;

use crate::devices::http_devices_servers::key;
use crate::harness::alerting::{bot, pass_suspicion, the_message, wait_until_broken, with_shop};
use crate::harness::{Rollcall, Running, Web, assert_contains, wait_for};

const DELETED: RestFault = RestFault::Error {
    status: 404,
    code: 10_003,
};

/// Makes the only monitor three days old, and offline for a minute at noon of yesterday (UTC).
const OUTAGE_OF_YESTERDAY: &str = "
    UPDATE monitors SET created_at = created_at - 259200000;
    UPDATE status_spans SET began_at = unixepoch('now', 'start of day') * 1000 - 172800000 WHERE status = 1;
    INSERT INTO status_spans (monitor_id, began_at, status) VALUES
        (1, unixepoch('now', 'start of day') * 1000 - 43200000, 3),
        (1, unixepoch('now', 'start of day') * 1000 - 43140000, 1);
    DELETE FROM status_spans WHERE status = 0;
    INSERT INTO observation_windows (started_at, confirmed_at) VALUES
        (unixepoch('now', 'start of day') * 1000 - 259200000, unixepoch('now', 'start of day') * 1000)";

/// Stops the bot and makes every schedule due. Returns when the job has announced what is due after the next start.
fn due<'a>(rollcall: &'a Rollcall, running: Running<'a>) -> Running<'a> {
    assert_eq!(running.stop().0, 0);
    rollcall.sql("DELETE FROM job_runs WHERE name = 'summaries'");
    rollcall.sql("UPDATE summary_schedules SET next_due_at = unixepoch() * 1000");
    let running = rollcall.run();
    wait_for("the summaries to be announced", || {
        rollcall
            .sql("SELECT 'done' FROM job_runs WHERE name = 'summaries'")
            .pop()
    });
    running
}

fn wait_until_sent(rollcall: &Rollcall) {
    wait_for("the summaries to be sent", || {
        let pending = "SELECT CAST(COUNT(*) AS TEXT) FROM deliveries WHERE delivered_revision < wanted_revision";
        (rollcall.sql(pending) == ["0"]).then_some(())
    });
}

fn summaries(messages: &[Reply]) -> usize {
    let texts = messages.iter().map(Reply::text);
    texts.filter(|text| text.contains("was offline")).count()
}

fn schedule(sandbox: &Sandbox) -> String {
    let channel = sandbox.channel(sandbox.guild());
    format!("/summary schedule period:daily channel:{channel} time:00:00")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_posted_once_with_its_file_also_over_a_crash() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let other = sandbox.add_guild("Elsewhere");
    assert_contains(
        &sandbox.slash(&schedule(&sandbox)).await,
        "daily at 00:00 (UTC)",
    );
    the_message(&sandbox, "Summaries are sent to this channel").await;
    rollcall.sql(OUTAGE_OF_YESTERDAY);

    // The message arrives, and the bot dies before it gets the answer.
    sandbox.fail_requests(RestFault::NoAnswer, "/messages", 1);
    let running = due(&rollcall, running);
    let posted = the_message(&sandbox, "1 of 1 monitor was offline").await;
    drop(running);
    let running = rollcall.run();
    crate::harness::alerting::end_backoff(&rollcall);
    wait_until_sent(&rollcall);
    assert_eq!(summaries(&sandbox.messages(sandbox.guild())), 1);

    let posted = sandbox.refresh(&posted);
    assert_contains(&posted, "**shop** 99.93 %, 1 min of downtime in 1 outage");
    assert_contains(&posted, "No incident was opened.");
    let [file] = posted.files() else {
        panic!("{:?}", posted.files());
    };
    assert_eq!(file.name, "summary.csv");
    let text = String::from_utf8(file.content.clone()).unwrap();
    assert!(text.contains("\n1,endpoint,shop,,"), "{text}");
    assert_eq!(posted.json()["allowed_mentions"], json!({ "parse": [] }));

    // Another run finds nothing to send, and another guild saw nothing of it.
    let running = due_again(&rollcall, running);
    assert_eq!(summaries(&sandbox.messages(sandbox.guild())), 1);
    assert_eq!(summaries(&sandbox.messages(other)), 0);
    assert_eq!(running.stop().0, 0);
}

/// Runs the job once more, with no schedule due.
fn due_again<'a>(rollcall: &'a Rollcall, running: Running<'a>) -> Running<'a> {
    assert_eq!(running.stop().0, 0);
    rollcall.sql("DELETE FROM job_runs WHERE name = 'summaries'");
    let running = rollcall.run();
    wait_for("the job to run", || {
        let announced =
            "SELECT 'none' FROM job_runs WHERE name = 'summaries' AND summary LIKE '0 %'";
        rollcall.sql(announced).pop()
    });
    wait_until_sent(rollcall);
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn only_managers_schedule_summaries_and_only_for_channels_of_their_guild() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let (home, other) = (sandbox.guild(), sandbox.add_guild("Elsewhere"));
    let (channel, foreign) = (sandbox.channel(home), sandbox.channel(other));
    for (line, answer) in [
        (
            "/summaries list".to_owned(),
            "No summaries are scheduled yet.",
        ),
        (
            "/summaries show range:24h".to_owned(),
            "Nothing happened: the only monitor was not offline",
        ),
        (
            format!("/summary schedule period:daily channel:{foreign}"),
            "does not have this channel",
        ),
        (
            format!("/summary schedule period:daily channel:{channel} day:mon"),
            "`day`: only a weekly or a monthly summary has a day.",
        ),
        (
            format!("/summary schedule period:monthly channel:{channel} day:29"),
            "must be from 1 to 28",
        ),
        (
            format!("/summary schedule period:weekly channel:{channel} time:25:00"),
            "is not a time of day",
        ),
        (
            format!("/summary schedule period:weekly channel:{channel} day:fri time:22:30"),
            "weekly, fri at 22:30 (UTC)",
        ),
        (
            "/summary stop summary:weekly".to_owned(),
            "Invalid summary `weekly`.",
        ),
        (
            "/summary stop summary:#99".to_owned(),
            "There is no scheduled summary 99.",
        ),
    ] {
        assert_contains(&sandbox.slash(&line).await, answer);
    }
    assert_eq!(summaries(&sandbox.messages(other)), 0);
    let chosen = sandbox.autocomplete("/summary stop summary:fri").await;
    assert_eq!(
        chosen,
        [("#1 weekly, fri at 22:30".to_owned(), "#1".to_owned())]
    );
    let member = Member::plain(7, "bob");
    let refused = sandbox
        .member(&member)
        .forging()
        .slash("/summary stop summary:#1")
        .await;
    assert_contains(&refused, "Manage Server");
    let listed = sandbox.member(&member).slash("/summaries list").await;
    assert_contains(&listed, "weekly, fri at 22:30");

    // The API and the command line show the same, and refuse the same.
    let (read, admin) = (
        key(&rollcall, "read", &home.0.to_string()),
        key(&rollcall, "admin", &home.0.to_string()),
    );
    let list = ["summary", "list", "--json", "--guild", &home.0.to_string()];
    let on_line = rollcall.done(&list).json();
    let by_api = running.call("GET", "/api/v1/summaries", &read, "");
    assert_eq!(by_api.json["summaries"], on_line);
    assert_eq!(on_line[0]["channel"], channel.to_string());
    let body = json!({ "channel": foreign.to_string(), "period": "daily" }).to_string();
    assert_eq!(
        running
            .call("POST", "/api/v1/summaries", &admin, &body)
            .status,
        404
    );
    let theirs = key(&rollcall, "admin", &other.0.to_string());
    assert_eq!(
        running
            .call("DELETE", "/api/v1/summaries/1", &theirs, "")
            .status,
        404
    );
    let body =
        json!({ "channel": channel.to_string(), "period": "daily", "weekday": "mon" }).to_string();
    assert_eq!(
        running
            .call("POST", "/api/v1/summaries", &admin, &body)
            .status,
        409
    );
    let arguments = [
        "summary",
        "schedule",
        "--period",
        "daily",
        "--guild",
        &home.0.to_string(),
        "--channel",
    ];
    let foreign = foreign.to_string();
    assert_eq!(
        rollcall
            .execute(&[&arguments[..], &[&foreign]].concat())
            .code,
        1
    );
    assert_contains(
        &sandbox.slash("/summary stop summary:#1").await,
        "Stopped the summaries",
    );
    assert_eq!(rollcall.done(&list).json(), json!([]));
    assert_eq!(running.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_was_deleted_is_named_and_an_outdated_summary_is_dropped() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash(&schedule(&sandbox)).await;
    rollcall.sql(OUTAGE_OF_YESTERDAY);
    // Each attempt is made with the file, then without it.
    sandbox.fail_requests(DELETED, "/messages", 4);
    let running = due(&rollcall, running);
    pass_suspicion(&rollcall);
    wait_until_broken(&rollcall);
    sandbox.wait_until_connected().await;
    let listed = sandbox.slash("/summaries list").await;
    assert_contains(
        &listed,
        "Rollcall cannot post there: the channel was deleted",
    );
    rollcall.sql(
        "UPDATE incidents SET details = json_set(details, '$.outdated', 1) WHERE kind = 'summary'",
    );
    crate::harness::alerting::end_backoff(&rollcall);
    wait_for("the summary to be dropped", || {
        let left = "SELECT CAST(COUNT(*) AS TEXT) FROM deliveries d JOIN incidents i ON i.id = d.incident_id WHERE i.kind = 'summary'";
        (rollcall.sql(left) == ["0"]).then_some(())
    });
    assert_eq!(summaries(&sandbox.messages(sandbox.guild())), 0);
    assert_eq!(running.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_permission_to_attach_files_the_text_is_posted_alone() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash(&schedule(&sandbox)).await;
    rollcall.sql(OUTAGE_OF_YESTERDAY);
    let denied = RestFault::Error {
        status: 403,
        code: 50_013,
    };
    sandbox.fail_requests(denied, "/messages", 1);
    let running = due(&rollcall, running);
    let posted = the_message(&sandbox, "1 of 1 monitor was offline").await;
    assert!(posted.files().is_empty());
    wait_until_sent(&rollcall);
    assert_eq!(running.stop().0, 0);
}

#[test]
fn names_are_safe_in_every_format_and_the_figures_are_those_of_the_api() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    let hostile = "=1+1 <b>@everyone `x`</b>";
    let add = [
        "endpoint",
        "add",
        &web.target(),
        "--name",
        hostile,
        "--guild",
        "42",
    ];
    rollcall.done(&add);
    let running = rollcall.run();
    rollcall.wait_until("online", 1, |endpoint| endpoint["status"] == "online");
    rollcall.sql(OUTAGE_OF_YESTERDAY);
    let written = |format: &str, guild: &str| {
        let command = [
            "summary",
            "--range",
            "yesterday",
            "--format",
            format,
            "--guild",
            guild,
        ];
        rollcall.done(&command).out
    };
    let markdown = written("md", "42");
    assert!(
        markdown.contains("# 1 of 1 monitor was offline"),
        "{markdown}"
    );
    assert!(
        markdown.contains("- `=1+1 <b>@everyone 'x'</b>` 99.93 %"),
        "{markdown}"
    );
    assert!(written("csv", "42").contains(",'=1+1 <b>@everyone `x`</b>,"));
    let page = written("html", "42");
    assert!(
        page.contains("<td>=1+1 &lt;b&gt;@everyone `x`&lt;/b&gt;</td>"),
        "{page}"
    );
    let on_line: serde_json::Value = serde_json::from_str(&written("json", "42")).unwrap();
    let read = key(&rollcall, "read", "42");
    let by_api = running.call("GET", "/api/v1/summary?range=yesterday", &read, "");
    assert_eq!(by_api.json, on_line);
    assert_eq!(on_line["monitors"][0]["offline_ms"], 60_000);
    let wrong = running.call("GET", "/api/v1/summary?range=soon", &read, "");
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let elsewhere: serde_json::Value = serde_json::from_str(&written("json", "43")).unwrap();
    assert_eq!(elsewhere["monitors"], json!([]));
    let file = rollcall.path("summary.html").display().to_string();
    let saved = rollcall.done(&[
        "summary",
        "--range",
        "yesterday",
        "--format",
        "html",
        "--output",
        &file,
        "--guild",
        "42",
    ]);
    assert_eq!(saved.out, "");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap().trim_end(),
        page.trim_end()
    );
    assert_eq!(running.stop().0, 0);
}
