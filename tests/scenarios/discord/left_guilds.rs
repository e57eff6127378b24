//! A guild removes the bot, is missing when Rollcall starts, invites the bot again, or belongs to another bot.

use std::time::Duration;

use discord_sandbox::{GuildId, Sandbox};
use serde_json::Value;

use crate::harness::alerting::{bot, the_message, wait_until_online, with_shop};
use crate::harness::own_timer::stopwatch;
use crate::harness::query_plans::{assert_no_scans, traced};
use crate::harness::{Rollcall, Running, Web, wait_for};

/// The keys of a guild, by kind.
struct Keys {
    guild: String,
    read: String,
    admin: String,
    fleet: String,
    ping: String,
}

impl Keys {
    fn create(rollcall: &Rollcall, guild: GuildId) -> Self {
        let guild = guild.0.to_string();
        let key = |kind| {
            let made = rollcall.done(&["key", "create", "--kind", kind, "--guild", &guild]);
            made.out.trim().to_owned()
        };
        Self {
            read: key("read"),
            admin: key("admin"),
            fleet: key("fleet"),
            ping: key("ping"),
            guild: guild.clone(),
        }
    }

    /// The status codes of one request with each key.
    fn codes(&self, running: &Running<'_>) -> [u16; 4] {
        let device = "/api/v1/device/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f/heartbeat";
        let slug = format!("/ping/{}/backup", self.ping);
        [
            running
                .call("GET", "/api/v1/endpoints", &self.read, "")
                .status,
            running
                .call("GET", "/api/v1/endpoints", &self.admin, "")
                .status,
            running.call("POST", device, &self.fleet, "").status,
            running.call("GET", &slug, "", "").status,
        ]
    }
}

fn add_endpoint(rollcall: &Rollcall, web: &Web, guild: &str) {
    rollcall.done(&["endpoint", "add", &web.target(), "--guild", guild]);
}

/// Waits until a guild is stored as one that the bot has left, or is in.
fn wait_until_left(rollcall: &Rollcall, guild: GuildId, has_left: bool) {
    let found = format!(
        "SELECT 'found' FROM guilds WHERE guild_id = {} AND (left_at IS NOT NULL) = {has_left}",
        guild.0
    );
    wait_for("the guild to be recorded", || rollcall.sql(&found).pop());
}

/// Waits for further requests to a web server.
fn wait_for_checks(web: &Web, more: usize) {
    let before = web.requests();
    wait_for("further checks", || {
        (web.requests() >= before + more).then_some(())
    });
}

