//! Tests of the cards of endpoints: Discord's limits with the longest texts, and snapshots of ordinary cards.

use std::time::Duration;

use serde_json::json;

use crate::actions::endpoints::completed_check::Recorded;
use crate::actions::endpoints::import_endpoints::{Imported, RefusedLine};
use crate::actions::endpoints::recheck::Summary;
use crate::actions::endpoints::summarize::Statistics;
use crate::discord::endpoints::offline_card::{self, Rechecks};
use crate::discord::endpoints::{
    endpoint_card, import_card, list_card, recheck_card, statistics_card,
};
use crate::discord::ui::embed_testing::{NOW, card_text, embed_json, fits};
use crate::discord::ui::view::Pages;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::certificate_expiry::{Certificate, length_of};
use crate::domain::endpoints::check_result::{
    CheckResult, Failure, FailureClass, NotChecked, Timings, Verdict,
};
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::status_rule::State;
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::status::Status;
use crate::domain::status::transition::{Transition, TransitionReason};
use crate::store::endpoints::endpoint::{Description, Endpoint};
use crate::store::job_run::JobRun;

fn ordinary() -> Endpoint {
    Endpoint {
        id: MonitorId(7),
        guild_id: GuildId(1),
        description: Description {
            name: "web shop".into(),
            target: "https://shop.example.org/health".parse().unwrap(),
            http_check: None,
            interval: None,
        },
        state: State {
            status: Status::Offline,
            since: NOW.minus(Duration::from_secs(420)),
            consecutive_failures: 5,
            failure: Some(Failure::with(FailureClass::UnexpectedStatus, "503")),
        },
        last_check_at: Some(NOW.minus(Duration::from_secs(30))),
        recheck_counts_from: Some(NOW.minus(Duration::from_secs(30))),
        last_seen_at: Some(NOW.minus(Duration::from_secs(480))),
        next_check_at: Some(NOW.plus(Duration::from_secs(90))),
        latency: Some(Duration::from_millis(12)),
        certificate: Some(Certificate {
            starts_at: Some(NOW.minus(length_of(75))),
            expires_at: NOW.plus(length_of(15)),
            host: None,
        }),
        created_at: NOW,
    }
}

fn online() -> Endpoint {
    let mut endpoint = ordinary();
    endpoint.state = State {
        status: Status::Online,
        ..State::new(NOW.minus(Duration::from_secs(7200)))
    };
    endpoint.certificate = Some(expiring_behind_a_redirect("login.example.org"));
    endpoint
}

fn expiring_behind_a_redirect(host: &str) -> Certificate {
    Certificate {
        starts_at: Some(NOW.minus(length_of(76))),
        expires_at: NOW.plus(length_of(14)),
        host: Some(host.into()),
    }
}

/// A new endpoint, with an interval of its own.
fn never_checked() -> Endpoint {
    let description = Description {
        name: "game".into(),
        target: "tcp://203.0.113.7:25565".parse().unwrap(),
        http_check: None,
        interval: Some(Duration::from_secs(300)),
    };
    Endpoint {
        description,
        state: State::new(NOW),
        last_check_at: None,
        recheck_counts_from: None,
        last_seen_at: None,
        latency: None,
        certificate: None,
        ..ordinary()
    }
}

/// After its first failure.
fn with_http_options() -> Endpoint {
    let mut endpoint = ordinary();
    endpoint.description.http_check = Some(HttpCheck {
        keyword: Some("in stock".to_owned()),
        headers: vec![("Accept".to_owned(), "text/plain".to_owned())],
        expected_status: (200, 200),
        max_redirects: 1,
        verify_tls: false,
        ..HttpCheck::default()
    });
    endpoint.certificate = Some(Certificate {
        host: None,
        ..expiring_behind_a_redirect("")
    });
    endpoint.state.status = Status::Warning;
    endpoint.state.consecutive_failures = 1;
    endpoint.state.failure = Some(Failure::new(FailureClass::TimedOut));
    endpoint
}

