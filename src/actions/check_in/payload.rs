//! What a device says besides being alive, kept: its name, its state, lines for its log, how its job goes.

use serde_json::{Map, Value};

use super::Payload;
use crate::domain::Timestamp;
use crate::domain::monitor::{MonitorId, Refusal};
use crate::domain::ping::{Ping, Signal};
use crate::store::device_log::{self, NewLine};
use crate::store::{StoreError, Tx, device, device_state};

/// Bytes of a state, as JSON.
const LONGEST_STATE: usize = 64 * 1024;

/// Keeps what was said; answers why not, where it cannot be kept.
pub(super) async fn keep(
    tx: &mut Tx<'_>,
    id: MonitorId,
    payload: &Payload,
    now: Timestamp,
) -> Result<Option<Refusal>, StoreError> {
    match payload {
        Payload::Nothing => {}
        Payload::Registration(payload) => {
            let (name, kind) = (payload.name.as_deref(), payload.device_type.as_deref());
            device::describe(tx, id, name, kind).await?;
        }
        Payload::State(changes) => return report(tx, id, changes, now).await,
        Payload::Lines(lines) => device_log::append(tx, id, lines, now).await?,
        Payload::Ping(ping) => pinged(tx, id, ping, now).await?,
    }
    Ok(None)
}

async fn report(
    tx: &mut Tx<'_>,
    id: MonitorId,
    changes: &Map<String, Value>,
    now: Timestamp,
) -> Result<Option<Refusal>, StoreError> {
    let stored = device_state::current(tx, id).await?;
    // What cannot be read any more is lost; an error here would be one for everybody whose call is in the same batch.
    let mut state = match stored.as_deref().map(serde_json::from_str) {
        Some(Ok(Value::Object(state))) => state,
        _ => Map::new(),
    };
    merge(&mut state, changes);
    let state = Value::Object(state).to_string();
    if state.len() > LONGEST_STATE {
        return Ok(Some(Refusal::new(
            "the whole state may have 64 KiB at most; take what is not needed out with `\"name\": null`",
        )));
    }
    device_state::report(tx, id, &state, now).await?;
    Ok(None)
}

/// A JSON merge patch (RFC 7396): `null` takes out, objects are merged, everything else replaces.
pub(super) fn merge(state: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match change {
            Value::Null => {
                state.remove(name);
            }
            Value::Object(inner) => {
                let place = state.entry(name.clone()).or_insert(Value::Null);
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                if let Value::Object(place) = place {
                    merge(place, inner);
                }
            }
            change => {
                state.insert(name.clone(), change.clone());
            }
        }
    }
}

/// The time that a job took is measured from its beginning, unless the job says it itself.
async fn pinged(
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
        kind: ping.signal.word(),
        level: None,
        device_time: None,
        message: ping.message.clone(),
        run_time,
    };
    device_log::append(tx, id, &[line], now).await
}
