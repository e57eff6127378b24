//! Parses and builds the payloads that the relay needs. Dispatches are parsed only as far as necessary.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use serenity::all as serenity;

use crate::observer::JoinedGuild;
use crate::presence::Presence;

/// A payload from serenity, reduced to what the relay needs.
#[derive(Debug, PartialEq)]
pub(super) enum FromClient {
    /// Acknowledged by the relay, which sends its own heartbeats to the gateway.
    Heartbeat,
    Identify(Value),
    /// Requests the session with this id.
    Resume(String),
    /// Ignored, because the relay sends the presence itself.
    Presence,
    Other,
}

/// Parses a payload from serenity.
pub(super) fn from_client(text: &str) -> FromClient {
    let Ok(payload) = serde_json::from_str::<Value>(text) else {
        return FromClient::Other;
    };
    match payload["op"].as_u64() {
        Some(1) => FromClient::Heartbeat,
        Some(2) => FromClient::Identify(payload),
        Some(3) => FromClient::Presence,
        Some(6) => {
            let id = payload["d"]["session_id"].as_str();
            FromClient::Resume(id.unwrap_or_default().to_owned())
        }
        _ => FromClient::Other,
    }
}

/// The IDENTIFY to send: uncompressed, because the relay parses the payloads, and with the current presence.
pub(super) fn identify(mut payload: Value, presence: &Presence) -> String {
    payload["d"]["compress"] = json!(false);
    payload["d"]["presence"] = presence_data(presence);
    payload.to_string()
}

pub(super) fn presence_update(presence: &Presence) -> String {
    json!({ "op": 3, "d": presence_data(presence) }).to_string()
}

/// The presence data. serenity sends `since` as an object, which Discord rejects, so the relay builds it.
fn presence_data(presence: &Presence) -> Value {
    let watching = 3;
    json!({
        "since": null, "afk": false, "status": presence.status.as_str(),
        "activities": [{ "name": presence.text, "type": watching }],
    })
}

pub(super) fn heartbeat(sequence: Option<u64>) -> String {
    json!({ "op": 1, "d": sequence }).to_string()
}

/// The HELLO for serenity. The relay acknowledges serenity's heartbeats immediately, so the interval does not matter; this
/// is the one that Discord sends.
pub(super) fn hello() -> String {
    json!({ "op": 10, "d": { "heartbeat_interval": 41_250 } }).to_string()
}

pub(super) fn heartbeat_ack() -> String {
    json!({ "op": 11, "d": null }).to_string()
}

/// The INVALID_SESSION payload: the session cannot be resumed.
pub(super) fn invalid_session() -> String {
    json!({ "op": 9, "d": false }).to_string()
}

/// A payload from the gateway, reduced to what the relay needs.
#[derive(Debug, PartialEq)]
pub(super) enum FromGateway {
    Hello {
        heartbeat_interval_ms: u64,
    },
    HeartbeatAck,
    /// The gateway requests an immediate heartbeat.
    HeartbeatRequest,
    /// The gateway requests a new connection.
    Reconnect,
    InvalidSession {
        resumable: bool,
    },
    Dispatch {
        sequence: Option<u64>,
        event: Event,
    },
    Other,
}

/// A dispatch, reduced to what the relay needs.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    Ready {
        session: String,
        resume_url: Option<String>,
        guilds: HashSet<u64>,
    },
    /// A READY that serenity cannot parse; it would wait forever.
    BrokenReady,
    Resumed,
    JoinedGuild(JoinedGuild),
    LeftGuild(u64),
    /// A message or an interaction, which counts as activity.
    Activity,
    Other,
}

#[derive(Deserialize)]
struct Envelope<'text> {
    op: u64,
    #[serde(borrow)]
    d: Option<&'text RawValue>,
    s: Option<u64>,
    #[serde(borrow)]
    t: Option<Cow<'text, str>>,
}

/// Parses a payload from the gateway.
pub(super) fn from_gateway(text: &str) -> FromGateway {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else {
        return FromGateway::Other;
    };
    let data = || -> Value {
        let raw = envelope.d.map_or("null", RawValue::get);
        serde_json::from_str(raw).unwrap_or_default()
    };
    match envelope.op {
        0 => FromGateway::Dispatch {
            sequence: envelope.s,
            event: event(envelope.t.as_deref().unwrap_or_default(), data),
        },
        1 => FromGateway::HeartbeatRequest,
        7 => FromGateway::Reconnect,
        9 => FromGateway::InvalidSession {
            resumable: data().as_bool().unwrap_or(false),
        },
        10 => FromGateway::Hello {
            heartbeat_interval_ms: data()["heartbeat_interval"].as_u64().unwrap_or(41_250),
        },
        11 => FromGateway::HeartbeatAck,
        _ => FromGateway::Other,
    }
}

fn event(name: &str, data: impl FnOnce() -> Value) -> Event {
    let id = |data: Value| data["id"].as_str().and_then(|id| id.parse().ok());
    match name {
        "READY" => ready(data()),
        "RESUMED" => Event::Resumed,
        "INTERACTION_CREATE" | "MESSAGE_CREATE" => Event::Activity,
        "GUILD_CREATE" => {
            let data = data();
            let number = |name: &str| data[name].as_str().and_then(|id| id.parse().ok());
            let Some(guild) = number("id") else {
                return Event::Other;
            };
            Event::JoinedGuild(JoinedGuild {
                guild,
                name: data["name"].as_str().map(str::to_owned),
                system_channel: number("system_channel_id"),
            })
        }
        "GUILD_DELETE" => {
            let data = data();
            // During an outage of Discord the guild is unavailable, but the bot is still a member.
            let is_outage = data["unavailable"].as_bool().unwrap_or(false);
            match id(data) {
                Some(id) if !is_outage => Event::LeftGuild(id),
                _ => Event::Other,
            }
        }
        _ => Event::Other,
    }
}

