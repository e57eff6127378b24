//! Every text about an incident, as it reads at any destination.

use std::time::Duration;

use super::*;
use crate::domain::discord_id::{GuildId, UserId};
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::connectivity::Loss;
use crate::domain::endpoints::target::Host;
use crate::domain::history::objective::budget::{BudgetUse, ErrorBudget};
use crate::domain::history::objective::{
    Objective, ObjectivePercent, ObjectiveSubject, ObjectiveWindow,
};
use crate::domain::incidents::grouping::{GroupKey, GroupScope, IncidentId, Subnet};
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::notification_kind::{ExpiringCertificate, UsedBudget};
use crate::domain::status::transition::OutageEnd;
use crate::store::incidents::incident::{Notes, Outage};
use crate::store::testing::counts_of;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000).plus(Duration::from_secs(seconds))
}

fn outage(number: i64, reason: OutageReason, detail: Option<&str>) -> Outage {
    Outage {
        monitor_id: MonitorId(number),
        name: (number < 9).then(|| "shop".to_owned()),
        target: None,
        reason,
        detail: detail.map(str::to_owned),
        started_at: at(0),
        ended: None,
        is_flapping: false,
        continued_by: None,
        exists: true,
        times: 1,
    }
}

fn incident(count: u64, scope: GroupScope, group: Option<&str>) -> Incident {
    let reason = OutageReason::Refused;
    let outages: Vec<Outage> = (0..count as i64)
        .map(|number| outage(number, reason, None))
        .collect();
    Incident {
        id: IncidentId(7),
        guild_id: GuildId(1),
        kind: NotificationKind::Incident,
        group_key: GroupKey {
            scope,
            group: group.map(str::to_owned),
        },
        revision: 1,
        opened_at: at(0),
        ended_at: None,
        acknowledged: None,
        rechecked: None,
        rechecked_result: None,
        muted: None,
        maintained: None,
        flapping_since: None,
        flapping_ended_at: None,
        cause: None,
        counts: counts_of(&outages),
        notes: Notes::default(),
        outages,
    }
}

fn escape(text: &str) -> String {
    text.to_owned()
}

fn when(_: Timestamp) -> String {
    "in 3 days".to_owned()
}

