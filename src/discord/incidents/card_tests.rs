//! Tests of the messages of incidents: Discord's limits with the longest names, and what readers see.

use std::time::Duration;

use crate::discord::incidents::incident_card;
use crate::discord::ui::embed_testing::{NOW, card_text, fits};
use crate::discord::ui::reply::Message;
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId, MessageId, MessageRef, UserId};
use crate::domain::endpoints::connectivity::Loss;
use crate::domain::endpoints::target::Host;
use crate::domain::event::Actor;
use crate::domain::history::objective::budget::ErrorBudget;
use crate::domain::history::objective::{
    Objective, ObjectivePercent, ObjectiveSubject, ObjectiveWindow,
};
use crate::domain::incidents::cause::Cause;
use crate::domain::incidents::grouping::{GroupKey, GroupScope, IncidentId, Subnet};
use crate::domain::incidents::note::NoteId;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::key::KeyId;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::notification_kind::{
    ExpiringCertificate, MAX_NAMED_CERTIFICATES, MAX_OBJECTIVES, NotificationKind, UsedBudget,
};
use crate::domain::notifications::storage_limit::UsageKind;
use crate::domain::status::transition::OutageEnd;
use crate::notify::transport::{Joined, Reminder};
use crate::store::incidents::incident::{Changes, Counts, Incident, Note, Notes, Outage};
use crate::store::testing::counts_of;

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one incident with every field at its longest"
)]
fn incidents_and_reminders_fit_with_the_longest_names() {
    let outage = Outage {
        monitor_id: MonitorId(i64::MAX),
        name: Some("*".repeat(64)),
        target: Some(format!("http://{}", "x".repeat(500))),
        reason: OutageReason::UnexpectedStatus,
        detail: Some("_".repeat(1_000)),
        started_at: NOW.minus(Duration::from_secs(9_999_999)),
        ended: Some((NOW, OutageEnd::Recovered)),
        is_flapping: false,
        continued_by: None,
        exists: true,
        times: 1,
    };
    let ongoing = Outage {
        ended: None,
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
        acknowledged: Some((Actor::Member(UserId(u64::MAX)), NOW)),
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
        outages: vec![ongoing; 25],
        counts: Counts {
            monitors: 100_000,
            open: 99_999,
            ..Counts::default()
        },
        notes: notes(&["*".repeat(1_000).as_str(); 100]),
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
    };
    for embed in incident_card::reminder(&reminder, NOW).embeds {
        fits(embed);
    }
    longest.outages = vec![outage];
    (longest.counts, longest.ended_at) = (counts_of(&longest.outages), Some(NOW));
    for embed in incident_card::message(&longest).embeds {
        fits(embed);
    }
}

/// An API key that acknowledges incidents and writes notes.
fn key() -> Actor {
    Actor::Key(KeyId::parse("0123456789ab").unwrap())
}

/// Notes of an incident, the newest last, by a key and a member in turn.
fn notes(texts: &[&str]) -> Notes {
    let note = |(number, text): (usize, &&str)| Note {
        id: NoteId(number as i64 + 1),
        incident: IncidentId(1),
        at: minutes_ago(9).plus(Duration::from_secs(60 * number as u64)),
        actor: match number % 2 {
            0 => key(),
            _ => Actor::Member(UserId(u64::MAX)),
        },
        text: (*text).to_owned(),
    };
    let all: Vec<Note> = texts.iter().enumerate().map(note).collect();
    Notes {
        count: all.len() as u64,
        latest: all[all.len().saturating_sub(10)..].to_vec(),
    }
}

fn minutes_ago(minutes: u64) -> Timestamp {
    NOW.minus(Duration::from_secs(60 * minutes))
}

fn shop() -> Outage {
    Outage {
        monitor_id: MonitorId(1),
        name: Some("shop".into()),
        target: Some("https://shop.example.org/".into()),
        reason: OutageReason::TimedOut,
        detail: Some("while connecting".into()),
        started_at: minutes_ago(9),
        ended: None,
        is_flapping: false,
        continued_by: None,
        exists: true,
        times: 1,
    }
}

/// A device that has recovered.
fn pump() -> Outage {
    Outage {
        monitor_id: MonitorId(2),
        name: Some("pump".into()),
        target: None,
        reason: OutageReason::MissedHeartbeat,
        detail: None,
        started_at: minutes_ago(8),
        ended: Some((minutes_ago(2), OutageEnd::Recovered)),
        is_flapping: false,
        continued_by: None,
        exists: true,
        times: 1,
    }
}

