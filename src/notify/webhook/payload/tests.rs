//! Tests of the bodies of webhook messages: every text, every type, and the largest incident.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::domain::discord_id::{ChannelId, GuildId, MessageId, MessageRef, UserId};
use crate::domain::endpoints::connectivity::Loss;
use crate::domain::event::Actor;
use crate::domain::history::objective::budget::ErrorBudget;
use crate::domain::history::objective::{
    Objective, ObjectivePercent, ObjectiveSubject, ObjectiveWindow,
};
use crate::domain::incidents::grouping::{GroupKey, GroupScope, IncidentId};
use crate::domain::incidents::note::NoteId;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::key::KeyId;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::destination_health::DestinationHealth;
use crate::domain::notifications::destinations::DestinationId;
use crate::domain::notifications::notification_kind::UsedBudget;
use crate::domain::notifications::webhook::WebhookId;
use crate::domain::status::transition::OutageEnd;
use crate::store::incidents::incident::{Changes, Counts, Note, Notes, Outage};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}

fn incident(count: usize, ended_at: Option<Timestamp>) -> Incident {
    let outage = |number: usize| Outage {
        monitor_id: MonitorId(number as i64),
        name: Some(format!("<!here> & *shop* {number}")),
        target: Some("https://shop.example.org/".into()),
        reason: OutageReason::Refused,
        detail: Some("while connecting".into()),
        started_at: at(0),
        ended: ended_at.map(|at| (at, OutageEnd::Recovered)),
        is_flapping: false,
        continued_by: None,
        exists: true,
        times: 1,
    };
    Incident {
        id: IncidentId(7),
        guild_id: GuildId(u64::MAX),
        kind: NotificationKind::Incident,
        group_key: GroupKey {
            scope: GroupScope::Nothing,
            group: None,
        },
        revision: 3,
        opened_at: at(0),
        ended_at,
        acknowledged: Some((Actor::Member(UserId(9)), at(30))),
        rechecked: None,
        rechecked_result: None,
        muted: None,
        maintained: None,
        flapping_since: None,
        flapping_ended_at: None,
        cause: None,
        outages: (0..count.min(25)).map(outage).collect(),
        counts: Counts {
            monitors: count as u64,
            open: if ended_at.is_some() { 0 } else { count as u64 },
            recovered: if ended_at.is_some() { count as u64 } else { 0 },
            ..Counts::default()
        },
        notes: Notes::default(),
    }
}

fn of(format: WebhookFormat, incident: &Incident, change: IncidentChange) -> Value {
    let message = MessageRef {
        channel: ChannelId(3),
        message: MessageId(4),
    };
    let was_notified = change == IncidentChange::Updated;
    let current = current(incident, was_notified, Some(message));
    of_incident(&webhook(format), &current, at(99)).unwrap()
}

fn webhook(format: WebhookFormat) -> Webhook {
    Webhook {
        id: WebhookId(1),
        guild_id: GuildId(1),
        name: "pager".into(),
        url: "https://hooks.example.org/canary".parse().unwrap(),
        format,
        template: Some(
            r#"{"topic":"alerts","title":"{{title}}","message":"{{text}}","click":"{{link}}"}"#
                .into(),
        ),
        signing_key: "whsec_canary".into(),
        last_sent_at: None,
        destination: DestinationId(1),
        health: DestinationHealth::default(),
    }
}

fn current(incident: &Incident, was_notified: bool, link: Option<MessageRef>) -> CurrentIncident {
    CurrentIncident {
        incident: incident.clone(),
        delivered_revision: was_notified.into(),
        changes: Changes {
            outages: incident.outages.clone(),
            count: incident.counts.monitors,
        },
        link,
    }
}

