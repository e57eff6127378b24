//! Stores the content of heartbeats: name, state, log lines and runs.

use serde_json::{Map, Value};

use super::Payload;
use crate::domain::Timestamp;
use crate::domain::devices::ping::{Ping, Signal};
use crate::domain::monitor::{MonitorId, ValidationError};
use crate::store::devices::device_log::{self, NewLine};
use crate::store::devices::{device, device_state};
use crate::store::{StoreError, Tx};

/// Largest state, in bytes of JSON.
const MAX_STATE: usize = 64 * 1024;

/// Stores a payload; returns the reason if it cannot be stored.
pub(super) async fn keep(
    tx: &mut Tx<'_>,
    id: MonitorId,
    payload: &Payload,
    now: Timestamp,
) -> Result<Option<ValidationError>, StoreError> {
    match payload {
        Payload::Nothing => {}
        Payload::Registration(payload) => {
            let (name, kind) = (payload.name.as_deref(), payload.device_type.as_deref());
            device::describe(tx, id, name, kind).await?;
        }
        Payload::State(changes) => return update_state(tx, id, changes, now).await,
        Payload::Lines(lines) => device_log::append(tx, id, lines, now).await?,
        Payload::Ping(ping) => record_ping(tx, id, ping, now).await?,
    }
    Ok(None)
}

async fn update_state(
    tx: &mut Tx<'_>,
    id: MonitorId,
    changes: &Map<String, Value>,
    now: Timestamp,
) -> Result<Option<ValidationError>, StoreError> {
    let stored = device_state::current(tx, id).await?;
    // An unreadable stored state is discarded: an error here would fail every heartbeat of the batch.
    let mut state = match stored.as_deref().map(serde_json::from_str) {
        Some(Ok(Value::Object(state))) => state,
        _ => Map::new(),
    };
    merge(&mut state, changes);
    let state = Value::Object(state).to_string();
    if state.len() > MAX_STATE {
        return Ok(Some(ValidationError::new(
            "the state is larger than 64 KiB. To remove an entry, send it as `\"name\": null`",
        )));
    }
    device_state::report(tx, id, &state, now).await?;
    Ok(None)
}

/// Applies a JSON merge patch (RFC 7396): `null` removes, objects are merged, everything else replaces.
pub(super) fn merge(state: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match change {
            Value::Null => {
                state.remove(name);
            }
            Value::Object(inner) => {
                let entry = state.entry(name.clone()).or_insert(Value::Null);
                if !entry.is_object() {
                    *entry = Value::Object(Map::new());
                }
                if let Value::Object(entry) = entry {
                    merge(entry, inner);
                }
            }
            change => {
                state.insert(name.clone(), change.clone());
            }
        }
    }
}

/// Logs a ping and tracks its run. The run time is measured from the start ping, unless the ping reports it.
async fn record_ping(
    tx: &mut Tx<'_>,
    id: MonitorId,
    ping: &Ping,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut run_time = ping.run_time;
    if ping.signal == Signal::Start {
        device_log::begin_run(tx, id, &ping.run, now).await?;
    } else if ping.signal.ends_run() {
        let began = device_log::end_run(tx, id, &ping.run).await?;
        run_time = run_time.or(began.map(|began| now.since(began)));
    }
    let line = NewLine {
        kind: ping.signal.as_str(),
        level: None,
        device_time: None,
        message: ping.message.clone(),
        run_time,
    };
    device_log::append(tx, id, &[line], now).await
}
