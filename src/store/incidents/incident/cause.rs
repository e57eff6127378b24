//! Probable causes of incidents, and their stored form (JSON).

use serde_json::{Value, json};

use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::incidents::cause::Cause;
use crate::domain::incidents::grouping::{GroupScope, IncidentId};
use crate::store::{StoreError, Tx};

/// Sets the probable cause of an open incident. With `notify`, its messages are updated.
pub async fn judged(
    tx: &mut Tx<'_>,
    id: IncidentId,
    cause: Option<&Cause>,
    notify: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET cause = $2, revision = revision + $3 WHERE id = $1 AND ended_at IS NULL",
    )
    .bind(id.0)
    .bind(cause.map(to_row))
    .bind(i64::from(notify))
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event |= notify;
    Ok(())
}

fn to_row(cause: &Cause) -> String {
    let details = match cause {
        Cause::Service(class) => json!({ "is": "service", "class": class.as_str() }),
        Cause::Dns => json!({ "is": "dns" }),
        Cause::Port { other, at } => json!({ "is": "port", "other": other, "at": at.millis() }),
        Cause::NetworkPath { agent, at } => {
            json!({ "is": "network_path", "agent": agent, "at": at.millis() })
        }
        Cause::Host { down } => json!({ "is": "host", "down": down }),
        Cause::Network { subnet, down } => {
            let scope = GroupScope::Subnet(*subnet).to_string();
            json!({ "is": "network", "subnet": scope, "down": down })
        }
    };
    details.to_string()
}

/// Reads a stored cause. An unreadable one counts as none, because a cause is only a hint.
pub(super) fn from_row(text: &str) -> Option<Cause> {
    let details: Value = serde_json::from_str(text).ok()?;
    let at = || details["at"].as_i64().map(Timestamp::from_millis);
    let down = || details["down"].as_u64();
    match details["is"].as_str()? {
        "service" => details["class"]
            .as_str()?
            .parse::<FailureClass>()
            .ok()
            .map(Cause::Service),
        "dns" => Some(Cause::Dns),
        "port" => Some(Cause::Port {
            other: u16::try_from(details["other"].as_u64()?).ok()?,
            at: at()?,
        }),
        "network_path" => Some(Cause::NetworkPath {
            agent: details["agent"].as_str()?.to_owned(),
            at: at()?,
        }),
        "host" => Some(Cause::Host { down: down()? }),
        "network" => match GroupScope::parse(details["subnet"].as_str()?) {
            GroupScope::Subnet(subnet) => Some(Cause::Network {
                subnet,
                down: down()?,
            }),
            GroupScope::Host(_) | GroupScope::TwoHosts(..) | GroupScope::Nothing => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incidents::grouping::Subnet;

    #[test]
    fn every_cause_reads_back() {
        let at = Timestamp::from_millis(7);
        for cause in [
            Cause::Service(FailureClass::Refused),
            Cause::Dns,
            Cause::Port { other: 22, at },
            Cause::NetworkPath {
                agent: "db \"1\"".into(),
                at,
            },
            Cause::Host { down: 2 },
            Cause::Network {
                subnet: Subnet::of("2001:db8::7".parse().unwrap()),
                down: 14,
            },
        ] {
            assert_eq!(from_row(&to_row(&cause)), Some(cause));
        }
        for nonsense in ["", "{}", r#"{"is":"port","other":99999,"at":1}"#] {
            assert_eq!(from_row(nonsense), None, "{nonsense}");
        }
    }
}