/// The incident with the counts of its outages.
fn counted(incident: Incident) -> Incident {
    let counts = counts_of(&incident.outages);
    Incident { counts, ..incident }
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
fn titles_of_incidents() {
    let nothing = || GroupScope::Nothing;
    let mut incidents = vec![
        incident(1, nothing(), None),
        incident(2, nothing(), None),
        incident(3, nothing(), Some("web")),
        incident(
            3,
            GroupScope::Host(Host::Name("db.example.org".into())),
            None,
        ),
        incident(
            3,
            GroupScope::Subnet(Subnet::of("192.0.2.7".parse().unwrap())),
            None,
        ),
        incident(
            2,
            GroupScope::TwoHosts(
                Host::Ip("192.0.2.7".parse().unwrap()),
                Host::Ip("192.0.2.9".parse().unwrap()),
            ),
            None,
        ),
        // Its outages were retracted when Rollcall noticed that it had lost connectivity.
        incident(0, nothing(), None),
    ];
    let mut partly = incident(3, nothing(), None);
    partly.counts.open = 1;
    incidents.push(partly);
    for count in [1, 2] {
        let mut overdue = incident(count, nothing(), None);
        for outage in &mut overdue.outages {
            outage.reason = OutageReason::Overdue;
        }
        incidents.push(overdue.clone());
        overdue.ended_at = Some(at(300));
        incidents.push(overdue);
        let mut flapping = incident(count, nothing(), None);
        flapping.flapping_since = Some(at(0));
        for outage in &mut flapping.outages {
            outage.is_flapping = true;
        }
        incidents.push(counted(flapping.clone()));
        flapping.outages[0].ended = Some((at(200), OutageEnd::Recovered));
        incidents.push(counted(flapping.clone()));
        flapping.ended_at = Some(at(300));
        for outage in &mut flapping.outages {
            outage.ended = Some((at(300), OutageEnd::Recovered));
        }
        incidents.push(counted(flapping.clone()));
        flapping.flapping_ended_at = Some(at(900));
        for outage in &mut flapping.outages {
            outage.is_flapping = false;
        }
        incidents.push(counted(flapping.clone()));
        // One of them stayed offline, in an incident of its own.
        flapping.outages[0].continued_by = Some(IncidentId(8));
        incidents.push(counted(flapping));
        let mut resolved = incident(count, nothing(), None);
        resolved.ended_at = Some(at(300));
        incidents.push(resolved);
    }
    // A flapping monitor beside one that is steadily offline.
    let mut mixed = incident(2, nothing(), None);
    mixed.flapping_since = Some(at(0));
    mixed.outages[1].is_flapping = true;
    mixed.outages[1].name = Some("flaky".to_owned());
    incidents.push(counted(mixed.clone()));
    // The flapping one stayed offline, too, in an incident of its own.
    let settled = &mut mixed.outages[1];
    (settled.is_flapping, settled.continued_by) = (false, Some(IncidentId(8)));
    settled.ended = Some((at(300), OutageEnd::Recovered));
    incidents.push(counted(mixed));
    // More monitors are flapping and offline than an incident names.
    let mut many = incident(25, nothing(), None);
    many.counts.monitors = 40;
    (
        many.counts.open,
        many.counts.flapping,
        many.counts.flapping_open,
    ) = (39, 9, 8);
    incidents.push(many);
    // A flapping monitor that was removed.
    let mut removed = incident(1, nothing(), None);
    (removed.flapping_since, removed.ended_at) = (Some(at(0)), Some(at(900)));
    removed.outages[0].ended = Some((at(900), OutageEnd::Removed));
    incidents.push(counted(removed));
    let of_a_limit = |end: &&OutageEnd| **end == OutageEnd::LimitChanged;
    for end in OutageEnd::ALL.iter().filter(|end| !of_a_limit(end)) {
        for count in [1, 2] {
            let mut ended = incident(count, nothing(), None);
            ended.ended_at = Some(at(300));
            for outage in &mut ended.outages {
                outage.ended = Some((at(300), *end));
            }
            incidents.push(counted(ended));
        }
    }
    let titles: Vec<String> = incidents
        .iter()
        .map(|incident| title(incident, escape))
        .collect();
    insta::assert_snapshot!(titles.join("\n"), @"
    🔴 shop is offline
    🔴 2 monitors are offline
    🔴 3 monitors in the group web are offline
    🔴 3 monitors on db.example.org are offline
    🔴 3 monitors on 192.0.2.0/24 are offline
    🔴 2 monitors on 192.0.2.7 and 192.0.2.9 are offline
    ⚪ False alarm: the fault was in Rollcall's own network
    🔴 1 of 3 monitors is offline
    🔴 shop is overdue
    🟢 shop was overdue for 5 min
    🟠 shop is flapping, offline now
    🟠 shop is flapping, online now
    🟠 shop is flapping, online now
    🟢 shop stopped flapping after 15 min
    🟠 shop was flapping for 15 min and then stayed offline
    🟢 shop was offline for 5 min
    🔴 2 monitors are overdue
    🟢 2 monitors were overdue for 5 min
    🟠 2 monitors are flapping, offline now
    🟠 2 monitors are flapping, 1 offline now
    🟠 2 monitors are flapping, online now
    🟢 2 monitors stopped flapping after 15 min
    🟠 1 of 2 monitors stayed offline after flapping for 15 min
    🟢 2 monitors were offline for 5 min
    🔴 shop is offline, flaky is flapping
    🔴 shop is offline
    🔴 31 monitors are offline, 9 monitors are flapping
    ⚪ shop was removed while offline
    🟢 shop was offline for 5 min
    🟢 2 monitors were offline for 5 min
    ⏸️ shop was paused while offline
    ⚪ 2 monitors were paused, changed or removed while offline
    ⚪ shop got a new target while offline
    ⚪ 2 monitors were paused, changed or removed while offline
    ⚪ shop was removed while offline
    ⚪ 2 monitors were paused, changed or removed while offline
    ");
}

#[test]
fn reminders() {
    let texts = [1, 2].map(|count| {
        let incident = incident(count, GroupScope::Nothing, None);
        reminder(&incident, at(900), escape)
    });
    insta::assert_snapshot!(texts.join("\n"), @"
    🔔 shop has been offline for 15 min and nobody has acknowledged it
    🔔 2 monitors have been offline for 15 min and nobody has acknowledged it
    ");
}

#[test]
fn notifications_about_connectivity() {
    let connectivity = |loss, failing, ended| NotificationKind::ConnectivityLost {
        loss,
        failing,
        began: at(0),
        ended,
    };
    let mut texts = Vec::new();
    for kind in [
        connectivity(Loss::Network, 1, None),
        connectivity(Loss::Network, 5, Some(at(120))),
        connectivity(Loss::NameResolution, 5, None),
        connectivity(Loss::NameResolution, 5, Some(at(120))),
    ] {
        let mut incident = incident(0, GroupScope::Nothing, None);
        incident.kind = kind;
        texts.push(title(&incident, escape));
        texts.extend(sentence(&incident.kind, escape, when));
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    ⚪ Rollcall lost network connectivity
    1 endpoint failed, and so did all hosts that Rollcall uses to test its own connection. Alerts are on hold until the connection is restored, for at most 5 min.
    ⚪ Rollcall had no network connectivity for 2 min
    5 endpoints failed, and so did all hosts that Rollcall uses to test its own connection. Rollcall checks all endpoints again and sends separate alerts for those that are still offline.
    ⚪ Rollcall cannot resolve names
    5 endpoints failed, and so did all names that Rollcall uses to test its resolver. Until the resolver works again, for at most 5 min, failures of endpoints that have a name do not count. Endpoints that have an IP address are not affected.
    ⚪ Rollcall could not resolve names for 2 min
    5 endpoints failed, and so did all names that Rollcall uses to test its resolver. Rollcall checks all endpoints again and sends separate alerts for those that are still offline.
    ");
}

/// An announcement that `count` certificates expire. It names these endpoints, each with its host.
fn expiring(count: u64, named: &[(&str, Option<&str>)]) -> NotificationKind {
    let certificates = named.iter().map(|(name, host)| ExpiringCertificate {
        name: (*name).to_owned(),
        host: host.map(str::to_owned),
        expires_at: Timestamp::from_millis(1_700_000_000_000),
    });
    NotificationKind::CertificateExpiring {
        days: if count == 1 { 1 } else { 14 },
        count,
        certificates: certificates.collect(),
    }
}

#[test]
fn other_notifications() {
    let bulk = |is_down| NotificationKind::Bulk {
        is_down,
        count: 9,
        of: 10,
        window: Duration::from_secs(60),
    };
    let reason = "it answered 410 Gone".to_owned();
    let mut texts = Vec::new();
    for kind in [
        bulk(true),
        bulk(false),
        NotificationKind::WebhookBroken {
            name: "pager".into(),
            reason,
        },
        NotificationKind::ChannelBroken {
            channel: crate::domain::discord_id::ChannelId(5),
            reason: "Missing Permissions".into(),
        },
        NotificationKind::StorageLimitReached {
            kind: crate::domain::notifications::storage_limit::UsageKind::Outages,
        },
        expiring(1, &[("*shop*", None)]),
        expiring(12, &[("shop", None), ("blog", Some("login.example.org"))]),
        NotificationKind::Reminder {
            of: IncidentId(7),
            responder: Some(Responder::User(UserId(1))),
        },
    ] {
        let mut incident = incident(0, GroupScope::Nothing, None);
        incident.kind = kind;
        texts.push(title(&incident, escape));
        texts.extend(sentence(&incident.kind, escape, when));
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    🔴 9 of 10 endpoints went offline within 1 min
    `/offline_endpoints list` shows all offline endpoints.
    🟢 9 of 10 endpoints recovered within 1 min
    `/offline_endpoints list` shows the endpoints that are still offline.
    🟠 Alerts cannot be sent to the webhook pager
    Reason: it answered 410 Gone. Rollcall tries again every hour and sends the missed alerts once it works. To try at once, run `/alerts webhook test`.
    🟠 Alerts cannot be sent to their channel
    Rollcall cannot post alerts in their channel: Missing Permissions. Fix the cause: Rollcall tries again every hour and sends the missed alerts. To get them at once, or in another channel, run `/alerts channel`.
    🟠 Storage limit reached: past outages
    Each Discord server may store 200,000 past outages, and at most 64 MiB of them. From now on, Rollcall deletes the oldest ones as new ones arrive. Checks and alerts continue as before.
    🟠 The certificate of *shop* expires within 1 day
    *shop*: expires at 2023-11-14 22:13 UTC
    Checks fail once a certificate has expired. Renew it before then.
    🟠 The certificates of 12 endpoints expire within 14 days
    shop: expires at 2023-11-14 22:13 UTC
    blog: the certificate of login.example.org, where redirects lead, expires at 2023-11-14 22:13 UTC
    … and 10 more endpoints
    Checks fail once a certificate has expired. Renew it before then.
    🔔 Nobody has acknowledged this yet
    ");
}

/// 99.9 % over 30 days, of which this many minutes are used.
fn used_budget(subject: ObjectiveSubject, name: &str, minutes: u64) -> UsedBudget {
    let objective = Objective {
        percent: ObjectivePercent::from_thousandths(99_900).unwrap(),
        window: ObjectiveWindow::from_days(30).unwrap(),
    };
    let offline = Duration::from_secs(minutes * 60);
    let usage = BudgetUse {
        offline,
        // The oldest outages are not in the last quarter.
        recent_offline: if minutes == 30 {
            Duration::ZERO
        } else {
            offline
        },
        recent_judged: Duration::from_secs(7 * 24 * 3600),
    };
    UsedBudget {
        subject,
        name: name.to_owned(),
        objective,
        budget: ErrorBudget::of(objective, &usage, at(0)),
    }
}

#[test]
fn notifications_about_error_budgets() {
    let shop = |minutes| used_budget(ObjectiveSubject::Monitor(MonitorId(1)), "*shop*", minutes);
    let web = |minutes| used_budget(ObjectiveSubject::Group("web".into()), "web", minutes);
    let mut texts = Vec::new();
    for (is_missed, objectives) in [
        (false, vec![shop(24)]),
        (false, vec![shop(30)]),
        (false, vec![web(24)]),
        (true, vec![shop(51)]),
        (true, vec![web(51)]),
        (false, vec![shop(24), web(30)]),
        (true, vec![shop(51); 12]),
    ] {
        let mut incident = incident(0, GroupScope::Nothing, None);
        incident.kind = NotificationKind::ErrorBudgetUsed {
            is_missed,
            objectives,
        };
        texts.push(title(&incident, escape));
        texts.extend(sentence(&incident.kind, escape, when));
    }
    let shown = texts.join("\n");
    let repeated =
        "*shop*: 51 min of downtime, and 99.9 % over 30 days allows 43 min 12 s.\n".repeat(9);
    assert!(shown.contains(&repeated), "{shown}");
    insta::assert_snapshot!(shown.replace(&repeated, ""), @"
    🟠 *shop* has used 55 % of its error budget
    99.9 % over 30 days allows 43 min 12 s of downtime, and 19 min 12 s is left. At this rate, the budget runs out in 3 days.
    🟠 *shop* has used 69 % of its error budget
    99.9 % over 30 days allows 43 min 12 s of downtime, and 13 min 12 s is left. At this rate, the budget lasts.
    🟠 The group web has used 55 % of its error budget
    99.9 % over 30 days allows 43 min 12 s of downtime, and 19 min 12 s is left. At this rate, the budget runs out in 3 days.
    🔴 *shop* missed its objective of 99.9 % over 30 days
    51 min of downtime, and 99.9 % over 30 days allows 43 min 12 s.
    🔴 The group web missed its objective of 99.9 % over 30 days
    51 min of downtime on average of its monitors, and 99.9 % over 30 days allows 43 min 12 s.
    🟠 2 objectives are at risk
    *shop*: 99.9 % over 30 days allows 43 min 12 s of downtime, and 19 min 12 s is left. At this rate, the budget runs out in 3 days.
    The group web: 99.9 % over 30 days allows 43 min 12 s of downtime, and 13 min 12 s is left. At this rate, the budget lasts.
    🔴 12 objectives are missed
    *shop*: 51 min of downtime, and 99.9 % over 30 days allows 43 min 12 s.
    … and 2 more objectives
    ");
}

#[test]
fn reasons_of_outages() {
    let reasons = OutageReason::ALL.iter().map(|reason| {
        let without = super::outage::reason(&outage(0, *reason, None), escape);
        format!("{}: {without}", reason.as_str())
    });
    let mut lines: Vec<String> = reasons.collect();
    for (reason, detail) in [
        (OutageReason::UnexpectedStatus, "503"),
        (OutageReason::RunFailed, "FATAL: disk full"),
    ] {
        lines.push(super::outage::reason(
            &outage(0, reason, Some(detail)),
            escape,
        ));
    }
    lines.push(name(&outage(9, OutageReason::Refused, None)).to_owned());
    insta::assert_snapshot!(lines.join("\n"), @"
    refused: connection refused
    timed_out: timed out
    unreachable: unreachable
    name_failed: name not found
    tls_failed: TLS failed
    unexpected_status: unexpected status
    keyword_missing: keyword missing
    not_allowed: address not allowed
    protocol_error: protocol error
    missed_heartbeat: missed heartbeat
    run_failed: its last run failed
    overdue: no report for longer than expected
    limit_warning: beyond a limit
    limit_outage: beyond a limit
    unexpected status (503)
    its last run failed (FATAL: disk full)
    a removed monitor
    ");
}

#[test]
fn probable_causes() {
    let when = |_: Timestamp| "2 minutes ago".to_owned();
    let mut lines = Vec::new();
    for cause in [
        Cause::Service(FailureClass::Refused),
        Cause::Service(FailureClass::UnexpectedStatus),
        Cause::Dns,
        Cause::Port {
            other: 443,
            at: at(0),
        },
        Cause::NetworkPath {
            agent: "mail".into(),
            at: at(0),
        },
        Cause::Host { down: 12 },
        Cause::Network {
            subnet: Subnet::of("192.0.2.7".parse().unwrap()),
            down: 12,
        },
    ] {
        lines.push(super::cause(&cause, escape, when));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    The service. The host is up, but nothing accepts connections on the port.
    The service. The host responds, but the check failed: unexpected status.
    DNS. The name cannot be resolved.
    The port. Port 443 on the same host answered 2 minutes ago.
    The network path. mail runs on the same machine and reported 2 minutes ago.
    The host or its network path. All 12 endpoints on it are offline.
    The network. All 12 endpoints in 192.0.2.0/24 are offline.
    ");
}

#[test]
fn what_happened_to_a_monitor() {
    let mut outages = vec![outage(0, OutageReason::Refused, None)];
    outages.push(outage(0, OutageReason::Overdue, None));
    let of_a_limit = |end: &&OutageEnd| **end == OutageEnd::LimitChanged;
    for end in OutageEnd::ALL.iter().filter(|end| !of_a_limit(end)) {
        let mut ended = outage(0, OutageReason::Refused, None);
        ended.ended = Some((at(300), *end));
        outages.push(ended);
    }
    for ended in [None, Some((at(300), OutageEnd::Recovered))] {
        let mut flapping = outage(0, OutageReason::Refused, None);
        (flapping.is_flapping, flapping.times, flapping.ended) = (true, 4, ended);
        outages.push(flapping);
    }
    let mut continued = outage(0, OutageReason::Refused, None);
    continued.ended = Some((at(300), OutageEnd::Recovered));
    continued.continued_by = Some(IncidentId(8));
    outages.push(continued);
    let when = |_: Timestamp| "2 minutes ago".to_owned();
    let line = |one: &Outage| format!("{} shop {}", mark(one), happened(one, true, escape, when));
    let lines: Vec<String> = outages.iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    🔴 shop went offline 2 minutes ago: connection refused
    🔴 shop last reported 2 minutes ago: no report for longer than expected
    🟢 shop recovered 2 minutes ago after 5 min
    ⏸️ shop was paused 2 minutes ago while offline
    ⚪ shop got a new target 2 minutes ago while offline
    ⚪ shop was removed 2 minutes ago while offline
    🟠 shop is flapping (4 outages), went offline 2 minutes ago: connection refused
    🟠 shop is flapping (4 outages), recovered 2 minutes ago
    🟠 shop was flapping and then stayed offline
    ");
}

/// Outages of limits, those of the first reason first.
fn limits(reasons: &[OutageReason]) -> Incident {
    let mut found = incident(reasons.len() as u64, GroupScope::Nothing, None);
    for (outage, reason) in found.outages.iter_mut().zip(reasons) {
        outage.reason = *reason;
        if reason.is_limit() {
            outage.detail = Some("disk / at 93.1 %, above 90 % for 5 min".to_owned());
        }
    }
    counted(found)
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
fn titles_of_incidents_about_limits() {
    use OutageReason::{LimitOutage, LimitWarning, Overdue};
    let mut incidents = vec![
        limits(&[LimitWarning]),
        limits(&[LimitOutage]),
        limits(&[LimitWarning, LimitWarning]),
        limits(&[LimitWarning, LimitOutage]),
        limits(&[LimitWarning, Overdue]),
    ];
    let mut one_left = limits(&[LimitWarning, LimitOutage]);
    one_left.outages[1].ended = Some((at(60), OutageEnd::Recovered));
    incidents.push(counted(one_left));
    for (reasons, end) in [
        (vec![LimitWarning], OutageEnd::Recovered),
        (vec![LimitWarning], OutageEnd::LimitChanged),
        (vec![LimitWarning], OutageEnd::Paused),
        (vec![LimitWarning, LimitOutage], OutageEnd::Recovered),
        (vec![LimitWarning, Overdue], OutageEnd::Recovered),
    ] {
        let mut ended = limits(&reasons);
        ended.ended_at = Some(at(300));
        for outage in &mut ended.outages {
            outage.ended = Some((at(300), end));
        }
        incidents.push(counted(ended));
    }
    for is_open in [true, false] {
        let mut flapping = limits(&[LimitWarning]);
        flapping.flapping_since = Some(at(0));
        flapping.outages[0].is_flapping = true;
        flapping.outages[0].ended = (!is_open).then_some((at(60), OutageEnd::Recovered));
        incidents.push(counted(flapping));
    }
    let mut titles: Vec<String> = incidents.iter().map(|one| title(one, escape)).collect();
    titles.push(reminder(&incidents[0], at(3_600), escape));
    titles.push(reminder(&incidents[3], at(3_600), escape));
    for reasons in [
        vec![LimitWarning],
        vec![LimitOutage, LimitWarning],
        vec![Overdue, LimitWarning],
    ] {
        let outages = limits(&reasons).outages;
        let count = outages.len() as u64;
        titles.push(joined(&Changes { outages, count }, escape));
    }
    insta::assert_snapshot!(titles.join("\n"), @"
    🟠 shop is beyond a limit
    🔴 shop is beyond a limit
    🟠 2 limits are exceeded
    🔴 2 limits are exceeded
    🔴 2 problems are open
    🟠 1 of 2 limits is exceeded
    🟢 shop was beyond a limit for 5 min
    ⚪ shop was beyond a limit, which was changed
    ⏸️ shop was paused while beyond a limit
    🟢 2 limits were exceeded for 5 min
    🟢 2 problems were open for 5 min
    🟠 shop is flapping around a limit, beyond it now
    🟠 shop is flapping around a limit, within it now
    🔔 shop has been beyond a limit for 1 h and nobody has acknowledged it
    🔔 2 limits have been exceeded for 1 h and nobody has acknowledged it
    🟠 shop is beyond a limit, too
    🔴 2 more limits are exceeded
    🔴 2 more problems are open
    ");
}

#[test]
fn lines_about_limits() {
    let when = |at: Timestamp| format!("at {}", at.seconds() - 1_700_000_000);
    let line = |outage: &Outage| {
        let happened = happened(outage, true, escape, when);
        format!("{} {} {happened}", mark(outage), name(outage))
    };
    let open = limits(&[OutageReason::LimitWarning]).outages.remove(0);
    let mut lines = vec![line(&open)];
    lines.push(line(&Outage {
        reason: OutageReason::LimitOutage,
        ..open.clone()
    }));
    let of_an_endpoint = |end: &&OutageEnd| **end == OutageEnd::Retargeted;
    let ends = OutageEnd::ALL.iter().filter(|end| !of_an_endpoint(end));
    lines.extend(ends.map(|end| {
        line(&Outage {
            ended: Some((at(60), *end)),
            ..open.clone()
        })
    }));
    for ended in [None, Some((at(60), OutageEnd::Recovered))] {
        lines.push(line(&Outage {
            is_flapping: true,
            times: 3,
            ended,
            ..open.clone()
        }));
    }
    lines.push(line(&Outage {
        continued_by: Some(IncidentId(8)),
        ..open
    }));
    insta::assert_snapshot!(lines.join("\n"), @"
    🟠 shop exceeded a limit at 0: disk / at 93.1 %, above 90 % for 5 min
    🔴 shop exceeded a limit at 0: disk / at 93.1 %, above 90 % for 5 min
    🟢 shop met its limit again at 60 after 1 min (disk / at 93.1 %, above 90 % for 5 min)
    ⏸️ shop was paused at 60 while beyond a limit (disk / at 93.1 %, above 90 % for 5 min)
    ⚪ shop has another limit since at 60 (disk / at 93.1 %, above 90 % for 5 min)
    ⚪ shop was removed at 60 while beyond a limit (disk / at 93.1 %, above 90 % for 5 min)
    🟠 shop is flapping (3 outages), exceeded a limit at 0: disk / at 93.1 %, above 90 % for 5 min
    🟠 shop is flapping (3 outages), met it again at 60
    🟠 shop exceeded a limit again and again, and then for longer (disk / at 93.1 %, above 90 % for 5 min)
    ");
}
