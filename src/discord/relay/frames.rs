//! What the relay reads and changes in the payloads that pass it.

use poise::serenity_prelude as serenity;
use serde_json::{Value, json};

use crate::domain::presence::Presence;

/// A payload from serenity, as far as the relay cares.
#[derive(Debug, PartialEq)]
pub(super) enum FromClient {
    /// Answered here: the relay beats its own heart towards the gateway.
    Heartbeat,
    Identify(Value),
    Resume(Value),
    /// The relay sends the presence itself.
    Presence,
    Other,
}

/// Reads a payload of serenity's.
pub(super) fn from_client(text: &str) -> FromClient {
    let Ok(payload) = serde_json::from_str::<Value>(text) else {
        return FromClient::Other;
    };
    match payload["op"].as_u64() {
        Some(1) => FromClient::Heartbeat,
        Some(2) => FromClient::Identify(payload),
        Some(3) => FromClient::Presence,
        Some(6) => FromClient::Resume(payload),
        _ => FromClient::Other,
    }
}

/// The IDENTIFY that goes out: uncompressed, because the relay reads along, and with the presence of now.
pub(super) fn identify(mut payload: Value, presence: &Presence) -> String {
    payload["d"]["compress"] = json!(false);
    payload["d"]["presence"] = presence_data(presence);
    payload.to_string()
}

pub(super) fn presence_update(presence: &Presence) -> String {
    json!({ "op": 3, "d": presence_data(presence) }).to_string()
}

/// serenity writes `since` as an object, which Discord does not take; the relay writes it right.
fn presence_data(presence: &Presence) -> Value {
    let watching = 3;
    json!({
        "since": null, "afk": false, "status": presence.light.word(),
        "activities": [{ "name": presence.text, "type": watching }],
    })
}

pub(super) fn heartbeat(sequence: Option<u64>) -> String {
    json!({ "op": 1, "d": sequence }).to_string()
}

pub(super) fn heartbeat_ack() -> String {
    json!({ "op": 11, "d": null }).to_string()
}

/// The session cannot be resumed: what serenity is told when the gateway says nothing at all.
pub(super) fn invalid_session() -> String {
    json!({ "op": 9, "d": false }).to_string()
}

/// A payload from the gateway, as far as the relay cares.
#[derive(Debug, PartialEq)]
pub(super) enum FromGateway {
    Hello {
        heartbeat_interval_ms: u64,
    },
    HeartbeatAck,
    /// The gateway asks for a heartbeat at once.
    HeartbeatRequest,
    Ready {
        guilds: usize,
    },
    /// A READY that serenity would not understand: it would wait for ever.
    BrokenReady,
    Resumed,
    InvalidSession,
    /// A message or an interaction: somebody is there.
    Activity,
    Other,
}

/// Reads a payload of the gateway's, and its sequence number.
pub(super) fn from_gateway(text: &str) -> (FromGateway, Option<u64>) {
    let Ok(mut payload) = serde_json::from_str::<Value>(text) else {
        return (FromGateway::Other, None);
    };
    let sequence = payload["s"].as_u64();
    let kind = match (payload["op"].as_u64(), payload["t"].as_str()) {
        (Some(10), _) => FromGateway::Hello {
            heartbeat_interval_ms: payload["d"]["heartbeat_interval"]
                .as_u64()
                .unwrap_or(41_250),
        },
        (Some(11), _) => FromGateway::HeartbeatAck,
        (Some(1), _) => FromGateway::HeartbeatRequest,
        (Some(9), _) => FromGateway::InvalidSession,
        (Some(0), Some("READY")) => ready(payload["d"].take()),
        (Some(0), Some("RESUMED")) => FromGateway::Resumed,
        (Some(0), Some("INTERACTION_CREATE" | "MESSAGE_CREATE")) => FromGateway::Activity,
        _ => FromGateway::Other,
    };
    (kind, sequence)
}

fn ready(data: Value) -> FromGateway {
    match serde_json::from_value::<serenity::ReadyEvent>(data) {
        Ok(event) => FromGateway::Ready {
            guilds: event.ready.guilds.len(),
        },
        Err(_) => FromGateway::BrokenReady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::presence::Light;

    fn presence() -> Presence {
        Presence {
            light: Light::Idle,
            text: "1 of 2 online".into(),
        }
    }

    #[test]
    fn an_identify_goes_out_uncompressed_with_the_presence_of_now() {
        let FromClient::Identify(payload) = from_client(
            r#"{"op":2,"d":{"token":"t","compress":true,"intents":1,"presence":{"since":{"secs":1}}}}"#,
        ) else {
            panic!("an identify");
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
    fn payloads_of_the_gateway_are_told_apart() {
        for (text, kind, sequence) in [
            (
                r#"{"op":10,"d":{"heartbeat_interval":45000},"s":null}"#,
                FromGateway::Hello {
                    heartbeat_interval_ms: 45_000,
                },
                None,
            ),
            (r#"{"op":11}"#, FromGateway::HeartbeatAck, None),
            (r#"{"op":1,"d":null}"#, FromGateway::HeartbeatRequest, None),
            (r#"{"op":9,"d":true}"#, FromGateway::InvalidSession, None),
            (
                r#"{"op":0,"t":"RESUMED","s":7,"d":{}}"#,
                FromGateway::Resumed,
                Some(7),
            ),
            (
                r#"{"op":0,"t":"READY","s":1,"d":{"v":10}}"#,
                FromGateway::BrokenReady,
                Some(1),
            ),
            (
                r#"{"op":0,"t":"INTERACTION_CREATE","s":8,"d":{}}"#,
                FromGateway::Activity,
                Some(8),
            ),
            (
                r#"{"op":0,"t":"GUILD_CREATE","s":2,"d":{}}"#,
                FromGateway::Other,
                Some(2),
            ),
            ("garbage", FromGateway::Other, None),
        ] {
            assert_eq!(from_gateway(text), (kind, sequence), "{text}");
        }
    }
}
