//! Tests of an incident's message: Discord's limits with the longest names, and its text as the incident goes on.

use crate::domain::discord_id::{ChannelId, MessageId, MessageRef, UserId};
use std::time::Duration;

use crate::discord::incidents::incident_card;
use crate::discord::ui::embed_testing::{NOW, fits};
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::target::Host;
use crate::domain::incidents::cause::Cause;
use crate::domain::incidents::grouping::{GroupKey, GroupScope, IncidentId, Subnet};
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::notify::messenger::Reminder;
use crate::store::incidents::incident::{Incident, NAMED, Outage};

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
        acknowledged: Some((UserId(u64::MAX), NOW)),
        rechecked: Some((UserId(u64::MAX), NOW)),
        rechecked_result: Some("*".repeat(500)),
        muted: Some((UserId(u64::MAX), NOW)),
        maintained: Some((UserId(u64::MAX), NOW)),
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
    for embed in incident_card::message(&longest).embeds {
        fits(embed);
    }
    let reminder = Reminder {
        incident: longest.clone(),
        link: Some(MessageRef {
            channel: ChannelId(u64::MAX),
            message: MessageId(u64::MAX),
        }),
        now: NOW,
    };
    for embed in incident_card::reminder(&reminder).embeds {
        fits(embed);
    }
    longest.outages = vec![outage];
    (longest.count, longest.ended_at) = (1, Some(NOW));
    for embed in incident_card::message(&longest).embeds {
        fits(embed);
    }
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
    let message = incident_card::message(incident);
    let embed = serde_json::to_value(&message.embeds[0]).unwrap();
    let part = |name: &str| embed[name].as_str().unwrap_or_default().to_owned();
    format!("{}\n{}", part("title"), part("description"))
}