fn incident(outages: Vec<Outage>) -> Incident {
    Incident {
        kind: NotificationKind::Incident,
        id: IncidentId(1),
        guild_id: GuildId(1),
        group_key: GroupKey {
            scope: GroupScope::Nothing,
            group: None,
        },
        revision: 1,
        opened_at: minutes_ago(9),
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
        outages,
        notes: Notes::default(),
    }
}

fn texts_of(messages: impl IntoIterator<Item = Message>) -> String {
    let embeds = messages.into_iter().flat_map(|message| message.embeds);
    let texts: Vec<String> = embeds.map(card_text).collect();
    texts.join("\n---\n")
}

#[test]
fn incident_texts_follow_the_incident_over_time() {
    let opened = incident(vec![shop()]);
    let partly = incident(vec![shop(), pump()]);
    let mut in_subnet = partly.clone();
    in_subnet.group_key.scope = GroupScope::Subnet(Subnet::of("192.0.2.7".parse().unwrap()));
    let mut ended = incident(vec![pump()]);
    ended.opened_at = minutes_ago(8);
    ended.ended_at = Some(minutes_ago(2));
    let mut flapping = ended.clone();
    flapping.flapping_since = Some(minutes_ago(60));
    let mut stable = flapping.clone();
    flapping.outages[0].is_flapping = true;
    flapping.counts = counts_of(&flapping.outages);
    stable.flapping_ended_at = Some(NOW);
    // Without outages: the notification was sent before Rollcall noticed that its own connectivity was lost.
    let mut false_alarm = incident(Vec::new());
    false_alarm.ended_at = Some(minutes_ago(2));
    let incidents = [
        opened,
        partly,
        in_subnet,
        ended,
        flapping,
        stable,
        false_alarm,
    ];
    let messages = incidents.iter().map(incident_card::message);
    insta::assert_snapshot!(texts_of(messages), @"
    [red] 🔴 shop is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    ---
    [red] 🔴 1 of 2 monitors is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)
    🟢 **pump** recovered <t:1769860680:R> after 6 min

    ---
    [red] 🔴 1 of 2 monitors on 192.0.2.0/24 is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)
    🟢 **pump** recovered <t:1769860680:R> after 6 min

    ---
    [green] 🟢 pump was offline for 6 min
    🟢 **pump** recovered <t:1769860680:R> after 6 min

    ---
    [amber] 🟠 pump is flapping, online now
    🟠 **pump** is flapping (1 outage), recovered <t:1769860680:R>

    ---
    [green] 🟢 pump stopped flapping after 1 h
    🟢 **pump** recovered <t:1769860680:R> after 6 min

    ---
    [green] ⚪ False alarm: the fault was in Rollcall's own network
    ");
}

