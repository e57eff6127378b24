//! Servers: their agents report, and programs read how they stand.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::auth::{Caller, Peer};
use super::body::Fields;
use super::device::answer;
use super::problem::Problem;
use crate::actions;
use crate::actions::manage_server::{self, Edit, Standing};
use crate::domain::key::KeyKind::{Admin, Read, Server as ServerKey};
use crate::domain::monitor::{MonitorId, Refusal, parse_name};
use crate::domain::text;
use crate::domain::threshold::Thresholds;
use crate::http::Desk;
use crate::store::server;

/// Free-form metrics in one report.
const METRICS: usize = 100;

/// What an agent reports. Each figure is a number, or an object of numbers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stats {
    /// For agents that cannot send headers.
    server_key: Option<String>,
    cpu: Option<Value>,
    memory: Option<Value>,
    disk: Option<Value>,
    load: Option<Value>,
    network: Option<Value>,
    uptime: Option<Value>,
    agent_version: Option<String>,
    /// The agent's own clock: kept as a hint, never gone by.
    timestamp: Option<Value>,
    metrics: Option<Map<String, Value>>,
}

/// `POST /server-stats`, with a server's own key, in the header or in the body.
pub(super) async fn report(
    State(desk): State<Desk>,
    peer: Peer,
    in_header: Option<Caller>,
    Fields(stats): Fields<Stats>,
) -> Result<Response, Problem> {
    let caller = match (in_header, &stats.server_key) {
        (Some(caller), _) => caller,
        (None, key) => Caller::with_key(&desk, peer, key.as_deref().unwrap_or_default()).await?,
    };
    caller.must_be(&[ServerKey])?;
    let id = caller.0.monitor_id.ok_or_else(Problem::not_found)?;
    desk.pace.take(id.0.unsigned_abs())?;
    let kept = kept(stats)?;
    manage_server::report(&desk.store, id, kept.to_string(), desk.clock.now()).await?;
    Ok(answer(
        StatusCode::OK,
        &json!({ "id": id.0, "status": "online" }),
    ))
}

/// `GET /servers`, with a read or an admin key.
pub(super) async fn list(State(desk): State<Desk>, caller: Caller) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin])?;
    let (reader, now) = (&desk.store.reader, desk.clock.now());
    let mut shown = Vec::new();
    for server in server::list(reader, Some(caller.0.guild_id)).await? {
        let standing = manage_server::judged(reader, server, (desk.thresholds, now)).await?;
        shown.push(facts(&standing));
    }
    Ok(answer(StatusCode::OK, &json!({ "servers": shown })))
}

/// `GET /servers/{id}/status`, with a read or an admin key, or the server's own.
pub(super) async fn status(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin, ServerKey])?;
    let id = MonitorId(id.parse().map_err(|_| Problem::not_found())?);
    if caller.0.kind == ServerKey && caller.0.monitor_id != Some(id) {
        return Err(Problem::not_found());
    }
    let at = (desk.thresholds, desk.clock.now());
    let standing = manage_server::standing(&desk.store.reader, caller.asker(), id, at).await?;
    Ok(answer(StatusCode::OK, &facts(&standing)))
}

/// What is to be changed of a server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    name: Option<String>,
    active: Option<bool>,
    /// In minutes; `null`: the settings'.
    #[serde(default, deserialize_with = "super::body::given")]
    thresholds: Option<Option<ThresholdMinutes>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdMinutes {
    online: u64,
    warning: u64,
    offline: u64,
}

