//! The one-shot commands: their output, their errors and their exit codes.

use serde_json::json;

use crate::harness::{Rollcall, Web, wait_for};

#[test]
fn endpoints_are_managed_entirely_from_the_terminal() {
    let rollcall = Rollcall::new();
    let added = rollcall.done(&[
        "endpoint",
        "add",
        "tcp://203.0.113.7:25565",
        "--name",
        "game",
        "--guild",
        "42",
    ]);
    assert_eq!(added.out, "Added tcp://203.0.113.7:25565 with id 1\n");
    let again = rollcall.done(&["endpoint", "add", "203.0.113.7:25565", "--guild", "42"]);
    assert_eq!(again.out, "tcp://203.0.113.7:25565 already exists\n");
    assert_eq!(
        rollcall.list(),
        [json!({
            "id": 1, "guild_id": "42", "name": "game", "target": "tcp://203.0.113.7:25565", "host": "203.0.113.7",
            "port": 25565, "status": "unknown", "is_active": true, "inactive_reason": null, "inactive_detail": null,
            "last_check_date": null, "last_seen_at": null,
        })]
    );
    let foreign = rollcall.execute(&["endpoint", "remove", "1", "--guild", "43"]);
    assert_eq!((foreign.code, rollcall.list().len()), (1, 1));
    rollcall.done(&["endpoint", "remove", "1", "--guild", "42"]);
    assert!(rollcall.list().is_empty());
}

#[test]
fn an_invalid_target_is_rejected_with_a_sentence_and_an_example() {
    let rollcall = Rollcall::new();
    for (target, sentence) in [
        (
            "example.org:99999",
            "the port must be a number from 1 to 65535. Try `https://example.org/`",
        ),
        (
            "https:/example.org",
            "the scheme must be followed by `://`. Try `https://example.org/`",
        ),
    ] {
        let output = rollcall.execute(&["endpoint", "add", target]);
        assert_eq!(output.code, 2);
        assert_eq!(output.err, format!("error: TARGET: {sentence}\n"));
    }
    let added = rollcall.done(&["endpoint", "add", "Example.org:80", "--json"]);
    assert_eq!(added.json()["target"], "tcp://example.org:80");
}

#[test]
fn all_invalid_settings_are_reported_at_once() {
    let rollcall = Rollcall::new()
        .with("PROBE_INTERVAL", "soon")
        .with("HTTP_BIND", "here")
        .with("LOG_LEVEL", "loud");
    let output = rollcall.execute(&["run"]);
    assert_eq!(output.code, 2);
    for name in ["PROBE_INTERVAL", "HTTP_BIND", "LOG_LEVEL"] {
        assert!(output.err.contains(name), "{output:?}");
    }
}

#[test]
fn a_file_that_is_not_a_database_is_rejected_and_not_changed() {
    let rollcall = Rollcall::new();
    std::fs::write(
        rollcall.path("rollcall.db"),
        "not a database, but ".repeat(500),
    )
    .unwrap();
    let output = rollcall.execute(&["endpoint", "list"]);
    assert_eq!(output.code, 3);
    assert!(output.err.contains("rollcall.db"), "{output:?}");
    assert_eq!(
        std::fs::read(rollcall.path("rollcall.db")).unwrap().len(),
        10_000
    );
}

/// Runs `check` until one endpoint is offline. Failures count only if they are a retry interval apart.
fn check_until_one_is_offline(rollcall: &Rollcall) {
    wait_for("an endpoint to be offline", || {
        rollcall.done(&["check"]);
        let endpoints = rollcall.list();
        let mut offline = endpoints
            .iter()
            .filter(|endpoint| endpoint["status"] == "offline");
        offline.next().map(|_| ())
    });
}

#[test]
fn check_runs_once_and_reports_its_results() {
    let rollcall = Rollcall::new();
    let mut web = Web::up();
    let closed = Web::up();
    rollcall.add(&web.target());
    rollcall.add(&closed.target());
    drop(closed);
    check_until_one_is_offline(&rollcall);
    let mut statuses: Vec<_> = rollcall
        .list()
        .iter()
        .map(|endpoint| endpoint["status"].clone())
        .collect();
    statuses.sort_by_key(ToString::to_string);
    assert_eq!(statuses, ["offline", "online"]);

    let summary = rollcall.done(&["check", "--active", "--json"]).json();
    assert_eq!(
        (&summary["found"], &summary["online"]),
        (&json!(1), &json!(1))
    );
    web.goes_down();
    let plan = rollcall
        .done(&["check", "--all", "--dry-run", "--json"])
        .json();
    assert_eq!(plan.as_array().unwrap().len(), 2);
    let none = rollcall
        .done(&["check", "--older-than", "1h", "--json"])
        .json();
    assert_eq!(none["found"], 0);
    let one = rollcall.done(&["check", "--limit", "1", "--json"]).json();
    assert_eq!(one["found"], 1);
}