#[test]
fn the_standard_format_has_every_fact() {
    let body = of(
        WebhookFormat::Standard,
        &incident(1, None),
        IncidentChange::Opened,
    );
    insta::assert_json_snapshot!(body, @r#"
    {
      "data": {
        "acknowledged": {
          "at": "2023-11-14T22:13:50Z",
          "user": "9"
        },
        "cause": null,
        "ended_at": null,
        "guild_id": "18446744073709551615",
        "id": 7,
        "is_flapping": false,
        "members": [
          {
            "continued_by": null,
            "detail": "while connecting",
            "ended_at": null,
            "ended_by": null,
            "id": 0,
            "is_flapping": false,
            "name": "<!here> & *shop* 0",
            "outages": 1,
            "reason": "refused",
            "started_at": "2023-11-14T22:13:20Z",
            "target": "https://shop.example.org/"
          }
        ],
        "monitors": 1,
        "notes": [],
        "offline": 1,
        "opened_at": "2023-11-14T22:13:20Z",
        "text": null,
        "title": "🔴 <!here> & *shop* 0 is offline"
      },
      "timestamp": "2023-11-14T22:14:59Z",
      "type": "incident.opened"
    }
    "#);
}

#[test]
fn the_standard_format_says_who_acknowledged_and_what_they_wrote() {
    let key = Actor::Key(KeyId::parse("0123456789ab").unwrap());
    let note = |actor, seconds, text: &str| Note {
        id: NoteId(1),
        incident: IncidentId(7),
        at: at(seconds),
        actor,
        text: text.into(),
    };
    let mut incident = incident(1, None);
    incident.acknowledged = Some((key, at(30)));
    incident.notes = Notes {
        latest: vec![
            note(key, 40, "@everyone <@1> *b*\n\"two\""),
            note(Actor::Member(UserId(u64::MAX)), 50, "done"),
        ],
        count: 12,
    };
    let body = of(WebhookFormat::Standard, &incident, IncidentChange::Updated);
    assert_eq!(
        body["data"]["acknowledged"],
        json!({ "key": "0123456789ab", "at": "2023-11-14T22:13:50Z" })
    );
    assert_eq!(
        body["data"]["notes"],
        json!([
            { "at": "2023-11-14T22:14:00Z", "by": "key:0123456789ab", "text": "@everyone <@1> *b*\n\"two\"" },
            { "at": "2023-11-14T22:14:10Z", "by": "discord:18446744073709551615", "text": "done" },
        ])
    );
    // Formats for people send a message only when monitors join or recover, and leave the notes to Discord.
    for format in [
        WebhookFormat::Slack,
        WebhookFormat::Discord,
        WebhookFormat::Template,
    ] {
        let body = of(format, &incident, IncidentChange::Updated);
        assert!(!body.to_string().contains("everyone"), "{body}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
fn slack_and_discord_messages_say_what_since_when_and_why() {
    let mut texts = Vec::new();
    for (incident, change) in [
        (incident(1, None), IncidentChange::Opened),
        (incident(2, None), IncidentChange::Opened),
        (incident(1, Some(at(90))), IncidentChange::Resolved),
        (incident(12, Some(at(90))), IncidentChange::Resolved),
    ] {
        let slack = of(WebhookFormat::Slack, &incident, change);
        texts.push(slack["text"].as_str().unwrap().to_owned());
        let discord = of(WebhookFormat::Discord, &incident, change);
        texts.push(serde_json::to_string_pretty(&discord).unwrap());
    }
    for format in [
        WebhookFormat::Standard,
        WebhookFormat::Slack,
        WebhookFormat::Discord,
    ] {
        texts.push(
            serde_json::to_string_pretty(&of_test(&webhook(format), at(1)).unwrap()).unwrap(),
        );
    }
    insta::assert_snapshot!(texts.join("\n\n"), @r#"
    🔴 &lt;!here&gt; &amp; *shop* 0 is offline
    `https://shop.example.org/` went offline at 2023-11-14 22:13 UTC: connection refused (while connecting)
    <https://discord.com/channels/18446744073709551615/3/4|Open in Discord>

    {
      "allowed_mentions": {
        "parse": []
      },
      "embeds": [
        {
          "color": 14300988,
          "description": "`https://shop.example.org/` went offline <t:1700000000:R>: connection refused (while connecting)",
          "title": "🔴 \\<!here> & \\*shop\\* 0 is offline",
          "url": "https://discord.com/channels/18446744073709551615/3/4"
        }
      ],
      "username": "Rollcall"
    }

    🔴 2 monitors are offline
    🔴 &lt;!here&gt; &amp; *shop* 0 `https://shop.example.org/` went offline at 2023-11-14 22:13 UTC: connection refused (while connecting)
    🔴 &lt;!here&gt; &amp; *shop* 1 `https://shop.example.org/` went offline at 2023-11-14 22:13 UTC: connection refused (while connecting)
    <https://discord.com/channels/18446744073709551615/3/4|Open in Discord>

    {
      "allowed_mentions": {
        "parse": []
      },
      "embeds": [
        {
          "color": 14300988,
          "description": "🔴 \\<!here> & \\*shop\\* 0 `https://shop.example.org/` went offline <t:1700000000:R>: connection refused (while connecting)\n🔴 \\<!here> & \\*shop\\* 1 `https://shop.example.org/` went offline <t:1700000000:R>: connection refused (while connecting)",
          "title": "🔴 2 monitors are offline",
          "url": "https://discord.com/channels/18446744073709551615/3/4"
        }
      ],
      "username": "Rollcall"
    }

    🟢 &lt;!here&gt; &amp; *shop* 0 was offline for 1 min 30 s
    `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC
    <https://discord.com/channels/18446744073709551615/3/4|Open in Discord>

    {
      "allowed_mentions": {
        "parse": []
      },
      "embeds": [
        {
          "color": 2336090,
          "description": "`https://shop.example.org/` recovered <t:1700000090:R>",
          "title": "🟢 \\<!here> & \\*shop\\* 0 was offline for 1 min 30 s",
          "url": "https://discord.com/channels/18446744073709551615/3/4"
        }
      ],
      "username": "Rollcall"
    }

    🟢 12 monitors were offline for 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 0 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 1 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 2 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 3 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 4 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 5 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 6 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 7 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 8 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    🟢 &lt;!here&gt; &amp; *shop* 9 `https://shop.example.org/` recovered at 2023-11-14 22:14 UTC after 1 min 30 s
    … and 2 more monitors
    <https://discord.com/channels/18446744073709551615/3/4|Open in Discord>

    {
      "allowed_mentions": {
        "parse": []
      },
      "embeds": [
        {
          "color": 2336090,
          "description": "🟢 \\<!here> & \\*shop\\* 0 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 1 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 2 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 3 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 4 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 5 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 6 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 7 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 8 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n🟢 \\<!here> & \\*shop\\* 9 `https://shop.example.org/` recovered <t:1700000090:R> after 1 min 30 s\n… and 2 more monitors",
          "title": "🟢 12 monitors were offline for 1 min 30 s",
          "url": "https://discord.com/channels/18446744073709551615/3/4"
        }
      ],
      "username": "Rollcall"
    }

    {
      "data": {},
      "timestamp": "2023-11-14T22:13:21Z",
      "type": "test"
    }

    {
      "text": "Test message: Rollcall can reach this webhook."
    }

    {
      "allowed_mentions": {
        "parse": []
      },
      "embeds": [
        {
          "color": 2336090,
          "description": "",
          "title": "Test message: Rollcall can reach this webhook."
        }
      ],
      "username": "Rollcall"
    }
    "#);
}

#[test]
fn without_a_message_the_link_opens_the_discord_server() {
    let incident = incident(1, None);
    let current = current(&incident, false, None);
    let body = of_incident(&webhook(WebhookFormat::Slack), &current, at(1)).unwrap();
    let text = body["text"].as_str().unwrap();
    let link = format!(
        "<https://discord.com/channels/{}|Open in Discord>",
        u64::MAX
    );
    assert!(text.ends_with(&link), "{text}");
}

#[test]
fn the_largest_incident_fits_and_mentions_nobody() {
    let mut large = incident(3_000, None);
    for outage in &mut large.outages {
        outage.detail = Some("x".repeat(600));
    }
    let slack = of(WebhookFormat::Slack, &large, IncidentChange::Opened);
    let text = slack["text"].as_str().unwrap();
    assert!(
        text.chars().count() < 3_000 && !text.contains("<!here>"),
        "{text}"
    );
    let discord = of(WebhookFormat::Discord, &large, IncidentChange::Opened);
    let description = discord["embeds"][0]["description"].as_str().unwrap();
    assert!(description.chars().count() <= 4_096);
    assert_eq!(discord["allowed_mentions"], json!({ "parse": [] }));
}

fn connectivity(ended: Option<Timestamp>) -> NotificationKind {
    NotificationKind::ConnectivityLost {
        loss: Loss::Network,
        failing: 5,
        began: at(0),
        ended,
    }
}

fn expiring() -> NotificationKind {
    NotificationKind::CertificateExpiring {
        days: 14,
        count: 2,
        certificates: Vec::new(),
    }
}

/// 99.9 % over 30 days, of which more than half is used, or more than all.
fn used_budgets(is_missed: bool) -> NotificationKind {
    let objective = Objective {
        percent: ObjectivePercent::from_thousandths(99_900).unwrap(),
        window: ObjectiveWindow::from_days(30).unwrap(),
    };
    let minutes = if is_missed { 51 } else { 24 };
    let of = |subject, name: &str| UsedBudget {
        subject,
        name: name.to_owned(),
        objective,
        budget: ErrorBudget {
            allowed: objective.allowed(),
            used: Duration::from_secs(minutes * 60),
            exhausted_at: (!is_missed).then(|| at(3_600)),
        },
    };
    NotificationKind::ErrorBudgetUsed {
        is_missed,
        objectives: vec![
            of(ObjectiveSubject::Monitor(MonitorId(7)), "shop"),
            of(ObjectiveSubject::Group("web".into()), "web"),
        ],
    }
}

#[test]
fn programs_get_the_figures_of_error_budgets() {
    let bodies = [false, true].map(|is_missed| {
        let incident = Incident {
            kind: used_budgets(is_missed),
            ..incident(0, Some(at(0)))
        };
        of(WebhookFormat::Standard, &incident, IncidentChange::Opened)
    });
    let shown: Vec<String> = bodies
        .iter()
        .flat_map(|body| body["data"]["objectives"].as_array().unwrap())
        .map(Value::to_string)
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    {"allowed_ms":2592000,"exhausted_at":"2023-11-14T23:13:20Z","group":null,"left_ms":1152000,"monitor":7,"name":"shop","objective":99.9,"used_ms":1440000,"window_days":30}
    {"allowed_ms":2592000,"exhausted_at":"2023-11-14T23:13:20Z","group":"web","left_ms":1152000,"monitor":null,"name":"web","objective":99.9,"used_ms":1440000,"window_days":30}
    {"allowed_ms":2592000,"exhausted_at":null,"group":null,"left_ms":0,"monitor":7,"name":"shop","objective":99.9,"used_ms":3060000,"window_days":30}
    {"allowed_ms":2592000,"exhausted_at":null,"group":"web","left_ms":0,"monitor":null,"name":"web","objective":99.9,"used_ms":3060000,"window_days":30}
    "#);
    let other = of(
        WebhookFormat::Standard,
        &incident(1, None),
        IncidentChange::Opened,
    );
    assert_eq!(other["data"].get("objectives"), None);
}

fn bulk(is_down: bool) -> NotificationKind {
    NotificationKind::Bulk {
        is_down,
        count: 9,
        of: 10,
        window: Duration::from_secs(60),
    }
}

#[test]
fn the_change_depends_on_what_was_delivered() {
    use IncidentChange::{Opened, Resolved, Updated};
    use NotificationKind::Incident as Outages;
    for (kind, ended, was_notified, change) in [
        (Outages, None, false, Opened),
        (Outages, None, true, Updated),
        (Outages, Some(at(5)), true, Resolved),
        (Outages, Some(at(5)), false, Resolved),
        (bulk(true), Some(at(5)), false, Opened),
        (bulk(true), Some(at(5)), true, Updated),
        (connectivity(None), Some(at(5)), false, Opened),
        (connectivity(Some(at(9))), Some(at(5)), true, Resolved),
    ] {
        let incident = Incident {
            kind,
            ..incident(1, ended)
        };
        assert_eq!(IncidentChange::of(&incident, was_notified), change);
    }
}

#[test]
fn each_kind_of_notification_has_its_type() {
    use IncidentChange::{Opened, Resolved, Updated};
    use NotificationKind::Incident as Outages;
    let broken = NotificationKind::ChannelBroken {
        channel: ChannelId(5),
        reason: "deleted".into(),
    };
    let disabled = NotificationKind::WebhookBroken {
        name: "pager".into(),
        reason: "it answered 410".into(),
    };
    let reminder = NotificationKind::Reminder {
        of: IncidentId(1),
        responder: None,
    };
    for (kind, change, expected) in [
        (Outages, Opened, "incident.opened"),
        (Outages, Updated, "incident.updated"),
        (Outages, Resolved, "incident.resolved"),
        (bulk(true), Opened, "bulk.offline"),
        (bulk(true), Updated, "bulk.offline"),
        (bulk(false), Opened, "bulk.recovered"),
        (connectivity(None), Opened, "connectivity.lost"),
        (connectivity(Some(at(9))), Resolved, "connectivity.restored"),
        (expiring(), Opened, "certificate.expiring"),
        (used_budgets(false), Opened, "objective.at_risk"),
        (used_budgets(true), Opened, "objective.missed"),
        (broken, Opened, "destination.broken"),
        (disabled, Opened, "destination.broken"),
        (reminder, Opened, "incident.opened"),
    ] {
        let incident = Incident {
            kind,
            ..incident(1, (change == Resolved).then_some(at(9)))
        };
        let body = of(WebhookFormat::Standard, &incident, change);
        assert_eq!(body["type"], expected);
        let known: Result<EventType, _> = expected.parse();
        assert!(known.is_ok(), "{expected}");
    }
    let test = of_test(&webhook(WebhookFormat::Standard), at(60)).unwrap();
    assert_eq!(test["type"], "test");
}

/// The texts of a message's blocks, as Slack shows them.
fn shown_by_slack(body: &Value) -> String {
    let blocks = body["blocks"].as_array().unwrap().iter();
    let texts = blocks.map(|block| match block["type"].as_str().unwrap() {
        "context" => &block["elements"][0]["text"],
        _ => &block["text"]["text"],
    });
    let texts: Vec<&str> = texts.map(|text| text.as_str().unwrap()).collect();
    texts.join("\n")
}

#[test]
fn slack_and_mattermost_show_each_fact_once() {
    let mut incident = incident(1, None);
    incident.outages[0].name = Some("shop".into());
    let body = of(WebhookFormat::Slack, &incident, IncidentChange::Opened);
    let text = body["text"].as_str().unwrap();
    for shown in [text, &shown_by_slack(&body)] {
        for fact in [
            "shop is offline",
            "`https://shop.example.org/`",
            "went offline at 2023-11-14 22:13 UTC",
            "connection refused",
            "|Open in Discord>",
        ] {
            assert_eq!(shown.matches(fact).count(), 1, "{fact} in {shown}");
        }
    }
}

#[test]
fn later_messages_for_people_name_only_who_joined_or_left() {
    let mut current = current(&incident(3, None), true, None);
    current.changes.outages.truncate(1);
    current.changes.count = 1;
    let mut texts = Vec::new();
    for format in [WebhookFormat::Slack, WebhookFormat::Template] {
        let body = of_incident(&webhook(format), &current, at(99)).unwrap();
        texts.push(serde_json::to_string_pretty(&body).unwrap());
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    {
      "blocks": [
        {
          "text": {
            "emoji": false,
            "text": "🔴 3 monitors are offline",
            "type": "plain_text"
          },
          "type": "header"
        },
        {
          "text": {
            "text": "🔴 &lt;!here&gt; &amp; *shop* 0 `https://shop.example.org/` went offline at 2023-11-14 22:13 UTC: connection refused (while connecting)",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "elements": [
            {
              "text": "<https://discord.com/channels/18446744073709551615|Open in Discord>",
              "type": "mrkdwn"
            }
          ],
          "type": "context"
        }
      ],
      "text": "🔴 3 monitors are offline\n🔴 &lt;!here&gt; &amp; *shop* 0 `https://shop.example.org/` went offline at 2023-11-14 22:13 UTC: connection refused (while connecting)\n<https://discord.com/channels/18446744073709551615|Open in Discord>"
    }
    {
      "click": "https://discord.com/channels/18446744073709551615",
      "message": "🔴 <!here> & *shop* 0 https://shop.example.org/ went offline at 2023-11-14 22:13 UTC: connection refused (while connecting)",
      "title": "🔴 3 monitors are offline",
      "topic": "alerts"
    }
    "#);
}

#[test]
fn a_message_without_lines_has_no_empty_text() {
    let mut current = current(&incident(2, Some(at(90))), true, None);
    current.changes = Changes::default();
    let slack = of_incident(&webhook(WebhookFormat::Slack), &current, at(99)).unwrap();
    let types: Vec<&Value> = slack["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["type"])
        .collect();
    assert_eq!(types, ["header", "context"]);
    let template = of_incident(&webhook(WebhookFormat::Template), &current, at(99)).unwrap();
    assert_eq!(template["message"], template["title"]);
}