fn ready(data: Value) -> Event {
    let resume_url = data["resume_gateway_url"].as_str().map(str::to_owned);
    match serde_json::from_value::<serenity::ReadyEvent>(data) {
        Ok(event) => Event::Ready {
            session: event.ready.session_id,
            resume_url,
            guilds: event
                .ready
                .guilds
                .iter()
                .map(|guild| guild.id.get())
                .collect(),
        },
        Err(_) => Event::BrokenReady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::OnlineStatus;

    fn presence() -> Presence {
        Presence {
            status: OnlineStatus::Idle,
            text: "1 of 2 online".into(),
        }
    }

    #[test]
    fn identify_is_sent_uncompressed_with_the_current_presence() {
        let FromClient::Identify(payload) = from_client(
            r#"{"op":2,"d":{"token":"t","compress":true,"intents":1,"presence":{"since":{"secs":1}}}}"#,
        ) else {
            panic!("not parsed as IDENTIFY");
        };
        let out: Value = serde_json::from_str(&identify(payload, &presence())).unwrap();
        assert_eq!(
            (
                &out["d"]["compress"],
                &out["d"]["token"],
                &out["d"]["intents"]
            ),
            (&json!(false), &json!("t"), &json!(1))
        );
        assert_eq!(
            out["d"]["presence"],
            json!({ "since": null, "afk": false, "status": "idle", "activities": [{ "name": "1 of 2 online", "type": 3 }] })
        );
    }

    #[test]
    fn payloads_from_serenity_are_classified() {
        for (text, kind) in [
            (r#"{"op":1,"d":7}"#, FromClient::Heartbeat),
            (r#"{"op":3,"d":{}}"#, FromClient::Presence),
            (
                r#"{"op":6,"d":{"session_id":"abc","seq":7}}"#,
                FromClient::Resume("abc".into()),
            ),
            (r#"{"op":8,"d":{}}"#, FromClient::Other),
            ("garbage", FromClient::Other),
        ] {
            assert_eq!(from_client(text), kind, "{text}");
        }
    }

    #[test]
    fn payloads_from_the_gateway_are_classified() {
        let dispatch = |sequence, event| FromGateway::Dispatch {
            sequence: Some(sequence),
            event,
        };
        for (text, kind) in [
            (
                r#"{"op":10,"d":{"heartbeat_interval":45000},"s":null,"t":null}"#,
                FromGateway::Hello {
                    heartbeat_interval_ms: 45_000,
                },
            ),
            (r#"{"op":11}"#, FromGateway::HeartbeatAck),
            (r#"{"op":1,"d":null}"#, FromGateway::HeartbeatRequest),
            (r#"{"op":7,"d":null}"#, FromGateway::Reconnect),
            (
                r#"{"op":9,"d":true}"#,
                FromGateway::InvalidSession { resumable: true },
            ),
            (
                r#"{"op":9,"d":false}"#,
                FromGateway::InvalidSession { resumable: false },
            ),
            (
                r#"{"op":0,"t":"RESUMED","s":7,"d":{}}"#,
                dispatch(7, Event::Resumed),
            ),
            (
                r#"{"op":0,"t":"READY","s":1,"d":{"v":10}}"#,
                dispatch(1, Event::BrokenReady),
            ),
            (
                r#"{"op":0,"t":"INTERACTION_CREATE","s":8,"d":{}}"#,
                dispatch(8, Event::Activity),
            ),
            (
                r#"{"op":0,"t":"GUILD_DELETE","s":3,"d":{"id":"42"}}"#,
                dispatch(3, Event::LeftGuild(42)),
            ),
            (
                r#"{"op":0,"t":"GUILD_DELETE","s":3,"d":{"id":"42","unavailable":true}}"#,
                dispatch(3, Event::Other),
            ),
            (r#"{"op":99}"#, FromGateway::Other),
            ("garbage", FromGateway::Other),
        ] {
            assert_eq!(from_gateway(text), kind, "{text}");
        }
    }

    #[test]
    fn announced_guilds_have_their_name_and_their_system_channel() {
        let dispatch = |sequence, event| FromGateway::Dispatch {
            sequence: Some(sequence),
            event,
        };
        let joined = |name: Option<&str>, system_channel| {
            Event::JoinedGuild(JoinedGuild {
                guild: 42,
                name: name.map(str::to_owned),
                system_channel,
            })
        };
        for (text, kind) in [
            (
                r#"{"op":0,"t":"GUILD_CREATE","s":2,"d":{"id":"42","name":"x","system_channel_id":"7"}}"#,
                dispatch(2, joined(Some("x"), Some(7))),
            ),
            (
                r#"{"op":0,"t":"GUILD_CREATE","s":2,"d":{"id":"42","name":"x","system_channel_id":null}}"#,
                dispatch(2, joined(Some("x"), None)),
            ),
            (
                r#"{"op":0,"t":"GUILD_CREATE","s":2,"d":{"name":"x"}}"#,
                dispatch(2, Event::Other),
            ),
            (
                r#"{"op":0,"t":"GUILD_CREATE","s":2,"d":{"id":"42","unavailable":true}}"#,
                dispatch(2, joined(None, None)),
            ),
        ] {
            assert_eq!(from_gateway(text), kind, "{text}");
        }
    }
}