/// An endpoint with every text at its maximum length, of characters that double when escaped.
fn longest() -> Endpoint {
    let mut endpoint = ordinary();
    endpoint.certificate = Some(expiring_behind_a_redirect(&"h".repeat(253)));
    let http_check = HttpCheck {
        keyword: Some("k".repeat(200)),
        headers: (0..8)
            .map(|index| (format!("X-{index}-{}", "h".repeat(58)), "v".repeat(512)))
            .collect(),
        max_redirects: 3,
        verify_tls: false,
        ..HttpCheck::default()
    };
    endpoint.description = Description {
        name: "*".repeat(64),
        target: format!("https://{}.example/{}", "a".repeat(63), "p".repeat(425))
            .parse()
            .unwrap(),
        http_check: Some(http_check),
        interval: Some(Duration::from_secs(86_399)),
    };
    endpoint.state.failure = Some(Failure::with(FailureClass::TlsFailed, "d".repeat(300)));
    endpoint
}

fn rechecks() -> Rechecks {
    let hour = Duration::from_secs(3600);
    Rechecks {
        min_age: hour,
        interval: hour,
        last_run_at: Some(NOW.minus(Duration::from_secs(600))),
        now: NOW,
    }
}

fn statistics_of(endpoint: Endpoint) -> Statistics {
    Statistics {
        counts: Status::ALL.iter().copied().zip([1, 40, 2, 3, 4]).collect(),
        reasons: FailureClass::ALL
            .iter()
            .copied()
            .map(|class| (class, u64::MAX / 16))
            .collect(),
        longest_offline: Some(endpoint),
        reactivated_24h: 3,
        reactivated_7d: 9,
        last_recheck: None,
    }
}

fn recorded(verdict: Verdict) -> Recorded {
    let timings = Timings {
        resolve: Some(Duration::from_micros(420)),
        connect: Some(Duration::from_millis(12)),
        tls: Some(Duration::from_millis(34)),
        first_byte: Some(Duration::from_millis(5)),
        total: Duration::from_millis(52),
    };
    let is_up = verdict == Verdict::Up;
    Recorded {
        monitor_id: MonitorId(7),
        result: CheckResult {
            at: NOW,
            verdict,
            timings,
            certificate: None,
        },
        status_before: Status::Offline,
        state: State {
            status: if is_up {
                Status::Online
            } else {
                Status::Offline
            },
            ..State::new(NOW)
        },
        transition: None,
        next_check_at: None,
    }
}

#[test]
fn cards_of_endpoints_fit_with_the_longest_texts() {
    let full = |count: u32| vec![longest(); usize::try_from(count).unwrap()];
    let pages = Pages::new(u32::MAX, u64::from(u32::MAX), 10);
    fits(offline_card::list(
        &full(offline_card::PER_PAGE),
        pages,
        Some(FailureClass::UnexpectedStatus),
        &rechecks(),
    ));
    fits(list_card::list(&full(list_card::PER_PAGE), pages, true));
    fits(endpoint_card::endpoint(
        &longest(),
        Duration::from_secs(60),
        Some(&"x".repeat(200)),
        NOW,
    ));
    fits(statistics_card::statistics(
        &statistics_of(longest()),
        Duration::from_secs(3600),
        NOW,
    ));
    fits(recheck_card::result(
        &longest().description,
        &recorded(Verdict::Down(longest().state.failure.unwrap())),
    ));
    let refused = (0..10_000)
        .map(|line| RefusedLine {
            line,
            reason: "*".repeat(900),
        })
        .collect();
    fits(import_card::imported(&Imported {
        added: usize::MAX,
        already_there: usize::MAX,
        refused,
        unread_columns: vec!["*".repeat(10_000); 1000],
    }));
}