#[test]
fn an_incident_shows_its_cause_and_what_members_did() {
    let alice = UserId(42);
    let mut acknowledged = incident(vec![shop()]);
    acknowledged.acknowledged = Some((Actor::Member(alice), minutes_ago(5)));
    let mut everything = acknowledged.clone();
    everything.cause = Some(Cause::NetworkPath {
        agent: "mail".into(),
        at: minutes_ago(1),
    });
    everything.rechecked = Some((alice, minutes_ago(4)));
    everything.rechecked_result = Some("timed out (while connecting)".into());
    everything.muted = Some((alice, NOW.plus(Duration::from_secs(3_600))));
    everything.maintained = Some((alice, NOW.plus(Duration::from_secs(7_200))));
    // More monitors than the message lists, one of them removed.
    let removed = Outage {
        name: None,
        target: None,
        ..shop()
    };
    let mut large = incident(vec![removed]);
    (large.counts.monitors, large.counts.open) = (176, 176);
    let messages = [acknowledged, everything, large];
    insta::assert_snapshot!(texts_of(messages.iter().map(incident_card::message)), @"
    [amber] 🔴 shop is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    Acknowledged: by <@42> <t:1769860500:R>
    ---
    [amber] 🔴 shop is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    Probable cause: The network path. mail runs on the same machine and reported <t:1769860740:R>.
    Acknowledged: by <@42> <t:1769860500:R>
    Rechecked: by <@42> <t:1769860560:R>
    timed out (while connecting)
    Muted: until <t:1769864400:f> by <@42>
    Maintenance: until <t:1769868000:f> by <@42>
    ---
    [red] 🔴 176 monitors are offline
    🔴 **a removed monitor** went offline <t:1769860260:R>: timed out (while connecting)
    … and 175 more monitors
    ");
}

#[test]
fn an_incident_shows_its_last_three_notes() {
    let resolved = Incident {
        ended_at: Some(minutes_ago(2)),
        ..incident(vec![pump()])
    };
    let messages = [
        (incident(vec![shop()]), &[][..]),
        (incident(vec![shop()]), &["the provider works on it"]),
        (incident(vec![shop()]), &["one", "two", "three"]),
        (resolved, &["one", "two", "three", "four", "five"]),
    ]
    .map(|(incident, texts)| {
        let notes = notes(texts);
        incident_card::message(&Incident { notes, ..incident })
    });
    insta::assert_snapshot!(texts_of(messages), @"
    [red] 🔴 shop is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    ---
    [red] 🔴 shop is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    Notes: Written with API key `0123456789ab` <t:1769860260:R>:
    the provider works on it
    ---
    [red] 🔴 shop is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    Notes: Written with API key `0123456789ab` <t:1769860260:R>:
    one
    Written by <@18446744073709551615> <t:1769860320:R>:
    two
    Written with API key `0123456789ab` <t:1769860380:R>:
    three
    ---
    [green] 🟢 pump was offline for 7 min
    🟢 **pump** recovered <t:1769860680:R> after 6 min

    Last 3 of 5 notes: Written with API key `0123456789ab` <t:1769860380:R>:
    three
    Written by <@18446744073709551615> <t:1769860440:R>:
    four
    Written with API key `0123456789ab` <t:1769860500:R>:
    five
    ");
}

#[test]
fn notes_mention_nobody_and_leave_the_markup_intact() {
    let texts = [
        "@everyone @here <@1> <@&2> <#3> </ping:4> :tada: <:x:5> [free](https://evil.example)",
        "# big\n > quote\n>>> all\n-# small\n**bold** __x__ ~~y~~ ||z|| `code`\n```\nfence",
        "one\n\n \ntwo\nthree\nfour\nfive",
    ];
    let hostile = Incident {
        notes: notes(&texts),
        ..incident(vec![shop()])
    };
    insta::assert_snapshot!(texts_of([incident_card::message(&hostile)]), @r"
    [red] 🔴 shop is offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    Notes: Written with API key `0123456789ab` <t:1769860260:R>:
    \@everyone \@here \<\@1> \<\@&2> \<#3> \</ping:4> \:tada: \<\:x:5> \[free](https://evil.example)
    Written by <@18446744073709551615> <t:1769860320:R>:
    \# big
    \> quote
    \>>> all
    \-# small
    …
    Written with API key `0123456789ab` <t:1769860380:R>:
    one
    two
    three
    four
    …
    ");
    for character in ["x", "*", "\\", "\n*", "🦆"] {
        let longest: String = character.repeat(1_000).chars().take(1_000).collect();
        let longest = Incident {
            notes: notes(&[longest.as_str(); 3]),
            ..incident(vec![shop()])
        };
        for embed in incident_card::message(&longest).embeds {
            let text = card_text(embed.clone());
            fits(embed);
            assert!(!text.contains("\\…") || text.contains("\\\\…"), "{text}");
            assert_eq!(text.matches('…').count(), 3, "{text}");
        }
    }
}

#[test]
fn other_notifications_have_no_outages() {
    let began = minutes_ago(7);
    let lost = |failing, ended| NotificationKind::ConnectivityLost {
        loss: Loss::Network,
        failing,
        began,
        ended,
    };
    let bulk = |is_down| NotificationKind::Bulk {
        is_down,
        count: 40,
        of: 120,
        window: Duration::from_secs(60),
    };
    let kinds = [
        NotificationKind::WebhookBroken {
            name: "pager".into(),
            reason: "it returned 410".into(),
        },
        NotificationKind::ChannelBroken {
            channel: ChannelId(5),
            reason: "the channel was deleted".into(),
        },
        lost(12, None),
        lost(12, Some(NOW)),
        bulk(true),
        bulk(false),
        NotificationKind::StorageLimitReached {
            kind: UsageKind::Samples,
        },
    ];
    let messages = kinds.into_iter().map(|kind| {
        let notification = Incident {
            kind,
            ..incident(Vec::new())
        };
        incident_card::message(&notification)
    });
    insta::assert_snapshot!(texts_of(messages), @"
    [amber] 🟠 Alerts cannot be sent to the webhook pager
    Reason: it returned 410. Rollcall tries again every hour and sends the missed alerts once it works. To try at once, run `/alerts webhook test`.
    ---
    [amber] 🟠 Alerts cannot be sent to their channel
    Rollcall cannot post alerts in their channel: the channel was deleted. Fix the cause: Rollcall tries again every hour and sends the missed alerts. To get them at once, or in another channel, run `/alerts channel`.
    ---
    [amber] ⚪ Rollcall lost network connectivity
    12 endpoints failed, and so did all hosts that Rollcall uses to test its own connection. Alerts are on hold until the connection is restored, for at most 5 min.
    ---
    [amber] ⚪ Rollcall had no network connectivity for 7 min
    12 endpoints failed, and so did all hosts that Rollcall uses to test its own connection. Rollcall checks all endpoints again and sends separate alerts for those that are still offline.
    ---
    [amber] 🔴 40 of 120 endpoints went offline within 1 min
    `/offline_endpoints list` shows all offline endpoints.
    ---
    [amber] 🟢 40 of 120 endpoints recovered within 1 min
    `/offline_endpoints list` shows the endpoints that are still offline.
    ---
    [amber] 🟠 Storage limit reached: server reports
    Each Discord server may store 2,500,000 server reports, and at most 1,024 MiB of them. From now on, Rollcall deletes the oldest ones as new ones arrive. Checks and alerts continue as before.
    ");
}

/// An announcement that `count` certificates expire, which names one of them.
fn expiring(count: u64, name: &str, host: Option<String>) -> NotificationKind {
    NotificationKind::CertificateExpiring {
        days: 14,
        count,
        certificates: vec![ExpiringCertificate {
            name: name.to_owned(),
            host,
            expires_at: NOW,
        }],
    }
}

#[test]
fn a_message_about_certificates_names_the_first_ones() {
    let notification = Incident {
        kind: expiring(12, "shop", None),
        ..incident(Vec::new())
    };
    let message = incident_card::message(&notification);
    assert!(message.rows.is_empty());
    insta::assert_snapshot!(texts_of([message]), @"
    [amber] 🟠 The certificates of 12 endpoints expire within 14 days
    shop: expires at 2026-01-31 12:00 UTC
    … and 11 more endpoints
    Checks fail once a certificate has expired. Renew it before then.
    ");
}

/// A notification about the error budgets of `count` objectives of this name: 99.9 % over 30 days.
fn used_budgets(is_missed: bool, count: usize, name: &str) -> NotificationKind {
    let objective = Objective {
        percent: ObjectivePercent::from_thousandths(99_900).unwrap(),
        window: ObjectiveWindow::from_days(30).unwrap(),
    };
    let used = UsedBudget {
        subject: ObjectiveSubject::Group(name.to_owned()),
        name: name.to_owned(),
        objective,
        budget: ErrorBudget {
            allowed: objective.allowed(),
            used: Duration::from_secs(24 * 60),
            exhausted_at: Some(NOW),
        },
    };
    NotificationKind::ErrorBudgetUsed {
        is_missed,
        objectives: vec![used; count],
    }
}

#[test]
fn a_message_about_error_budgets_says_what_is_left() {
    let messages = [false, true].map(|is_missed| {
        let notification = Incident {
            kind: used_budgets(is_missed, 1, "*web*"),
            ..incident(Vec::new())
        };
        incident_card::message(&notification)
    });
    assert!(messages.iter().all(|message| message.rows.is_empty()));
    insta::assert_snapshot!(texts_of(messages), @r"
    [amber] 🟠 The group \*web\* has used 55 % of its error budget
    99.9 % over 30 days allows 43 min 12 s of downtime, and 19 min 12 s is left. At this rate, the budget runs out <t:1769860800:R>.
    ---
    [red] 🔴 The group \*web\* missed its objective of 99.9 % over 30 days
    24 min of downtime on average of its monitors, and 99.9 % over 30 days allows 43 min 12 s.
    ");
    for is_missed in [false, true] {
        for count in [1, MAX_OBJECTIVES] {
            let notification = Incident {
                kind: used_budgets(is_missed, count, &"*".repeat(64)),
                ..incident(Vec::new())
            };
            fits(incident_card::message(&notification).embeds.remove(0));
        }
    }
}

#[test]
fn names_in_a_message_about_certificates_fit_and_are_escaped() {
    let name = "*".repeat(64);
    let mut kind = expiring(1_000, &name, Some("h".repeat(253)));
    if let NotificationKind::CertificateExpiring { certificates, .. } = &mut kind {
        *certificates = vec![certificates[0].clone(); MAX_NAMED_CERTIFICATES];
    }
    for kind in [kind, expiring(1, &name, None)] {
        let notification = Incident {
            kind,
            ..incident(Vec::new())
        };
        let embed = incident_card::message(&notification).embeds.remove(0);
        let shown = card_text(embed.clone());
        assert!(
            shown.contains(r"\*\*") && !shown.contains("****"),
            "{shown}"
        );
        fits(embed);
    }
}

#[test]
fn reminders_link_to_the_message_of_their_incident_and_stay_true() {
    let message = MessageRef {
        channel: ChannelId(5),
        message: MessageId(6),
    };
    let reminder = |outages, link| {
        let incident = incident(outages);
        incident_card::reminder(&Reminder { incident, link }, NOW)
    };
    let mut ended = incident(vec![pump()]);
    ended.ended_at = Some(minutes_ago(2));
    let mut acknowledged = incident(vec![shop()]);
    acknowledged.acknowledged = Some((Actor::Member(UserId(7)), minutes_ago(1)));
    let mut by_key = acknowledged.clone();
    by_key.acknowledged = Some((key(), minutes_ago(1)));
    let messages = [
        reminder(vec![shop()], Some(message)),
        reminder(vec![shop(), pump()], None),
        incident_card::reminder(
            &Reminder {
                incident: ended,
                link: None,
            },
            NOW,
        ),
        incident_card::reminder(
            &Reminder {
                incident: acknowledged,
                link: None,
            },
            NOW,
        ),
        incident_card::reminder(
            &Reminder {
                incident: by_key,
                link: None,
            },
            NOW,
        ),
    ];
    insta::assert_snapshot!(texts_of(messages), @"
    [red] 🔔 shop has been offline for 9 min and nobody has acknowledged it
    [Open the incident to recheck, acknowledge or mute it](https://discord.com/channels/1/5/6)
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    ---
    [red] 🔔 1 of 2 monitors has been offline for 9 min and nobody has acknowledged it
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    ---
    [green] 🟢 pump was offline for 7 min
    ---
    [amber] 🔴 shop is offline
    Acknowledged by <@7> <t:1769860740:R>
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    ---
    [amber] 🔴 shop is offline
    Acknowledged with API key `0123456789ab` <t:1769860740:R>
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)
    ");
}

#[test]
fn monitors_that_join_late_have_a_message_of_their_own() {
    let link = Some(MessageRef {
        channel: ChannelId(5),
        message: MessageId(6),
    });
    let joined = |outages: Vec<Outage>, unacknowledged, link| {
        let count = outages.len() as u64;
        incident_card::joined(&Joined {
            incident: incident(vec![shop(), pump()]),
            changes: Changes { outages, count },
            unacknowledged,
            link,
        })
    };
    let messages = [
        joined(vec![shop()], Some(Actor::Member(UserId(7))), link),
        joined(vec![shop()], Some(key()), None),
        joined(vec![shop(), shop()], None, None),
        joined(vec![pump()], None, None),
        joined(vec![pump(), pump()], None, None),
        // Their outages were retracted.
        joined(Vec::new(), None, None),
    ];
    insta::assert_snapshot!(texts_of(messages), @"
    [red] 🔴 shop is offline, too
    The acknowledgment by <@7> does not cover this, so the incident is unacknowledged again.
    [Open the incident to recheck, acknowledge or mute it](https://discord.com/channels/1/5/6)
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    ---
    [red] 🔴 shop is offline, too
    The acknowledgment with API key `0123456789ab` does not cover this, so the incident is unacknowledged again.
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    ---
    [red] 🔴 2 more monitors are offline
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)
    🔴 **shop** `https://shop.example.org/` went offline <t:1769860260:R>: timed out (while connecting)

    ---
    [green] 🟢 pump was offline, too
    🟢 **pump** recovered <t:1769860680:R> after 6 min

    ---
    [green] 🟢 2 more monitors were offline
    🟢 **pump** recovered <t:1769860680:R> after 6 min
    🟢 **pump** recovered <t:1769860680:R> after 6 min

    ---
    [grey] ⚪ False alarm: the fault was in Rollcall's own network
    ");
}
