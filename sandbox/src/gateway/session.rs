//! What a gateway connection says and hears: identify, resume, heartbeats, presence.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::ToClient;
use crate::faults::CloseWith;
use crate::sandbox::Shared;
use crate::shapes;
use crate::world::{Session, World};

/// The state of one connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    outlet: mpsc::UnboundedSender<ToClient>,
    session: Option<String>,
    pub wants_compression: bool,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, outlet: mpsc::UnboundedSender<ToClient>) -> Self {
        Self {
            shared,
            outlet,
            session: None,
            wants_compression: false,
        }
    }

    /// Handles one payload of the bot.
    pub(super) fn received(&mut self, text: &str) {
        let Ok(payload) = serde_json::from_str::<Value>(text) else {
            return self.close(4002);
        };
        let data = &payload["d"];
        match payload["op"].as_u64() {
            Some(1) => self.heartbeat(),
            Some(2) => self.identify(data),
            Some(3) if self.session.is_some() => {}
            Some(6) => self.resume(data),
            Some(3..=8) => self.close(4003),
            _ => self.close(4001),
        }
        // On record only now: whoever waits for it finds its effect.
        self.shared
            .change(|world| world.record.gateway.push(payload));
    }

    /// The connection is over; its session may be resumed by another.
    pub(super) fn ended(&self) {
        let Some(id) = &self.session else { return };
        self.shared.change(|world| {
            // A newer connection of the same session keeps its own outlet.
            if let Some(session) = world.sessions.get_mut(id)
                && session
                    .outlet
                    .as_ref()
                    .is_some_and(|outlet| outlet.same_channel(&self.outlet))
            {
                session.outlet = None;
            }
        });
    }

    fn send(&self, payload: Value) {
        // The connection may be ending; then nobody reads it.
        let _ = self.outlet.send(ToClient::Payload(payload));
    }

    fn close(&self, code: u16) {
        let _ = self.outlet.send(ToClient::Close(CloseWith::Code(code)));
    }

    fn heartbeat(&self) {
        if !self.shared.read().faults.never_ack {
            self.send(json!({ "op": 11, "s": null, "t": null, "d": null }));
        }
    }

    fn identify(&mut self, data: &Value) {
        let token = data["token"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches("Bot ")
            .to_owned();
        if token != self.shared.read().token {
            return self.close(4004);
        }
        if self.session.is_some() {
            return self.close(4005);
        }
        self.wants_compression = data["compress"].as_bool().unwrap_or(false);
        let (shared, outlet) = (Arc::clone(&self.shared), self.outlet.clone());
        self.session = Some(shared.change(|world| open_session(world, &shared, outlet)));
    }

    fn resume(&mut self, data: &Value) {
        let id = data["session_id"].as_str().unwrap_or_default().to_owned();
        let seen = data["seq"].as_u64().unwrap_or(0);
        let faults = self.shared.read().faults;
        if faults.never_resume {
            return;
        }
        let outlet = self.outlet.clone();
        let missed = self.shared.change(|world| {
            let session = world
                .sessions
                .get_mut(&id)
                .filter(|_| !faults.refuse_resume)?;
            session.outlet = Some(outlet);
            Some(
                session
                    .sent
                    .iter()
                    .filter(|(sequence, _)| *sequence > seen)
                    .map(|(_, payload)| payload.clone())
                    .collect::<Vec<_>>(),
            )
        });
        let Some(missed) = missed else {
            return self.send(json!({ "op": 9, "s": null, "t": null, "d": false }));
        };
        for payload in missed {
            self.send(payload);
        }
        self.shared.change(|world| {
            if let Some(session) = world.sessions.get_mut(&id) {
                session.dispatch("RESUMED", &json!({}));
            }
        });
        self.session = Some(id);
    }
}

/// A new session: READY, then every server.
fn open_session(
    world: &mut World,
    shared: &Shared,
    outlet: mpsc::UnboundedSender<ToClient>,
) -> String {
    let id = format!("session-{}", world.new_id());
    let mut session = Session {
        outlet: Some(outlet),
        ..Session::default()
    };
    let guilds: Vec<Value> = world
        .guilds
        .iter()
        .map(|guild| json!({ "id": guild.id.0.to_string(), "unavailable": true }))
        .collect();
    let ready = json!({
        "v": 10, "user": world.bot_user(), "guilds": guilds, "session_id": id,
        "resume_gateway_url": format!("ws://{}", shared.gateway_address), "session_type": "normal",
        "private_channels": [], "relationships": [], "shard": [0, 1],
        "application": { "id": world.application_id.to_string(), "flags": 0 },
    });
    if world.faults.broken_ready {
        session.dispatch("READY", &json!({ "v": 10 }));
    } else if !world.faults.never_ready {
        session.dispatch("READY", &ready);
        for guild in &world.guilds {
            session.dispatch("GUILD_CREATE", &shapes::guild(guild, world.application_id));
        }
    }
    // One session at a time: a bot that identifies again has given up the old one.
    world.sessions.clear();
    world.sessions.insert(id.clone(), session);
    id
}
