//! Handles the payloads of a gateway connection: identify, resume, heartbeats, presence.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock;
use crate::faults::CloseWith;
use crate::outlet::ToClient;
use crate::shapes;
use crate::shared::Shared;
use crate::world::{Session, Shard, World};

const PRESENCES: usize = 5;
const PRESENCE_WINDOW: Duration = Duration::from_secs(20);

/// The state of one connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    outlet: mpsc::UnboundedSender<ToClient>,
    session: Option<String>,
    pub wants_compression: bool,
    /// When the recent presence updates came.
    presences: Vec<Instant>,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, outlet: mpsc::UnboundedSender<ToClient>) -> Self {
        Self {
            shared,
            outlet,
            session: None,
            wants_compression: false,
            presences: Vec::new(),
        }
    }

    /// Handles one payload of the bot.
    pub(super) fn received(&mut self, text: &str) {
        let Ok(payload) = serde_json::from_str::<Value>(text) else {
            return self.close(4002);
        };
        let shared = Arc::clone(&self.shared);
        // The effect and the record in one change: a test that waits for one also finds the other.
        shared.change(|world| {
            self.handle(world, &payload);
            world.record.gateway.push(payload);
        });
    }

    fn handle(&mut self, world: &mut World, payload: &Value) {
        let data = &payload["d"];
        match payload["op"].as_u64() {
            Some(1) if world.faults.never_ack => {}
            Some(1) => self.send(json!({ "op": 11, "s": null, "t": null, "d": null })),
            Some(2) => self.identify(world, data),
            Some(3) if self.session.is_some() => self.presence(),
            Some(6) => self.resume(world, data),
            Some(3..=8) => self.close(4003),
            _ => self.close(4001),
        }
    }

    /// Detaches the session from the closed connection; another connection may resume it.
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
        // If the connection is closing, the payload is lost.
        let _ = self.outlet.send(ToClient::Payload(payload));
    }

    fn close(&self, code: u16) {
        let _ = self.outlet.send(ToClient::Close(CloseWith::Code(code)));
    }

    /// Counts a presence update; Discord accepts five in twenty seconds.
    fn presence(&mut self) {
        let now = clock::now();
        self.presences.retain(|at| now - *at < PRESENCE_WINDOW);
        self.presences.push(now);
        if self.presences.len() > PRESENCES {
            self.close(4008);
        }
    }

    fn identify(&mut self, world: &mut World, data: &Value) {
        let token = data["token"].as_str().unwrap_or_default();
        if token.trim_start_matches("Bot ") != world.token {
            return self.close(4004);
        }
        if self.session.is_some() {
            return self.close(4005);
        }
        let shard = match data["shard"].as_array().map(Vec::as_slice) {
            Some([id, total]) => Shard {
                id: id.as_u64().unwrap_or(0),
                total: total.as_u64().unwrap_or(0),
            },
            _ => Shard { id: 0, total: 1 },
        };
        match admit(world, data, shard) {
            Ok(()) => {}
            Err(Refusal::Close(code)) => return self.close(code),
            Err(Refusal::InvalidSession) => return self.invalid_session(),
        }
        self.wants_compression = data["compress"].as_bool().unwrap_or(false);
        let outlet = self.outlet.clone();
        self.session = Some(open_session(world, &self.shared, shard, outlet));
    }

    fn resume(&mut self, world: &mut World, data: &Value) {
        let id = data["session_id"].as_str().unwrap_or_default().to_owned();
        let last = data["seq"].as_u64().unwrap_or(0);
        if world.faults.never_resume {
            return;
        }
        let refuses = world.faults.refuse_resume;
        let Some(session) = world.sessions.get_mut(&id).filter(|_| !refuses) else {
            return self.invalid_session();
        };
        let missed = session.sent.iter().filter(|(sequence, _)| *sequence > last);
        for (_, payload) in missed {
            self.send(payload.clone());
        }
        session.outlet = Some(self.outlet.clone());
        session.dispatch("RESUMED", &json!({}));
        self.session = Some(id);
    }

    fn invalid_session(&self) {
        self.send(json!({ "op": 9, "s": null, "t": null, "d": false }));
    }
}

/// Why a session is refused.
enum Refusal {
    Close(u16),
    InvalidSession,
}

/// Privileged intents: members, presences, message content.
const PRIVILEGED: u64 = 1 << 1 | 1 << 8 | 1 << 15;

/// Discord accepts one IDENTIFY in five seconds; two that were sent this far apart may arrive slightly closer together.
const IDENTIFY_GAP: Duration = Duration::from_millis(4_900);

/// Decides, as Discord does, whether a session may start, and counts it.
fn admit(world: &mut World, data: &Value, shard: Shard) -> Result<(), Refusal> {
    let Shard { id, total } = shard;
    if total == 0 || id >= total {
        return Err(Refusal::Close(4010));
    }
    if total < world.shards {
        return Err(Refusal::Close(4011));
    }
    let Some(intents) = data["intents"].as_u64() else {
        return Err(Refusal::Close(4013));
    };
    if intents & PRIVILEGED & !world.granted_intents != 0 {
        return Err(Refusal::Close(4014));
    }
    if world.session_starts_now() == 0 {
        // Discord itself would also invalidate the token.
        world.record.identifies_over_limit += 1;
        return Err(Refusal::Close(4004));
    }
    world.session_starts -= 1;
    let now = clock::now();
    let is_hasty = world
        .last_identify
        .is_some_and(|last| now - last < IDENTIFY_GAP);
    world.last_identify = Some(now);
    if is_hasty {
        world.record.early_identifies += 1;
        return Err(Refusal::InvalidSession);
    }
    Ok(())
}

/// Opens a session: sends READY, then every guild of the shard.
fn open_session(
    world: &mut World,
    shared: &Shared,
    shard: Shard,
    outlet: mpsc::UnboundedSender<ToClient>,
) -> String {
    let id = format!("session-{}", world.new_id());
    let mut session = Session {
        outlet: Some(outlet),
        shard,
        ..Session::default()
    };
    let guilds: Vec<Value> = world
        .guilds
        .iter()
        .filter(|guild| session.has(guild.id))
        .map(|guild| json!({ "id": guild.id.0.to_string(), "unavailable": true }))
        .collect();
    let ready = json!({
        "v": 10, "user": world.bot_user(), "guilds": guilds, "session_id": id,
        "resume_gateway_url": shared.resume_url, "session_type": "normal",
        "private_channels": [], "relationships": [], "shard": [shard.id, shard.total],
        "application": { "id": world.application_id.to_string(), "flags": 0 },
    });
    if world.faults.broken_ready {
        session.dispatch("READY", &json!({ "v": 10 }));
    } else if !world.faults.never_ready {
        session.dispatch("READY", &ready);
        for guild in &world.guilds {
            if session.has(guild.id) {
                session.dispatch("GUILD_CREATE", &shapes::guild(guild, world));
            }
        }
    }
    // One session per shard: a bot that identifies again has given up the old one.
    world
        .sessions
        .retain(|_, old| old.shard.total == shard.total && old.shard != shard);
    world.sessions.insert(id.clone(), session);
    id
}
