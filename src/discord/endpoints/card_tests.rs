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
use crate::discord::ui::embed_testing::{NOW, embed_json, fits};
use crate::discord::ui::view::Pages;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::check_result::{
    CheckResult, Failure, FailureClass, Timings, Verdict,
};
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::status_rule::{State, StatusChange};
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::store::endpoints::endpoint::{Description, Endpoint};

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
        certificate_expires_at: Some(NOW.plus(Duration::from_secs(86_400))),
        created_at: NOW,
    }
}

/// An endpoint with every text at its maximum length, of characters that double when escaped.
fn longest() -> Endpoint {
    let mut endpoint = ordinary();
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

fn recorded(verdict: Verdict, change: Option<StatusChange>) -> Recorded {
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
            certificate_expires_at: None,
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
        change,
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
    fits(endpoint_card::endpoint(&longest(), Duration::from_secs(60)));
    fits(statistics_card::statistics(
        &statistics_of(longest()),
        Duration::from_secs(3600),
        NOW,
    ));
    fits(recheck_card::result(
        &longest().description,
        &recorded(Verdict::Down(longest().state.failure.unwrap()), None),
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
    }));
}

#[test]
fn snapshot_of_an_endpoint() {
    insta::assert_json_snapshot!(
        "endpoint",
        embed_json(endpoint_card::endpoint(
            &ordinary(),
            Duration::from_secs(60)
        ))
    );
}

#[test]
fn header_values_are_never_shown() {
    let mut secret = ordinary();
    let headers = vec![("Authorization".to_owned(), "canary".to_owned())];
    secret.description.http_check = Some(HttpCheck {
        headers,
        ..HttpCheck::default()
    });
    let shown = embed_json(endpoint_card::endpoint(&secret, Duration::from_secs(60))).to_string();
    assert!(
        shown.contains("Authorization") && !shown.contains("canary"),
        "{shown}"
    );
}

#[test]
fn snapshot_of_the_offline_list() {
    let list = offline_card::list(&[ordinary()], Pages::new(2, 11, 10), None, &rechecks());
    insta::assert_json_snapshot!("offline_list", embed_json(list));
}

#[test]
fn snapshot_of_the_statistics() {
    let mut numbers = statistics_of(ordinary());
    numbers.reasons = vec![(FailureClass::TimedOut, 2), (FailureClass::Refused, 1)];
    insta::assert_json_snapshot!(
        "statistics",
        embed_json(statistics_card::statistics(
            &numbers,
            Duration::from_secs(3600),
            NOW
        ))
    );
}

#[test]
fn a_recheck_shows_its_result_and_phase_timings() {
    let back = recorded(
        Verdict::Up,
        Some(StatusChange::Recovered {
            down_for: Duration::from_secs(425),
        }),
    );
    insta::assert_json_snapshot!(
        "recheck_back",
        embed_json(recheck_card::result(&ordinary().description, &back))
    );
    for (verdict, title) in [
        (
            Verdict::Down(Failure::new(FailureClass::Refused)),
            "🔴 Still offline",
        ),
        (
            Verdict::Unknown("no file descriptors left".into()),
            "🔴 Could not be checked",
        ),
    ] {
        let shown = embed_json(recheck_card::result(
            &ordinary().description,
            &recorded(verdict, None),
        ));
        assert_eq!(shown["title"], title);
    }
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
        (run(3, 0), "No endpoint recovered"),
        (run(3, 3), "All 3 endpoints recovered"),
        (run(3, 2), "2 endpoints recovered"),
    ] {
        assert_eq!(
            embed_json(recheck_card::run(&summary, Duration::from_secs(2)))["title"],
            json!(title)
        );
    }
}