#[test]
fn cards_of_endpoints() {
    let minute = Duration::from_secs(60);
    let cards = [
        &ordinary(),
        &online(),
        &never_checked(),
        &with_http_options(),
    ];
    let cards =
        cards.map(|endpoint| card_text(endpoint_card::endpoint(endpoint, minute, None, NOW)));
    insta::assert_snapshot!(cards.join("\n\n"), @"
    [red] web shop
    `https://shop.example.org/health`
    Status: 🔴 went offline <t:1769860380:R>
    Interval: 1 min (default)
    Reason: unexpected status (503), 5 times in a row
    Last checked: <t:1769860770:R>, took 12 ms
    Last seen online: <t:1769860320:R>
    Certificate expires: <t:1771156800:R>
    Request: GET; expects status 200–399
    — id 7

    [green] web shop
    `https://shop.example.org/health`
    Status: 🟢 online, changed <t:1769853600:R>
    Interval: 1 min (default)
    Last checked: <t:1769860770:R>, took 12 ms
    Certificate expires: ⚠️ <t:1771070400:R> (that of `login.example.org`)
    Request: GET; expects status 200–399
    — id 7

    [grey] game
    `tcp://203.0.113.7:25565`
    Status: ⚪ unknown, changed <t:1769860800:R>
    Interval: 5 min
    Last checked: never
    Last seen online: never
    — id 7

    [amber] web shop
    `https://shop.example.org/health`
    Status: 🟡 in warning, changed <t:1769860380:R>
    Interval: 1 min (default)
    Reason: timed out
    Last checked: <t:1769860770:R>, took 12 ms
    Last seen online: <t:1769860320:R>
    Certificate expires: <t:1771070400:R>
    Request: GET; expects status 200; expects the text `in stock`; sends the header `Accept`; follows up to 1 redirect; accepts any certificate
    — id 7
    ");
}

#[test]
fn header_values_are_never_shown() {
    let mut secret = ordinary();
    let headers = vec![("Authorization".to_owned(), "canary".to_owned())];
    secret.description.http_check = Some(HttpCheck {
        headers,
        ..HttpCheck::default()
    });
    let shown = embed_json(endpoint_card::endpoint(
        &secret,
        Duration::from_secs(60),
        None,
        NOW,
    ))
    .to_string();
    assert!(
        shown.contains("Authorization") && !shown.contains("canary"),
        "{shown}"
    );
}

#[test]
fn cards_of_the_endpoint_list() {
    let mut paused = ordinary();
    paused.state.status = Status::Paused;
    let mut lost = ordinary();
    lost.state = State::new(NOW);
    let mixed = [online(), never_checked(), ordinary(), paused, lost];
    let cards = [
        list_card::list(&[online()], Pages::new(1, 1, 15), false),
        list_card::list(&mixed, Pages::new(2, 20, 15), true),
    ];
    insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @"
    [green] 1 active endpoint
    🟢 **web shop** `https://shop.example.org/health` · 12 ms · <t:1769860770:R>

    [grey] 20 endpoints
    🟢 **web shop** `https://shop.example.org/health` · 12 ms · <t:1769860770:R>
    ⚪ **game** `tcp://203.0.113.7:25565` · unknown · never checked
    🔴 **web shop** `https://shop.example.org/health` · unexpected status (503) · <t:1769860770:R>
    ⏸️ **web shop** `https://shop.example.org/health` · paused · <t:1769860770:R>
    ⚪ **web shop** `https://shop.example.org/health` · unknown · <t:1769860770:R>
    — Page 2 of 2 · 20 in total
    ");
}

#[test]
fn cards_of_the_offline_list() {
    let mut without_reason = ordinary();
    without_reason.state.failure = None;
    without_reason.last_check_at = None;
    let reason = Some(FailureClass::UnexpectedStatus);
    let one = Pages::new(1, 1, 10);
    let cards = [
        offline_card::list(&[ordinary()], one, reason, &rechecks()),
        offline_card::list(
            &[ordinary(), without_reason],
            Pages::new(2, 12, 10),
            None,
            &rechecks(),
        ),
    ];
    insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @"
    [red] 1 offline endpoint: unexpected status
    🔴 **web shop** `https://shop.example.org/health`
    unexpected status (503) · went offline <t:1769860380:R> · checked <t:1769860770:R> · next check <t:1769860890:R>

    [red] 12 offline endpoints
    🔴 **web shop** `https://shop.example.org/health`
    unexpected status (503) · went offline <t:1769860380:R> · checked <t:1769860770:R> · next check <t:1769860890:R>
    🔴 **web shop** `https://shop.example.org/health`
    unknown reason · went offline <t:1769860380:R> · never checked · next check <t:1769860890:R>
    — Page 2 of 2 · 12 in total
    ");
}

#[test]
fn cards_of_the_statistics() {
    let mut ordinary = statistics_of(ordinary());
    ordinary.reasons = vec![(FailureClass::TimedOut, 2), (FailureClass::Refused, 1)];
    ordinary.last_recheck = Some(JobRun {
        started_at: NOW.minus(Duration::from_secs(600)),
        finished_at: NOW.minus(Duration::from_secs(590)),
        summary: String::new(),
    });
    let counted = |numbers: [u64; 5]| Statistics {
        counts: Status::ALL.iter().copied().zip(numbers).collect(),
        reasons: Vec::new(),
        longest_offline: None,
        reactivated_24h: 0,
        reactivated_7d: 0,
        last_recheck: None,
    };
    let all = [
        ordinary,
        counted([0, 11, 0, 0, 0]),
        counted([0, 11, 1, 0, 0]),
        counted([0; 5]),
    ];
    let hour = Duration::from_secs(3600);
    let cards = all.map(|one| card_text(statistics_card::statistics(&one, hour, NOW)));
    insta::assert_snapshot!(cards.join("\n\n"), @"
    [red] 50 endpoints
    Active **43** (86.0%)
    Inactive **3** (6.0%)
    ⚪ 1 unknown (2.0%) · 🟢 40 online (80.0%) · 🟡 2 warning (4.0%) · 🔴 3 offline (6.0%) · ⏸️ 4 paused (8.0%)
    Reasons: timed out × 2 · connection refused × 1
    Longest outage: **web shop** `https://shop.example.org/health` went offline <t:1769860380:R>
    Reactivated: 3 in the last 24 h · 9 in the last 7 d
    Last automatic recheck: <t:1769860200:R>
    Next automatic recheck: <t:1769863800:R>

    [green] 11 endpoints
    Active **11** (100.0%)
    Inactive **0** (0.0%)
    🟢 11 online (100.0%)
    Reasons: none
    Longest outage: none
    Reactivated: 0 in the last 24 h · 0 in the last 7 d
    Last automatic recheck: never
    Next automatic recheck: <t:1769860800:R>

    [amber] 12 endpoints
    Active **12** (100.0%)
    Inactive **0** (0.0%)
    🟢 11 online (91.7%) · 🟡 1 warning (8.3%)
    Reasons: none
    Longest outage: none
    Reactivated: 0 in the last 24 h · 0 in the last 7 d
    Last automatic recheck: never
    Next automatic recheck: <t:1769860800:R>

    [grey] 0 endpoints
    Active **0**
    Inactive **0**

    Reasons: none
    Longest outage: none
    Reactivated: 0 in the last 24 h · 0 in the last 7 d
    Last automatic recheck: never
    Next automatic recheck: <t:1769860800:R>
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
fn a_recheck_shows_its_result_and_phase_timings() {
    let refused = || Verdict::Down(Failure::new(FailureClass::Refused));
    let mut recovered = recorded(Verdict::Up);
    recovered.transition = Some(Transition {
        monitor: MonitorRef {
            guild: GuildId(1),
            id: MonitorId(7),
        },
        kind: MonitorKind::Endpoint,
        from: Status::Offline,
        since: NOW.minus(Duration::from_secs(425)),
        to: Status::Online,
        at: NOW,
        reason: TransitionReason::Seen,
    });
    let mut went_offline = recorded(refused());
    went_offline.status_before = Status::Warning;
    let mut failing = recorded(refused());
    failing.status_before = Status::Online;
    failing.state.status = Status::Warning;
    let mut not_checked = recorded(Verdict::Unknown(NotChecked::Machine(
        "no file descriptors left",
    )));
    not_checked.result.timings = Timings::default();
    let results = [
        recovered,
        recorded(Verdict::Up),
        recorded(refused()),
        went_offline,
        failing,
        not_checked,
    ];
    let shop = ordinary().description;
    let cards = results.map(|result| card_text(recheck_card::result(&shop, &result)));
    insta::assert_snapshot!(cards.join("\n\n"), @"
    [green] 🟢 Back online after 7 min 5 s
    **web shop** `https://shop.example.org/health`
    The check passed.
    Resolve: 0.42 ms
    Connect: 12 ms
    TLS: 34 ms
    First byte: 5.00 ms
    Total: 52 ms

    [green] 🟢 Online
    **web shop** `https://shop.example.org/health`
    The check passed.
    Resolve: 0.42 ms
    Connect: 12 ms
    TLS: 34 ms
    First byte: 5.00 ms
    Total: 52 ms

    [red] 🔴 Still offline
    **web shop** `https://shop.example.org/health`
    Reason: connection refused
    Resolve: 0.42 ms
    Connect: 12 ms
    TLS: 34 ms
    First byte: 5.00 ms
    Total: 52 ms

    [red] 🔴 Offline
    **web shop** `https://shop.example.org/health`
    Reason: connection refused
    Resolve: 0.42 ms
    Connect: 12 ms
    TLS: 34 ms
    First byte: 5.00 ms
    Total: 52 ms

    [amber] 🟡 Warning
    **web shop** `https://shop.example.org/health`
    Reason: connection refused
    Resolve: 0.42 ms
    Connect: 12 ms
    TLS: 34 ms
    First byte: 5.00 ms
    Total: 52 ms

    [grey] ⚪ Could not be checked
    **web shop** `https://shop.example.org/health`
    Rollcall could not run the check: no file descriptors left. Try again, or ask the operator of Rollcall.
    ");
}

#[test]
fn cards_of_recheck_runs() {
    let some = Summary {
        found: 3,
        reactivated: 2,
        still_offline: 1,
        ..Summary::default()
    };
    let all = Summary {
        found: 2,
        reactivated: 2,
        ..Summary::default()
    };
    let runs = [some, all, Summary::default()];
    let cards = runs.map(|run| card_text(recheck_card::run(&run, Duration::from_secs(2))));
    insta::assert_snapshot!(cards.join("\n\n"), @"
    [red] 2 endpoints reactivated
    Checked: 3
    Reactivated: 2
    Still offline: 1
    Took: 2 s

    [green] All 2 endpoints reactivated
    Checked: 2
    Reactivated: 2
    Still offline: 0
    Took: 2 s

    [green] No endpoints are offline
    Checked: 0
    Reactivated: 0
    Still offline: 0
    Took: 2 s
    ");
}

#[test]
fn cards_of_imports() {
    let refused = |line| RefusedLine {
        line,
        reason: "the port is missing. Example: `tcp://203.0.113.7:25565`".to_owned(),
    };
    let imports = [
        (12, 0, Vec::new()),
        (1, 2, vec![refused(3)]),
        (0, 0, (1..=17).map(refused).collect()),
    ];
    let cards = imports.map(|(added, already_there, refused)| {
        card_text(import_card::imported(&Imported {
            added,
            already_there,
            refused,
            unread_columns: Vec::new(),
        }))
    });
    insta::assert_snapshot!(cards.join("\n\n"), @"
    [green] 12 endpoints added
    Added: 12
    Already exist: 0
    Rejected: 0

    [amber] 1 endpoint added
    Line 3: the port is missing. Example: `tcp://203.0.113.7:25565`
    Added: 1
    Already exist: 2
    Rejected: 1

    [amber] 0 endpoints added
    Line 1: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 2: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 3: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 4: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 5: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 6: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 7: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 8: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 9: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 10: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 11: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 12: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 13: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 14: the port is missing. Example: `tcp://203.0.113.7:25565`
    Line 15: the port is missing. Example: `tcp://203.0.113.7:25565`
    … and 2 more rejected lines
    Added: 0
    Already exist: 0
    Rejected: 17
    ");
}

#[test]
fn the_title_of_a_recheck_run_counts_recovered_endpoints() {
    let run = |found, reactivated| Summary {
        found,
        reactivated,
        still_offline: found - reactivated,
        ..Summary::default()
    };
    for (summary, title) in [
        (run(0, 0), "No endpoints are offline"),
        (run(3, 0), "No endpoint was reactivated"),
        (run(3, 3), "All 3 endpoints reactivated"),
        (run(3, 2), "2 endpoints reactivated"),
        (run(3, 1), "1 endpoint reactivated"),
        (run(1, 1), "1 endpoint reactivated"),
    ] {
        assert_eq!(
            embed_json(recheck_card::run(&summary, Duration::from_secs(2)))["title"],
            json!(title)
        );
    }
}
