//! Summaries of a running bot: each is sent once, with its file, to a channel of its own guild; and the command line and the API
//! say the same.

use discord_sandbox::{GuildId, Member, Reply, RestFault, Sandbox};
use serde_json::{Value, json};

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
    let [picture, file] = posted.files() else {
        panic!("{:?}", posted.files());
    };
    let description = picture.description.as_deref().unwrap();
    assert!(description.contains("by weekday and hour"), "{description}");
    let size = minipng::decode_png_header(&picture.content).unwrap();
    assert_eq!((size.width(), size.height()), (1_000, 340));
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
async fn a_manager_schedules_and_stops_summaries() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let of_channel = |period: &str| {
        let channel = sandbox.channel(sandbox.guild());
        format!("/summary schedule channel:{channel} period:{period}")
    };
    for (line, answer) in [
        (
            "/summaries list".to_owned(),
            "No summaries are scheduled yet.",
        ),
        (
            "/summaries show range:24h".to_owned(),
            "There is not enough data about 1 monitor",
        ),
        (
            of_channel("daily day:mon"),
            "`day`: only a weekly or a monthly summary has a day.",
        ),
        (of_channel("monthly day:29"), "must be from 1 to 28"),
        (of_channel("weekly time:25:00"), "is not a time of day"),
        (
            of_channel("weekly day:fri time:22:30"),
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
    let chosen = sandbox.autocomplete("/summary stop summary:fri").await;
    let expected = ("#1 weekly, fri at 22:30".to_owned(), "#1".to_owned());
    assert_eq!(chosen, [expected]);
    let stopped = sandbox.slash("/summary stop summary:#1").await;
    assert_contains(&stopped, "Stopped the summaries");
    assert_eq!(listed(&rollcall, sandbox.guild()), json!([]));
    assert_eq!(running.stop().0, 0);
}

fn listed(rollcall: &Rollcall, guild: GuildId) -> Value {
    let list = ["summary", "list", "--json", "--guild", &guild.0.to_string()];
    rollcall.done(&list).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_other_guilds_change_no_schedule() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let (home, other) = (sandbox.guild(), sandbox.add_guild("Elsewhere"));
    sandbox.slash(&schedule(&sandbox)).await;
    let bob = Member::plain(7, "bob");
    let stop = "/summary stop summary:#1";
    let refused = sandbox.member(&bob).forging().slash(stop).await;
    assert_contains(&refused, "Manage Server");
    let seen = sandbox.member(&bob).slash("/summaries list").await;
    assert_contains(&seen, "daily at 00:00");
    let eve = Member::manager(9, "Eve");
    let outsider = sandbox.member(&eve).in_guild(other);
    assert_contains(
        &outsider.slash(stop).await,
        "There is no scheduled summary 1.",
    );

    // The API and the command line show the same, and refuse the same.
    let read = key(&rollcall, "read", &home.0.to_string());
    let theirs = key(&rollcall, "admin", &other.0.to_string());
    let by_api = running.call("GET", "/api/v1/summaries", &read, "");
    let on_line = listed(&rollcall, home);
    assert_eq!(by_api.json["summaries"], on_line);
    assert_eq!(on_line[0]["channel"], sandbox.channel(home).to_string());
    assert_eq!(listed(&rollcall, other), json!([]));
    let one = "/api/v1/summaries/1";
    assert_eq!(running.call("DELETE", one, &theirs, "").status, 404);
    let stop = ["summary", "stop", "1", "--guild", &other.0.to_string()];
    assert_eq!(rollcall.execute(&stop).code, 1);
    assert_eq!(listed(&rollcall, home), on_line);
    assert_eq!(running.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_go_only_to_channels_of_their_guild() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let home = sandbox.guild().0.to_string();
    let other = sandbox.add_guild("Elsewhere");
    let foreign = sandbox.channel(other).to_string();
    let line = format!("/summary schedule period:daily channel:{foreign}");
    let refused = sandbox.slash(&line).await;
    assert_contains(&refused, "does not have this channel");
    let admin = key(&rollcall, "admin", &home);
    let post = |body: &Value| {
        let body = body.to_string();
        running.call("POST", "/api/v1/summaries", &admin, &body)
    };
    let refused = post(&json!({ "channel": foreign, "period": "daily" }));
    assert_eq!(refused.status, 404, "{refused:?}");
    let own = sandbox.channel(sandbox.guild()).to_string();
    let contradiction = post(&json!({ "channel": own, "period": "daily", "weekday": "mon" }));
    assert_eq!(contradiction.status, 409, "{contradiction:?}");
    let weekly = [
        "summary", "schedule", "--period", "weekly", "--guild", &home,
    ];
    let refused = rollcall.execute(&[&weekly[..], &["--channel", &foreign]].concat());
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(listed(&rollcall, sandbox.guild()), json!([]));
    assert!(sandbox.messages(other).is_empty());
    let set = rollcall.done(&[&weekly[..], &["--channel", &own]].concat());
    assert!(set.out.contains("weekly, mon at 09:00"), "{set:?}");
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

/// A name that is a formula in a spreadsheet, a mention and markup.
const HOSTILE: &str = "=1+1 <b>@everyone `x`</b>";

/// Starts a bot with an endpoint of this name, which was offline for a minute of yesterday.
fn with_endpoint<'a>(rollcall: &'a Rollcall, web: &Web, name: &str) -> Running<'a> {
    let target = web.target();
    let add = ["endpoint", "add", &target, "--name", name];
    rollcall.done(&[&add[..], &GUILD].concat());
    let running = rollcall.run();
    rollcall.wait_until("online", 1, |endpoint| endpoint["status"] == "online");
    rollcall.sql(OUTAGE_OF_YESTERDAY);
    running
}

const GUILD: [&str; 2] = ["--guild", "42"];

/// The summary of yesterday in a format.
fn written(rollcall: &Rollcall, format: &str, guild: [&str; 2]) -> String {
    let command = ["summary", "--range", "yesterday", "--format", format];
    rollcall.done(&[&command[..], &guild].concat()).out
}

#[test]
fn names_are_safe_in_every_format() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    let running = with_endpoint(&rollcall, &web, HOSTILE);
    for (format, safe) in [
        ("md", "# 1 of 1 monitor was offline"),
        ("md", "- `=1+1 <b>@everyone 'x'</b>` 99.93 %"),
        ("csv", ",'=1+1 <b>@everyone `x`</b>,"),
        ("html", "<td>=1+1 &lt;b&gt;@everyone `x`&lt;/b&gt;</td>"),
    ] {
        let shown = written(&rollcall, format, GUILD);
        assert!(shown.contains(safe), "{shown}");
    }
    let file = rollcall.path("summary.html").display().to_string();
    let save = ["summary", "--range", "yesterday", "--format", "html"];
    let save = [&save[..], &["--output", &file], &GUILD].concat();
    assert_eq!(rollcall.done(&save).out, "");
    let saved = std::fs::read_to_string(&file).unwrap();
    assert_eq!(saved, written(&rollcall, "html", GUILD));
    assert_eq!(running.stop().0, 0);
}

#[test]
fn the_command_line_and_the_api_have_the_same_figures() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    let running = with_endpoint(&rollcall, &web, HOSTILE);
    let of_guild =
        |guild| -> Value { serde_json::from_str(&written(&rollcall, "json", guild)).unwrap() };
    let on_line = of_guild(GUILD);
    let read = key(&rollcall, "read", "42");
    let of_range = |range: &str| {
        let path = format!("/api/v1/summary?range={range}");
        running.call("GET", &path, &read, "")
    };
    assert_eq!(of_range("yesterday").json, on_line);
    assert_eq!(on_line["monitors"][0]["name"], HOSTILE);
    assert_eq!(on_line["monitors"][0]["offline_ms"], 60_000);
    let wrong = of_range("soon");
    assert_eq!(wrong.status, 400, "{wrong:?}");
    assert_eq!(of_guild(["--guild", "43"])["monitors"], json!([]));
    assert_eq!(running.stop().0, 0);
}
