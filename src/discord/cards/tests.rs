//! Tests that cards with the longest possible names stay within Discord's limits, and snapshots of ordinary cards.

use std::time::Duration;

use serde_json::{Value, json};

use poise::serenity_prelude::CreateEmbed;

use super::health::Health;
use super::offline::Rechecks;
use super::*;
use crate::actions::endpoints::completed_check::Recorded;
use crate::actions::endpoints::import_endpoints::{Imported, Refused};
use crate::actions::endpoints::recheck::Summary;
use crate::actions::endpoints::summarize::Statistics;
use crate::actions::servers::manage_server::Standing;
use crate::actions::servers::suggest_thresholds::Suggestion;
use crate::discord::ui::view::Pages;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::endpoints::check_result::{
    CheckResult, Failure, FailureClass, Timings, Verdict,
};
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::status_rule::{Change, State};
use crate::domain::endpoints::target::Host;
use crate::domain::event::{Actor, EventKind};
use crate::domain::incidents::cause::Cause;
use crate::domain::incidents::grouping::{GroupKey, GroupScope, IncidentId, Subnet};
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::{GuildId, MonitorId, MonitorKind};
use crate::domain::notifications::alert_policy::{
    AlertPreferences, BulkAlert, EscalationPolicy, Responder,
};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::servers::threshold::{Reports, Thresholds, judge};
use crate::domain::servers::threshold_proposal::{Replay, ReportIntervals};
use crate::health::{Shard, Stage};
use crate::notify::messenger::Reminder;
use crate::store::devices::device::Device;
use crate::store::devices::device_log::Line;
use crate::store::endpoints::endpoint::Endpoint;
use crate::store::event::Event;
use crate::store::incidents::incident::{Incident, NAMED, Outage};
use crate::store::job_run::JobRun;
use crate::store::monitors::monitor::Monitor;
use crate::store::notifications::alert_override::Override;
use crate::store::notifications::alert_settings::AlertSettings;
use crate::store::notifications::board::BoardLine;
use crate::store::servers::server::Server;
use crate::store::silences::mute::Mute;

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

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

fn embed_json(embed: CreateEmbed) -> Value {
    serde_json::to_value(embed).unwrap()
}

