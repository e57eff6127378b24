//! Notification kinds in their stored form: a name, and details as JSON.

use std::time::Duration;

use serde_json::{Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::discord_id::{ChannelId, RoleId, UserId};
use crate::domain::endpoints::connectivity::Loss;
use crate::domain::event::Actor;
use crate::domain::history::objective::budget::ErrorBudget;
use crate::domain::history::objective::{
    Objective, ObjectivePercent, ObjectiveSubject, ObjectiveWindow,
};
use crate::domain::history::range::HistoryRange;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::notification_kind::{
    ExpiringCertificate, NotificationKind, UsedBudget,
};
use crate::domain::{Timestamp, millis};
use crate::store::StoreError;

/// Name and details of a kind.
pub(super) fn to_row(kind: &NotificationKind) -> (&'static str, Option<String>) {
    let details = match kind {
        NotificationKind::Incident => return (StoredKind::from(kind).as_str(), None),
        NotificationKind::WebhookBroken { name, reason } => {
            json!({ "name": name, "reason": reason })
        }
        NotificationKind::ChannelBroken { channel, reason } => {
            json!({ "channel": channel.to_string(), "reason": reason })
        }
        NotificationKind::DiscordRefused { reason } => json!({ "reason": reason }),
        NotificationKind::Reminder { of, responder } => match responder {
            None => json!({ "incident": of.0 }),
            // As text, because these ids exceed the range of JSON numbers in some readers.
            Some(Responder::Role(id)) => json!({ "incident": of.0, "role": id.to_string() }),
            Some(Responder::User(id)) => json!({ "incident": of.0, "user": id.to_string() }),
        },
        NotificationKind::Joined { of, unacknowledged } => json!({
            "incident": of.0, "unacknowledged": unacknowledged.map(acknowledger_to_row),
        }),
        NotificationKind::ConnectivityLost {
            loss,
            failing,
            began,
            ended,
        } => json!({
            "loss": loss.as_str(), "failing": failing, "began": began.millis(), "ended": ended.map(Timestamp::millis),
        }),
        NotificationKind::Bulk {
            count, of, window, ..
        } => json!({ "count": count, "of": of, "window_ms": millis(*window) }),
        NotificationKind::StorageLimitReached { kind } => json!({ "kind": kind.as_str() }),
        NotificationKind::CertificateExpiring {
            days,
            count,
            certificates,
        } => json!({
            "days": days, "count": count, "certificates": certificates.iter().map(certificate_to_row).collect::<Vec<_>>(),
        }),
        NotificationKind::ErrorBudgetUsed { objectives, .. } => {
            json!({ "objectives": objectives.iter().map(budget_to_row).collect::<Vec<_>>() })
        }
        NotificationKind::Summary {
            covers,
            outdated_at,
        } => json!({
            "from": covers.from.millis(), "to": covers.to.millis(), "outdated": outdated_at.millis(),
        }),
    };
    (StoredKind::from(kind).as_str(), Some(details.to_string()))
}

fn budget_to_row(used: &UsedBudget) -> Value {
    let (monitor, group) = match &used.subject {
        ObjectiveSubject::Monitor(id) => (Some(id.0), None),
        ObjectiveSubject::Group(name) => (None, Some(name)),
    };
    json!({
        "monitor": monitor, "group": group, "name": used.name,
        "milli_percent": used.objective.percent.thousandths(), "window_days": used.objective.window.days(),
        "used_ms": millis(used.budget.used), "exhausted": used.budget.exhausted_at.map(Timestamp::millis),
    })
}

fn used_from_row(details: &Value, is_missed: bool) -> Option<NotificationKind> {
    let objectives = details["objectives"].as_array()?.iter();
    Some(NotificationKind::ErrorBudgetUsed {
        is_missed,
        objectives: objectives.map(budget_from_row).collect::<Option<_>>()?,
    })
}

fn budget_from_row(row: &Value) -> Option<UsedBudget> {
    let monitor = row["monitor"].as_i64().map(MonitorId);
    let group = row["group"].as_str().map(str::to_owned);
    let percent = u32::try_from(row["milli_percent"].as_u64()?).ok()?;
    let days = u16::try_from(row["window_days"].as_u64()?).ok()?;
    let objective = Objective {
        percent: ObjectivePercent::from_thousandths(percent)?,
        window: ObjectiveWindow::from_days(days)?,
    };
    Some(UsedBudget {
        subject: monitor
            .map(ObjectiveSubject::Monitor)
            .or(group.map(ObjectiveSubject::Group))?,
        name: row["name"].as_str()?.to_owned(),
        objective,
        budget: ErrorBudget {
            allowed: objective.allowed(),
            used: Duration::from_millis(row["used_ms"].as_u64()?),
            exhausted_at: row["exhausted"].as_i64().map(Timestamp::from_millis),
        },
    })
}

fn summary_from_row(details: &Value) -> Option<NotificationKind> {
    let at = |name: &str| details[name].as_i64().map(Timestamp::from_millis);
    Some(NotificationKind::Summary {
        covers: HistoryRange {
            from: at("from")?,
            to: at("to")?,
        },
        outdated_at: at("outdated")?,
    })
}

fn certificate_to_row(certificate: &ExpiringCertificate) -> Value {
    json!({ "name": certificate.name, "host": certificate.host, "expires": certificate.expires_at.millis() })
}

fn expiring_from_row(details: &Value) -> Option<NotificationKind> {
    let certificates = details["certificates"].as_array()?.iter();
    Some(NotificationKind::CertificateExpiring {
        days: u32::try_from(details["days"].as_u64()?).ok()?,
        count: details["count"].as_u64()?,
        certificates: certificates
            .map(certificate_from_row)
            .collect::<Option<_>>()?,
    })
}

fn certificate_from_row(row: &Value) -> Option<ExpiringCertificate> {
    Some(ExpiringCertificate {
        name: row["name"].as_str()?.to_owned(),
        host: row["host"].as_str().map(str::to_owned),
        expires_at: Timestamp::from_millis(row["expires"].as_i64()?),
    })
}

/// A user is stored as the bare id, because the first rows were written when only members acknowledged.
fn acknowledger_to_row(actor: Actor) -> String {
    match actor {
        Actor::Member(user) => user.to_string(),
        Actor::Key(_) | Actor::CommandLine | Actor::System => actor.to_string(),
    }
}

/// The kind of a notification as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(super) enum StoredKind {
    Incident,
    WebhookBroken,
    ChannelBroken,
    DiscordRefused,
    Reminder,
    Joined,
    ConnectivityLost,
    BulkOffline,
    BulkRecovered,
    StorageLimitReached,
    CertificateExpiring,
    ObjectiveAtRisk,
    ObjectiveMissed,
    Summary,
}