#[test]
fn recheck_reactivates_endpoints_that_respond_again() {
    let rollcall = Rollcall::new();
    let mut web = Web::up();
    let id = rollcall.add(&web.target());
    web.goes_down();
    check_until_one_is_offline(&rollcall);
    let recent = rollcall.done(&["recheck", "--json"]).json();
    assert_eq!(recent["found"], 0, "it was checked a moment ago");
    let still = rollcall.done(&["recheck", "--hours", "0", "--verbose"]);
    assert!(
        still.out.starts_with("Checked 1 endpoint in ")
            && still
                .out
                .contains(" s: 0 online (0 reactivated), 0 in warning, 1 offline"),
        "{still:?}"
    );
    assert!(still.err.contains("connection refused"), "{still:?}");
    web.recovers();
    let recovered = rollcall
        .done(&[
            "recheck",
            "--hours",
            "0",
            "--batch",
            "1",
            "--concurrent",
            "1",
            "--timeout",
            "5",
            "--json",
        ])
        .json();
    assert_eq!(
        (&recovered["found"], &recovered["reactivated"]),
        (&json!(1), &json!(1))
    );
    rollcall.wait_until("online", id, |endpoint| endpoint["is_active"] == true);
}

#[test]
fn endpoints_are_imported_from_a_file_and_exported() {
    let rollcall = Rollcall::new();
    std::fs::write(
        rollcall.path("list.txt"),
        "203.0.113.7:80 door\nnonsense\nhttps://example.org/\n203.0.113.7:80\n",
    )
    .unwrap();
    let output = rollcall.done(&["endpoint", "import", "list.txt"]);
    assert_eq!(
        output.out,
        "2 endpoints added, 0 already existed, 2 rejected\n"
    );
    assert!(
        output.err.contains("line 2: ")
            && output.err.contains("line 4: line 1 has the same target"),
        "{output:?}"
    );
    let exported = rollcall.done(&["endpoint", "export"]).out;
    assert_eq!(
        exported,
        "target,name,interval,status\ntcp://203.0.113.7:80,door,,unknown\nhttps://example.org/,example.org,,unknown\n"
    );
    let full = Rollcall::new().with("QUOTA_ENDPOINTS", "1");
    std::fs::write(full.path("list.csv"), exported).unwrap();
    let output = full.execute(&["endpoint", "import", "list.csv"]);
    assert_eq!((output.code, full.list().len()), (1, 0), "{output:?}");
}

#[test]
fn a_backup_works_while_the_bot_runs_and_never_overwrites() {
    let rollcall = Rollcall::new();
    rollcall.add("tcp://203.0.113.7:25565");
    let running = rollcall.run();
    rollcall.done(&["backup", "copy.db"]);
    assert_eq!(rollcall.execute(&["backup", "copy.db"]).code, 3);
    drop(running);
    let copy = rollcall.with("DATABASE_URL", "sqlite://copy.db");
    assert_eq!(copy.list().len(), 1);
}

#[test]
fn help_lists_the_commands_and_completions_are_generated() {
    let rollcall = Rollcall::new();
    let help = rollcall.done(&["--help"]).out;
    for word in [
        "run",
        "check",
        "recheck",
        "endpoint",
        "backup",
        "healthcheck",
        "completions",
        "Examples:",
    ] {
        assert!(help.contains(word), "{word}");
    }
    assert!(
        rollcall
            .done(&["completions", "bash"])
            .out
            .contains("_rollcall")
    );
    assert_eq!(rollcall.execute(&["fly"]).code, 2);
}

#[test]
fn http_expectations_can_be_set_when_an_endpoint_is_added() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    rollcall.done(&[
        "endpoint",
        "add",
        &web.target(),
        "--keyword",
        "ok",
        "--status",
        "200",
        "--method",
        "get",
    ]);
    let path = format!("{}other", web.target());
    rollcall.done(&[
        "endpoint",
        "add",
        &path,
        "--keyword",
        "elsewhere",
        "--header",
        "Accept: text/plain",
    ]);
    check_until_one_is_offline(&rollcall);
    let reasons: Vec<_> = rollcall
        .list()
        .iter()
        .map(|endpoint| endpoint["inactive_reason"].clone())
        .collect();
    assert_eq!(reasons, [json!(null), json!("keyword_missing")]);
    for (option, value) in [
        ("--status", "2xx"),
        ("--method", "DELETE"),
        ("--header", "Host: x"),
        ("--keyword", ""),
    ] {
        let output = rollcall.execute(&["endpoint", "add", "http://example.org/", option, value]);
        assert_eq!(output.code, 2, "{option}: {output:?}");
        assert!(
            output.err.contains(option) && output.err.contains("Example: "),
            "{output:?}"
        );
    }
    let tcp = rollcall.execute(&["endpoint", "add", "203.0.113.7:80", "--keyword", "x"]);
    assert!(
        tcp.err.contains("a tcp endpoint has no HTTP options"),
        "{tcp:?}"
    );
}