/// Asserts Discord's limits for one embed. Source: Discord's API reference.
fn fits(embed: CreateEmbed) {
    let embed = embed_json(embed);
    let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let mut total =
        length(&embed["title"]) + length(&embed["description"]) + length(&embed["footer"]["text"]);
    assert!(
        length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4096,
        "{embed}"
    );
    let fields = embed["fields"].as_array().cloned().unwrap_or_default();
    assert!(fields.len() <= 25);
    for field in fields {
        assert!(
            (1..=256).contains(&length(&field["name"]))
                && (1..=1024).contains(&length(&field["value"])),
            "{field}"
        );
        total += length(&field["name"]) + length(&field["value"]);
    }
    assert!(total <= 6000, "{total} characters");
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

#[test]
fn cards_of_endpoints_fit_with_the_longest_texts() {
    let full = |count: u32| vec![longest(); usize::try_from(count).unwrap()];
    let pages = Pages::new(u32::MAX, u64::from(u32::MAX), 10);
    fits(offline::list(
        &full(offline::PER_PAGE),
        pages,
        Some(FailureClass::UnexpectedStatus),
        &rechecks(),
    ));
    fits(endpoints::list(&full(endpoints::PER_PAGE), pages, true));
    fits(endpoint(&longest(), Duration::from_secs(60)));
    fits(statistics(
        &statistics_of(longest()),
        Duration::from_secs(3600),
        NOW,
    ));
    fits(recheck::result(
        &longest().description,
        &recorded(Verdict::Down(longest().state.failure.unwrap()), None),
    ));
    let refused = (0..10_000)
        .map(|line| Refused {
            line,
            reason: "*".repeat(900),
        })
        .collect();
    fits(imported(&Imported {
        added: usize::MAX,
        already_there: usize::MAX,
        refused,
    }));
}

fn health_of(shards: usize, stage: Stage) -> Health {
    let run = |started: u64, took: u64| JobRun {
        started_at: NOW.minus(Duration::from_secs(started)),
        finished_at: NOW
            .minus(Duration::from_secs(started))
            .plus(Duration::from_millis(took)),
        summary: "is not shown".into(),
    };
    Health {
        shards: vec![
            Shard {
                stage,
                latency: Some(Duration::from_millis(45)),
                guilds: 3,
            };
            shards
        ],
        uptime: Duration::from_secs(90_000),
        reconnects_today: 2,
        failed_checks: 0,
        scheduler_is_running: true,
        checks_queued: 0,
        checks_in_flight: 1,
        writes_waiting: 0,
        database_bytes: 12_345_678,
        jobs: vec![
            ("keep_alive".into(), run(120, 3)),
            ("recheck".into(), run(1_200, 850)),
        ],
    }
}

#[test]
fn bot_health_fits_with_hundreds_of_shards_not_ready() {
    let healthy = health::health(&health_of(1, Stage::Ready));
    insta::assert_json_snapshot!("health", embed_json(healthy));
    let mut unhealthy = health_of(400, Stage::Identifying);
    (unhealthy.failed_checks, unhealthy.scheduler_is_running) = (u32::MAX, false);
    unhealthy.jobs = vec![unhealthy.jobs[0].clone(); 60];
    let shown = health::health(&unhealthy);
    fits(shown.clone());
    assert_eq!(embed_json(shown)["title"], "Not all is well");
    // With many shards, only those that are not ready are listed.
    let many = embed_json(health::health(&health_of(400, Stage::Ready)));
    assert_eq!(many["fields"][0]["value"], "400 shards");
}

#[test]
fn status_audit_device_and_server_cards_fit_with_the_longest_names() {
    let name = "*".repeat(64);
    let monitor = Monitor {
        id: MonitorId(i64::MAX),
        kind: MonitorKind::Endpoint,
        name: name.clone(),
        status: Status::Offline,
        since: NOW,
    };
    let troubled = vec![monitor; status::LISTED as usize];
    fits(status::status(&[(Status::Offline, u64::MAX)], &troubled));
    let event = Event {
        id: 1,
        at: NOW,
        kind: EventKind::EndpointWarningCleared,
        monitor_id: None,
        name: Some(name.clone()),
        actor: Actor::Member(u64::MAX),
        details: json!({}),
    };
    fits(status::audit(&vec![event; status::CHANGES as usize]));
    let device = Device {
        id: MonitorId(i64::MAX),
        guild_id: GuildId(1),
        uuid: DeviceUuid::from_random([7; 16]),
        name: name.clone(),
        device_type: Some(name),
        status: Status::Online,
        since: NOW,
        is_active: true,
        last_seen_at: Some(NOW),
        failure: Some("\u{202e}exit status 3".repeat(14)),
        threshold: Some(Duration::from_secs(90)),
        created_at: NOW,
    };
    let line = Line {
        id: 1,
        at: NOW,
        kind: "success".into(),
        level: None,
        device_time: None,
        message: "*".repeat(10_000),
        run_time: Some(Duration::from_secs(9_999_999)),
    };
    let inside = devices::Inside {
        lines: vec![line; devices::LINES as usize],
    };
    fits(devices::one(&device, Some(&inside)));
    fits(devices::list(&vec![device; 1_000]));
    let sample = (
        NOW,
        format!(r#"{{"metrics":{{"{}":1}}}}"#, "*".repeat(1_000)),
    );
    let standing = longest_standing();
    fits(servers::one(
        &standing,
        &vec![sample; servers::SAMPLES as usize],
    ));
    fits(servers::suggestion(&standing.server, &longest_suggestion()));
    fits(servers::list(&vec![longest_standing(); 1_000]));
}

#[test]
fn incidents_and_reminders_fit_with_the_longest_names() {
    let outage = Outage {
        monitor_id: MonitorId(i64::MAX),
        name: Some("*".repeat(64)),
        target: Some(format!("http://{}", "x".repeat(500))),
        reason: OutageReason::UnexpectedStatus,
        detail: Some("_".repeat(1_000)),
        started_at: NOW.minus(Duration::from_secs(9_999_999)),
        ended_at: Some(NOW),
    };
    let ongoing = Outage {
        ended_at: None,
        ..outage.clone()
    };
    let mut longest = Incident {
        kind: NotificationKind::Incident,
        id: IncidentId(i64::MAX),
        guild_id: GuildId(1),
        group_key: GroupKey {
            scope: GroupScope::Host(Host::Name("x".repeat(253).into())),
            group: Some("*".repeat(64)),
        },
        revision: 1,
        opened_at: NOW.minus(Duration::from_secs(9_999_999)),
        ended_at: None,
        acknowledged: Some((u64::MAX, NOW)),
        rechecked: Some((u64::MAX, NOW)),
        rechecked_result: Some("*".repeat(500)),
        muted: Some((u64::MAX, NOW)),
        maintained: Some((u64::MAX, NOW)),
        flapping_since: None,
        flapping_ended_at: None,
        cause: Some(Cause::NetworkPath {
            agent: "*".repeat(64),
            at: NOW,
        }),
        outages: vec![ongoing; NAMED as usize],
        count: 100_000,
        open: 99_999,
    };
    for embed in incident::message(&longest).embeds {
        fits(embed);
    }
    let reminder = Reminder {
        incident: longest.clone(),
        link: Some((u64::MAX, u64::MAX)),
        now: NOW,
    };
    for embed in incident::reminder(&reminder).embeds {
        fits(embed);
    }
    longest.outages = vec![outage];
    (longest.count, longest.ended_at) = (1, Some(NOW));
    for embed in incident::message(&longest).embeds {
        fits(embed);
    }
}

#[test]
fn alert_settings_fit_with_everything_set() {
    let own = Override {
        notify: true,
        role: Some(u64::MAX),
    };
    let broken = AlertSettings {
        channel: u64::MAX,
        role: Some(u64::MAX),
        broken: Some(("*".repeat(1_000), NOW)),
        preferences: AlertPreferences {
            notify_on_recovery: false,
            notify_on_warning: false,
            policy: EscalationPolicy {
                remind_after: Some(Duration::MAX),
                escalate: Some((Duration::MAX, Responder::User(u64::MAX))),
            },
            bulk: Some(BulkAlert {
                count: Some(u32::MAX),
                percent: Some(100),
                window: Duration::MAX,
            }),
        },
    };
    let mute = Mute {
        name: "*".repeat(64),
        until: NOW,
        muted_by: format!("discord:{}", u64::MAX),
    };
    let shown = alerts::settings(
        Some(&broken),
        &vec![mute; alerts::LISTED as usize],
        &vec![("_".repeat(64), own); alerts::LISTED as usize],
    );
    fits(alerts::with_unreachable(
        shown,
        &vec!["why ".repeat(50); 20],
    ));
    fits(alerts::settings(None, &[], &[]));
}

#[test]
fn incident_texts_follow_the_incident_over_time() {
    let minute = |minutes: u64| NOW.minus(Duration::from_secs(60 * minutes));
    let shop = Outage {
        monitor_id: MonitorId(1),
        name: Some("shop".into()),
        target: Some("https://shop.example.org/".into()),
        reason: OutageReason::TimedOut,
        detail: Some("while connecting".into()),
        started_at: minute(9),
        ended_at: None,
    };
    let pump = Outage {
        monitor_id: MonitorId(2),
        name: Some("pump".into()),
        target: None,
        reason: OutageReason::MissedHeartbeat,
        detail: None,
        started_at: minute(8),
        ended_at: Some(minute(2)),
    };
    let mut incident = Incident {
        kind: NotificationKind::Incident,
        id: IncidentId(1),
        guild_id: GuildId(1),
        group_key: GroupKey {
            scope: GroupScope::Nothing,
            group: None,
        },
        revision: 1,
        opened_at: minute(9),
        ended_at: None,
        acknowledged: None,
        rechecked: None,
        rechecked_result: None,
        muted: None,
        maintained: None,
        flapping_since: None,
        flapping_ended_at: None,
        cause: None,
        outages: vec![shop.clone()],
        count: 1,
        open: 1,
    };
    let mut texts = vec![text_of(&incident)];
    (incident.outages, incident.count) = (vec![shop.clone(), pump.clone()], 2);
    texts.push(text_of(&incident));
    incident.group_key.scope = GroupScope::Subnet(Subnet::of("192.0.2.7".parse().unwrap()));
    incident.open = 2;
    texts.push(text_of(&incident));
    (incident.outages, incident.count) = (vec![pump], 1);
    incident.ended_at = Some(minute(2));
    texts.push(text_of(&incident));
    incident.flapping_since = Some(minute(60));
    texts.push(text_of(&incident));
    incident.flapping_ended_at = Some(NOW);
    texts.push(text_of(&incident));
    // Without outages: the notification was sent before Rollcall noticed that its own connectivity was lost.
    (incident.outages, incident.count) = (Vec::new(), 0);
    texts.push(text_of(&incident));
    insta::assert_snapshot!("incident_over_time", texts.join("\n---\n"));
}

fn text_of(incident: &Incident) -> String {
    let message = incident::message(incident);
    let embed = serde_json::to_value(&message.embeds[0]).unwrap();
    let part = |name: &str| embed[name].as_str().unwrap_or_default().to_owned();
    format!("{}\n{}", part("title"), part("description"))
}

fn longest_suggestion() -> Suggestion {
    let longest = Duration::from_secs(30 * 24 * 3600 - 1);
    let replay = Replay {
        warnings: usize::MAX,
        offline: usize::MAX,
    };
    Suggestion {
        intervals: ReportIntervals {
            gaps: usize::MAX,
            median: longest,
            percentile_99: longest,
        },
        current: Thresholds::DEFAULT,
        proposed: Thresholds::DEFAULT,
        with_current: replay,
        with_proposed: replay,
    }
}

fn longest_standing() -> Standing {
    let reports = Reports {
        last_seen: Some(NOW),
        is_active: true,
    };
    let later = NOW.plus(Duration::from_secs(999_999));
    Standing {
        thresholds: Thresholds::DEFAULT,
        server: Server {
            id: MonitorId(i64::MAX),
            guild_id: GuildId(1),
            name: "*".repeat(64),
            status: Status::Online,
            since: NOW,
            is_active: true,
            last_seen_at: Some(NOW),
            auto_thresholds: true,
            thresholds_followed_at: Some(NOW),
            thresholds: None,
            created_at: NOW,
        },
        judgement: judge(reports, &Thresholds::DEFAULT, later),
        expected_interval: Duration::from_secs(3_600),
        should_alert: true,
    }
}

#[test]
fn help_fits_with_more_commands_than_exist() {
    let parameter = help::Parameter {
        name: "x".repeat(32),
        description: "y".repeat(100),
        is_required: true,
    };
    let entry = |number: usize| help::Entry {
        name: format!("command{number:02} subcommand"),
        id: Some(u64::MAX),
        group: "x".repeat(100),
        description: "what it does, in as many words as it takes".into(),
        is_managing: number.is_multiple_of(2),
        parameters: vec![parameter.clone(); 25],
    };
    let entries: Vec<_> = (0..40).map(entry).collect();
    fits(help::all(&entries));
    fits(help::one(&entries[0]));
}

fn recorded(verdict: Verdict, change: Option<Change>) -> Recorded {
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
fn snapshot_of_an_endpoint() {
    insta::assert_json_snapshot!(
        "endpoint",
        embed_json(endpoint(&ordinary(), Duration::from_secs(60)))
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
    let shown = embed_json(endpoint(&secret, Duration::from_secs(60))).to_string();
    assert!(
        shown.contains("Authorization") && !shown.contains("canary"),
        "{shown}"
    );
}

#[test]
fn snapshot_of_the_offline_list() {
    let list = offline::list(&[ordinary()], Pages::new(2, 11, 10), None, &rechecks());
    insta::assert_json_snapshot!("offline_list", embed_json(list));
}

#[test]
fn snapshot_of_the_statistics() {
    let mut numbers = statistics_of(ordinary());
    numbers.reasons = vec![(FailureClass::TimedOut, 2), (FailureClass::Refused, 1)];
    insta::assert_json_snapshot!(
        "statistics",
        embed_json(statistics(&numbers, Duration::from_secs(3600), NOW))
    );
}

#[test]
fn a_recheck_shows_its_result_and_phase_timings() {
    let back = recorded(
        Verdict::Up,
        Some(Change::Recovered {
            down_for: Duration::from_secs(425),
        }),
    );
    insta::assert_json_snapshot!(
        "recheck_back",
        embed_json(recheck::result(&ordinary().description, &back))
    );
    for (verdict, title) in [
        (
            Verdict::Down(Failure::new(FailureClass::Refused)),
            "🔴 Still offline",
        ),
        (
            Verdict::Unknown("no file descriptors left".into()),
            "🔴 Could not be looked at",
        ),
    ] {
        let shown = embed_json(recheck::result(
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
        (run(0, 0), "Nothing is offline"),
        (run(3, 0), "None came back"),
        (run(3, 3), "All 3 came back"),
        (run(3, 2), "2 came back"),
    ] {
        assert_eq!(
            embed_json(recheck::run(&summary, Duration::from_secs(2)))["title"],
            json!(title)
        );
    }
}

#[test]
fn pages_beyond_the_last_show_the_last() {
    assert_eq!(
        Pages::new(9, 21, 10),
        Pages {
            page: 3,
            count: 3,
            total: 21
        }
    );
    assert_eq!(
        Pages::new(0, 0, 10),
        Pages {
            page: 1,
            count: 1,
            total: 0
        }
    );
}

fn board_line(name: &str, group: Option<&str>, status: Status) -> BoardLine {
    BoardLine {
        name: name.into(),
        group: group.map(str::to_owned),
        status,
        since: NOW,
    }
}

#[test]
fn boards_fit_with_many_monitors_and_long_names() {
    for count in [0, 1, 40, 41, 3_000] {
        for status in [Status::Online, Status::Offline] {
            let lines: Vec<BoardLine> = (0..count)
                .map(|number| {
                    let group = "*".repeat(1 + number % 64);
                    board_line(&"_".repeat(64), Some(&group), status)
                })
                .collect();
            for embed in board::message(&lines).embeds {
                fits(embed);
            }
        }
    }
}

#[test]
fn short_boards_list_all_monitors_and_long_boards_only_failing_ones() {
    let shop = || {
        vec![
            board_line("checkout", Some("shop"), Status::Offline),
            board_line("cart", Some("shop"), Status::Online),
            board_line("router", None, Status::Warning),
        ]
    };
    let mut long = shop();
    long.extend((0..50).map(|number| board_line(&format!("n{number}"), None, Status::Online)));
    let rendered =
        |lines: &[BoardLine]| serde_json::to_value(&board::message(lines).embeds[0]).unwrap();
    insta::assert_json_snapshot!("board_short", rendered(&shop()));
    insta::assert_json_snapshot!("board_long", rendered(&long));
}