/// `PATCH /servers/{id}`, with an admin key.
pub(super) async fn edit(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<String>,
    Fields(change): Fields<Change>,
) -> Result<Response, Problem> {
    caller.must_be(&[Admin])?;
    let id = MonitorId(id.parse().map_err(|_| Problem::not_found())?);
    let wrong = |error: Refusal| actions::Error::Invalid(error.to_string());
    let minutes = |minutes: u64| Duration::from_secs(minutes.saturating_mul(60));
    let lengths = |own: ThresholdMinutes| {
        Thresholds::new(
            minutes(own.online),
            minutes(own.warning),
            minutes(own.offline),
        )
    };
    let edit = Edit {
        name: change
            .name
            .map(|name| parse_name(&name))
            .transpose()
            .map_err(wrong)?,
        is_active: change.active,
        thresholds: change
            .thresholds
            .map(|own| own.map(lengths).transpose())
            .transpose()
            .map_err(wrong)?,
    };
    let now = desk.clock.now();
    manage_server::edit(&desk.store, caller.asker(), id, edit, now).await?;
    let at = (desk.thresholds, now);
    let standing = manage_server::standing(&desk.store.reader, caller.asker(), id, at).await?;
    Ok(answer(StatusCode::OK, &facts(&standing)))
}

/// What is stored of a report: what was said, without the key.
fn kept(stats: Stats) -> Result<Value, Problem> {
    if stats
        .metrics
        .as_ref()
        .is_some_and(|metrics| metrics.len() > METRICS)
    {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("`metrics` may have {METRICS} entries at most"),
        ));
    }
    let figures = [
        ("cpu", stats.cpu),
        ("memory", stats.memory),
        ("disk", stats.disk),
        ("load", stats.load),
        ("network", stats.network),
        ("uptime", stats.uptime),
        ("metrics", stats.metrics.map(Value::Object)),
    ];
    let mut kept = Map::new();
    for (name, figure) in figures {
        let Some(figure) = figure else { continue };
        if !is_of_numbers(&figure) {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!(
                    "`{name}` must be a number, or an object or list of numbers; a right one is `\"{name}\": 12.5`"
                ),
            ));
        }
        kept.insert(name.to_owned(), figure);
    }
    if let Some(version) = stats.agent_version {
        kept.insert("agent_version".to_owned(), json!(version));
    }
    if let Some(hint) = stats.timestamp {
        kept.insert("agent_timestamp".to_owned(), hint);
    }
    Ok(Value::Object(kept))
}

fn is_of_numbers(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(values) => values.iter().all(is_of_numbers),
        Value::Object(fields) => fields.values().all(is_of_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn facts(standing: &Standing) -> Value {
    let (server, judgement) = (&standing.server, &standing.judgement);
    let minutes_ago = judgement
        .elapsed
        .map(|elapsed| (elapsed.as_secs_f64() / 6.0).round() / 10.0);
    json!({
        "id": server.id.0, "name": server.name, "is_active": server.is_active,
        "status": judgement.status.word(), "last_seen": server.last_seen_at.map(text::timestamp),
        "minutes_ago": minutes_ago, "reason": judgement.reason, "threshold_used": judgement.used.word(),
        "should_alert": standing.should_alert, "expected_interval": standing.expected_interval.as_secs(),
        "since": text::timestamp(server.since),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Stats {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn figures_are_kept_as_they_were_said_and_the_key_is_not() {
        let stats = read(
            r#"{"server_key":"canary","cpu":12.5,"memory":{"used":1,"total":2},"load":[0.1,0.2,0.3],
                "agent_version":"1.0","timestamp":1769860800,"metrics":{"queue":3}}"#,
        );
        let kept = kept(stats).unwrap();
        assert_eq!(kept["memory"]["total"], 2);
        assert_eq!(kept["agent_timestamp"], 1_769_860_800);
        assert!(!kept.to_string().contains("canary"));
    }

    #[test]
    fn figures_that_are_none_and_too_many_are_refused_by_name() {
        for (text, name) in [
            (r#"{"cpu":"high"}"#, "`cpu`"),
            (r#"{"disk":{"root":null}}"#, "`disk`"),
            (r#"{"metrics":{"a":true}}"#, "`metrics`"),
        ] {
            let problem = kept(read(text)).unwrap_err();
            assert!(format!("{problem:?}").contains(name), "{problem:?}");
        }
        let many: Map<String, Value> = (0..101).map(|n| (n.to_string(), json!(n))).collect();
        let stats = Stats {
            metrics: Some(many),
            ..read("{}")
        };
        assert!(kept(stats).is_err());
    }
}