fn outages(rollcall: &Rollcall) -> Vec<String> {
    rollcall.sql("SELECT reason FROM outages")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_that_removes_the_bot_loses_checks_and_keys_and_another_one_does_not() {
    let sandbox = Sandbox::start().await;
    let (home, other) = (sandbox.guild(), sandbox.add_guild("Other"));
    let rollcall = bot(&sandbox);
    let (ours, theirs) = (Web::up(), Web::up());
    let (keys, their_keys) = (
        Keys::create(&rollcall, home),
        Keys::create(&rollcall, other),
    );
    add_endpoint(&rollcall, &ours, &keys.guild);
    add_endpoint(&rollcall, &theirs, &their_keys.guild);
    let token = "Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9";
    for guild in [&keys.guild, &their_keys.guild] {
        rollcall.done(&["device", "add", "backup", "--guild", guild]);
    }
    let uuid = "00000000-0000-4000-8000-000000000001";
    let add = [
        "device",
        "add",
        "pump",
        "--uuid",
        uuid,
        "--push-token",
        token,
    ];
    rollcall.done(&[&add[..], &["--guild", &keys.guild]].concat());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_until_left(&rollcall, other, false);
    wait_until_online(&running, 2);
    let (ping, push) = (format!("/ping/{uuid}"), format!("/api/push/{token}"));
    let by_url =
        |running: &Running<'_>| [&ping, &push].map(|path| running.call("GET", path, "", "").status);
    assert_eq!(keys.codes(&running), [200; 4]);
    assert_eq!(their_keys.codes(&running), [200; 4]);
    assert_eq!(by_url(&running), [200, 200]);

    sandbox.remove_bot(home);
    let removed = stopwatch();
    wait_for("the keys to end", || {
        (keys.codes(&running) == [401, 401, 401, 404]).then_some(())
    });
    assert!(removed.elapsed() < Duration::from_secs(10));
    assert_eq!(by_url(&running), [404, 404]);
    wait_for_checks(&theirs, 2);
    let checks = ours.requests();
    wait_for_checks(&theirs, 4);
    assert_eq!(ours.requests(), checks, "no check of the guild that left");
    assert_eq!(their_keys.codes(&running), [200; 4]);
    assert_eq!(outages(&rollcall), [""; 0]);
    let events = rollcall.sql("SELECT kind FROM events WHERE kind LIKE 'guild_%'");
    assert_eq!(events, ["guild_left"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unavailable_guild_keeps_its_checks_and_keys() {
    let sandbox = Sandbox::start().await;
    let (home, other) = (sandbox.guild(), sandbox.add_guild("Other"));
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let keys = Keys::create(&rollcall, home);
    add_endpoint(&rollcall, &web, &keys.guild);
    rollcall.done(&["device", "add", "backup", "--guild", &keys.guild]);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_until_left(&rollcall, home, false);
    sandbox.guild_becomes_unavailable(home);
    // Rollcall records changes in order: it has seen the first one when it has recorded the second.
    sandbox.remove_bot(other);
    wait_until_left(&rollcall, other, true);
    wait_until_left(&rollcall, home, false);
    assert_eq!(keys.codes(&running), [200; 4]);
    wait_for_checks(&web, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_that_is_missing_after_a_restart_has_left_and_unknown_guilds_stay() {
    let sandbox = Sandbox::start().await;
    let (home, other) = (sandbox.guild(), sandbox.add_guild("Other"));
    let rollcall = bot(&sandbox);
    let (ours, never_seen, local) = (Web::up(), Web::up(), Web::up());
    let keys = Keys::create(&rollcall, home);
    let kept = Keys::create(&rollcall, GuildId(4_242));
    add_endpoint(&rollcall, &ours, &keys.guild);
    add_endpoint(&rollcall, &never_seen, &kept.guild);
    add_endpoint(&rollcall, &local, "0");
    rollcall.done(&["device", "add", "backup", "--guild", &kept.guild]);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_until_left(&rollcall, home, false);
    wait_for_checks(&ours, 1);
    assert_eq!(running.stop().0, 0);
    sandbox.remove_bot(home);
    // A READY without a guild is not enough: Discord is asked about it, and does not say at first.
    sandbox.fail_requests(discord_sandbox::RestFault::Status(503), "/guilds/", 1);
    let running = rollcall.run();
    wait_until_left(&rollcall, home, true);
    wait_until_left(&rollcall, other, false);
    assert_eq!(keys.codes(&running), [401, 401, 401, 404]);
    assert_eq!(kept.codes(&running), [200; 4]);
    wait_for_checks(&local, 2);
    let checks = ours.requests();
    wait_for_checks(&local, 3);
    wait_for_checks(&never_seen, 1);
    assert_eq!(ours.requests(), checks);
    // Two devices of the other guild have keys of their own.
    let known = rollcall.done(&["guild", "list", "--json"]).json();
    let of = |id: &str| {
        let all = known.as_array().unwrap();
        all.iter().find(|guild| guild["id"] == id).unwrap().clone()
    };
    let left = of(&keys.guild);
    assert_eq!(
        (&left["name"], &left["monitors"], &left["keys"]),
        (&"Home".into(), &1.into(), &0.into())
    );
    assert!(
        left["left_at"].is_string() && left["deleted_at"].is_string(),
        "{left}"
    );
    assert_eq!(
        (&of("0")["joined_at"], &of("4242")["keys"]),
        (&Value::Null, &6.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_resumes_the_checks_without_an_outage_and_revives_no_key() {
    let sandbox = Sandbox::start().await;
    let home = sandbox.guild();
    let rollcall = bot(&sandbox)
        .with("HEARTBEAT_CHECK_INTERVAL", "1s")
        .with("HEARTBEAT_OFFLINE_THRESHOLD", "2s");
    let mut web = Web::up();
    let keys = Keys::create(&rollcall, home);
    let running = with_shop(&sandbox, &rollcall, &web).await;
    assert_eq!(keys.codes(&running)[..3], [200; 3]);
    wait_until_left(&rollcall, home, false);
    let messages = sandbox.messages(home).len();
    sandbox.remove_bot(home);
    wait_until_left(&rollcall, home, true);
    // It goes down and recovers meanwhile, and the device sends nothing.
    web.goes_down();
    web.recovers();
    let local = Web::up();
    add_endpoint(&rollcall, &local, "0");
    wait_for_checks(&local, 3);
    let checks = web.requests();
    sandbox.add_bot(home);
    wait_until_left(&rollcall, home, false);
    wait_for("the checks to resume", || {
        let online = "SELECT 'online' FROM monitors WHERE name = 'shop' AND status = 'online'";
        (web.requests() > checks)
            .then(|| rollcall.sql(online).pop())
            .flatten()
    });
    assert_eq!(keys.codes(&running), [401, 401, 401, 404]);
    wait_for_checks(&local, 3);
    assert_eq!(outages(&rollcall), [""; 0]);
    assert_eq!(sandbox.messages(home).len(), messages);
    let new = Keys::create(&rollcall, home);
    assert_eq!(new.codes(&running)[..3], [200; 3]);
    // Alerts work as before, without a new setup.
    web.goes_down();
    the_message(&sandbox, "🔴 shop is offline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_deletes_a_guild_while_the_bot_runs() {
    let sandbox = Sandbox::start().await;
    let (home, other) = (sandbox.guild(), sandbox.add_guild("Other"));
    let rollcall = traced(bot(&sandbox));
    let (ours, theirs, local) = (Web::up(), Web::up(), Web::up());
    let (keys, their_keys) = (
        Keys::create(&rollcall, home),
        Keys::create(&rollcall, other),
    );
    add_endpoint(&rollcall, &ours, &keys.guild);
    add_endpoint(&rollcall, &theirs, &their_keys.guild);
    add_endpoint(&rollcall, &local, "0");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_until_left(&rollcall, other, false);
    wait_until_online(&running, 3);
    let forget = |arguments: &[&str]| rollcall.execute(&[&["guild", "forget"], arguments].concat());
    let refused = forget(&["0", "--yes"]);
    assert_eq!(
        (refused.code, refused.err.contains("local monitor list")),
        (2, true),
        "{refused:?}"
    );
    let refused = forget(&[&keys.guild, "--yes"]);
    assert_eq!(
        (refused.code, refused.err.contains("still in")),
        (1, true),
        "{refused:?}"
    );
    sandbox.remove_bot(home);
    wait_until_left(&rollcall, home, true);
    let refused = forget(&[&keys.guild]);
    assert_eq!(
        (refused.code, refused.err.contains("--yes")),
        (2, true),
        "{refused:?}"
    );
    let done = forget(&[&keys.guild, "--yes"]);
    assert_eq!(done.code, 0, "{done:?}");
    let done = forget(&[&their_keys.guild, "--yes", "--even-if-joined"]);
    assert_eq!(done.code, 0, "{done:?}");
    let checks = (ours.requests(), theirs.requests());
    wait_for_checks(&local, 3);
    assert_eq!((ours.requests(), theirs.requests()), checks);
    assert_eq!(keys.codes(&running), [401, 401, 401, 404]);
    for table in [
        "monitors",
        "endpoint_targets",
        "api_keys",
        "events",
        "guilds",
    ] {
        let rows = format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table} WHERE guild_id <> 0");
        assert_eq!(rollcall.sql(&rows), ["0"], "{table}");
    }
    assert_eq!(running.stop().0, 0);
    assert_no_scans(&rollcall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_is_deleted_when_its_retention_is_over() {
    let sandbox = Sandbox::start().await;
    let home = sandbox.guild();
    let rollcall = bot(&sandbox).with("RETENTION_LEFT_GUILDS", "2d");
    let web = Web::up();
    add_endpoint(&rollcall, &web, &home.0.to_string());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.remove_bot(home);
    wait_until_left(&rollcall, home, true);
    assert_eq!(running.stop().0, 0);
    let passed = |hours: u64| {
        rollcall.sql(&format!(
            "UPDATE guilds SET left_at = left_at - {hours} * 3600000"
        ));
        rollcall.sql("DELETE FROM job_runs WHERE name = 'left_guilds'");
    };
    let finished = || {
        rollcall
            .sql("SELECT summary FROM job_runs WHERE name = 'left_guilds'")
            .pop()
    };
    let monitors = || {
        rollcall
            .sql("SELECT CAST(COUNT(*) AS TEXT) FROM monitors")
            .remove(0)
    };
    for (hours, summary, rows) in [(47, "deleted 0 guilds", "1"), (2, "deleted 1 guilds", "0")] {
        passed(hours);
        let running = rollcall.run();
        assert_eq!(wait_for("the job to run", finished), summary);
        assert_eq!(monitors(), rows);
        assert_eq!(running.stop().0, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_another_bot_is_refused_until_it_adopts_the_guilds() {
    let sandbox = Sandbox::start().await;
    let (home, other) = (sandbox.guild(), sandbox.add_guild("Other"));
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let keys = Keys::create(&rollcall, home);
    let running = with_shop(&sandbox, &rollcall, &web).await;
    wait_until_left(&rollcall, other, false);
    assert_eq!(running.stop().0, 0);

    let messages = sandbox.messages(home).len();
    sandbox.replace_application();
    sandbox.remove_bot(other);
    web.goes_down();
    let identifies = || {
        let sent = sandbox.record().gateway;
        sent.iter().filter(|payload| payload["op"] == 2).count()
    };
    let before = identifies();
    let running = rollcall.run();
    let (code, err) = running.ended();
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("rollcall guild adopt"), "{err}");
    assert_eq!(identifies(), before, "no session");
    assert_eq!(sandbox.messages(home).len(), messages, "nothing is posted");
    let left = "SELECT CAST(guild_id AS TEXT) FROM guilds WHERE left_at IS NOT NULL";
    assert_eq!(rollcall.sql(left), [""; 0]);

    let adopted = rollcall.done(&["guild", "adopt"]);
    assert!(adopted.out.starts_with("2 Discord servers"), "{adopted:?}");
    let running = rollcall.run();
    wait_until_left(&rollcall, other, true);
    wait_until_left(&rollcall, home, false);
    the_message(&sandbox, "🔴 shop is offline").await;
    assert_eq!(keys.codes(&running)[..3], [200; 3]);
}