impl StoredKind {
    pub(super) const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

impl From<&NotificationKind> for StoredKind {
    fn from(kind: &NotificationKind) -> Self {
        match kind {
            NotificationKind::Incident => Self::Incident,
            NotificationKind::WebhookBroken { .. } => Self::WebhookBroken,
            NotificationKind::ChannelBroken { .. } => Self::ChannelBroken,
            NotificationKind::DiscordRefused { .. } => Self::DiscordRefused,
            NotificationKind::Reminder { .. } => Self::Reminder,
            NotificationKind::Joined { .. } => Self::Joined,
            NotificationKind::ConnectivityLost { .. } => Self::ConnectivityLost,
            NotificationKind::Bulk { is_down: true, .. } => Self::BulkOffline,
            NotificationKind::Bulk { is_down: false, .. } => Self::BulkRecovered,
            NotificationKind::StorageLimitReached { .. } => Self::StorageLimitReached,
            NotificationKind::CertificateExpiring { .. } => Self::CertificateExpiring,
            NotificationKind::ErrorBudgetUsed {
                is_missed: true, ..
            } => Self::ObjectiveMissed,
            NotificationKind::ErrorBudgetUsed { .. } => Self::ObjectiveAtRisk,
            NotificationKind::Summary { .. } => Self::Summary,
        }
    }
}

pub(super) fn from_row(
    stored: &str,
    details: Option<&str>,
) -> Result<NotificationKind, StoreError> {
    let damaged = || StoreError::Damaged(format!("the details of a notification about {stored}"));
    let details: Value = serde_json::from_str(details.unwrap_or("null")).map_err(|_| damaged())?;
    let text = |name: &str| {
        details[name]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(damaged)
    };
    let number = |name: &str| details[name].as_u64().ok_or_else(damaged);
    let id = |name: &str| details[name].as_str()?.parse::<u64>().ok();
    match stored.parse().map_err(|_| damaged())? {
        StoredKind::Incident => Ok(NotificationKind::Incident),
        StoredKind::WebhookBroken => Ok(NotificationKind::WebhookBroken {
            name: text("name")?,
            reason: text("reason")?,
        }),
        StoredKind::ChannelBroken => Ok(NotificationKind::ChannelBroken {
            channel: id("channel").map(ChannelId).ok_or_else(damaged)?,
            reason: text("reason")?,
        }),
        StoredKind::DiscordRefused => Ok(NotificationKind::DiscordRefused {
            reason: text("reason")?,
        }),
        StoredKind::Reminder => Ok(NotificationKind::Reminder {
            of: IncidentId(details["incident"].as_i64().ok_or_else(damaged)?),
            responder: id("role")
                .map(|role| Responder::Role(RoleId(role)))
                .or(id("user").map(|user| Responder::User(UserId(user)))),
        }),
        StoredKind::Joined => Ok(NotificationKind::Joined {
            of: IncidentId(details["incident"].as_i64().ok_or_else(damaged)?),
            unacknowledged: id("unacknowledged")
                .map(|user| Actor::Member(UserId(user)))
                .or_else(|| Actor::parse(details["unacknowledged"].as_str()?)),
        }),
        StoredKind::ConnectivityLost => Ok(NotificationKind::ConnectivityLost {
            // Older rows have no such field; they are about the network.
            loss: text("loss").map_or(Ok(Loss::Network), |loss| {
                loss.parse().map_err(|_| damaged())
            })?,
            failing: number("failing")?,
            began: Timestamp::from_millis(details["began"].as_i64().ok_or_else(damaged)?),
            ended: details["ended"].as_i64().map(Timestamp::from_millis),
        }),
        StoredKind::StorageLimitReached => Ok(NotificationKind::StorageLimitReached {
            kind: text("kind")?.parse().map_err(|_| damaged())?,
        }),
        StoredKind::Summary => summary_from_row(&details).ok_or_else(damaged),
        StoredKind::CertificateExpiring => expiring_from_row(&details).ok_or_else(damaged),
        StoredKind::ObjectiveAtRisk => used_from_row(&details, false).ok_or_else(damaged),
        StoredKind::ObjectiveMissed => used_from_row(&details, true).ok_or_else(damaged),
        direction @ (StoredKind::BulkOffline | StoredKind::BulkRecovered) => {
            Ok(NotificationKind::Bulk {
                is_down: direction == StoredKind::BulkOffline,
                count: number("count")?,
                of: number("of")?,
                window: Duration::from_millis(number("window_ms")?),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::KeyId;
    use crate::domain::notifications::storage_limit::UsageKind;

    fn expiring() -> NotificationKind {
        let hosts = [None, Some("login.example.org".to_owned())];
        let certificates = hosts.map(|host| ExpiringCertificate {
            name: "shop".into(),
            host,
            expires_at: Timestamp::from_millis(7),
        });
        NotificationKind::CertificateExpiring {
            days: 14,
            count: 12,
            certificates: certificates.into(),
        }
    }

    fn summary() -> NotificationKind {
        NotificationKind::Summary {
            covers: HistoryRange {
                from: Timestamp::from_millis(-1),
                to: Timestamp::from_millis(7),
            },
            outdated_at: Timestamp::from_millis(9),
        }
    }

    fn used(is_missed: bool) -> NotificationKind {
        let of = |subject, exhausted_at| {
            let objective = Objective {
                percent: ObjectivePercent::from_thousandths(99_999).unwrap(),
                window: ObjectiveWindow::from_days(1).unwrap(),
            };
            UsedBudget {
                subject,
                name: "shop".into(),
                objective,
                budget: ErrorBudget {
                    allowed: objective.allowed(),
                    used: Duration::from_millis(700),
                    exhausted_at,
                },
            }
        };
        let at = Some(Timestamp::from_millis(7));
        NotificationKind::ErrorBudgetUsed {
            is_missed,
            objectives: vec![
                of(ObjectiveSubject::Monitor(MonitorId(i64::MAX)), at),
                of(ObjectiveSubject::Group("web".into()), None),
            ],
        }
    }

    #[test]
    fn every_notification_kind_reads_back() {
        let reminder = |responder| NotificationKind::Reminder {
            of: IncidentId(i64::MAX),
            responder,
        };
        let joined = |unacknowledged| NotificationKind::Joined {
            of: IncidentId(i64::MAX),
            unacknowledged,
        };
        let lost = |ended| NotificationKind::ConnectivityLost {
            loss: Loss::NameResolution,
            failing: 12,
            began: Timestamp::from_millis(7),
            ended,
        };
        let bulk = |is_down| NotificationKind::Bulk {
            is_down,
            count: 14,
            of: 16,
            window: Duration::from_millis(1_500),
        };
        for kind in [
            NotificationKind::Incident,
            NotificationKind::WebhookBroken {
                name: "pager".into(),
                reason: "it \"answered\" 410".into(),
            },
            NotificationKind::ChannelBroken {
                channel: ChannelId(u64::MAX),
                reason: "gone".into(),
            },
            NotificationKind::DiscordRefused {
                reason: "the token".into(),
            },
            reminder(None),
            reminder(Some(Responder::Role(RoleId(u64::MAX)))),
            reminder(Some(Responder::User(UserId(u64::MAX)))),
            joined(None),
            joined(Some(Actor::Member(UserId(u64::MAX)))),
            joined(KeyId::parse("0123456789ab").map(Actor::Key)),
            lost(None),
            lost(Some(Timestamp::from_millis(9))),
            bulk(true),
            bulk(false),
            NotificationKind::StorageLimitReached {
                kind: UsageKind::DeviceLogs,
            },
            expiring(),
            used(false),
            used(true),
            summary(),
        ] {
            let (stored, details) = to_row(&kind);
            assert_eq!(from_row(stored, details.as_deref()).unwrap(), kind);
        }
        assert!(from_row("incident", Some("{")).is_err());
        assert!(from_row("weather", None).is_err());
    }

    #[test]
    fn an_acknowledgment_that_was_taken_back_is_stored_as_a_user_or_a_key() {
        let key = KeyId::parse("0123456789ab").map(Actor::Key);
        for (unacknowledged, stored) in [
            (None, r#"{"incident":1,"unacknowledged":null}"#),
            (
                Some(Actor::Member(UserId(7))),
                r#"{"incident":1,"unacknowledged":"7"}"#,
            ),
            (key, r#"{"incident":1,"unacknowledged":"key:0123456789ab"}"#),
        ] {
            let kind = NotificationKind::Joined {
                of: IncidentId(1),
                unacknowledged,
            };
            assert_eq!(to_row(&kind).1.as_deref(), Some(stored));
            assert_eq!(from_row("joined", Some(stored)).unwrap(), kind);
        }
    }

    #[test]
    fn stored_names_stay() {
        let names = StoredKind::VARIANTS.iter().map(|kind| kind.as_str());
        assert_eq!(
            names.collect::<Vec<_>>(),
            [
                "incident",
                "webhook_broken",
                "channel_broken",
                "discord_refused",
                "reminder",
                "joined",
                "connectivity_lost",
                "bulk_offline",
                "bulk_recovered",
                "storage_limit_reached",
                "certificate_expiring",
                "objective_at_risk",
                "objective_missed",
                "summary",
            ]
        );
    }
}
