//! The sandbox itself: starts it, points a bot at it, waits for the bot's actions, and switches faults on and off.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock;
use crate::faults::{CloseWith, Faults, RestFault};
use crate::gateway;
use crate::outlet::ToClient;
use crate::record::Record;
use crate::reply::Reply;
use crate::rest;
use crate::shared::{PATIENCE, Shared};
use crate::world::{Guild, GuildId, Message, Role, SESSION_STARTS, World};

/// A running sandbox. It stops with the runtime that it was started on.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
    guild: GuildId,
}

/// The settings of a sandbox.
#[derive(Clone, Debug)]
pub struct Builder {
    heartbeat_interval: Duration,
    compress: bool,
    token: String,
    shards: u64,
    granted_intents: u64,
    session_starts: (u32, Duration),
    resume_address_is_dead: bool,
    guild_name: String,
    bot_name: String,
}

impl Builder {
    /// How many shards the REST API recommends to the bot (default: 1).
    pub fn shards(mut self, shards: u64) -> Self {
        self.shards = shards;
        self
    }

    /// The privileged intents that are enabled for the application, as bits (default: none).
    pub fn granted_intents(mut self, bits: u64) -> Self {
        self.granted_intents = bits;
        self
    }

    /// How many session starts remain, and the time until their number is reset.
    pub fn session_starts(mut self, remaining: u32, reset_after: Duration) -> Self {
        self.session_starts = (remaining, reset_after);
        self
    }

    /// The name of the guild that exists from the start (default: Home).
    pub fn guild_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.guild_name);
        self
    }

    /// The bot's user name (default: sandboxed).
    pub fn bot_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.bot_name);
        self
    }

    /// Gives the bot a resume address in READY where nothing listens.
    pub fn resume_address_is_dead(mut self) -> Self {
        self.resume_address_is_dead = true;
        self
    }

    /// The interval of the bot's heartbeats (default: 41.25 s, as Discord's).
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// Whether payloads are compressed for a bot that requests it in IDENTIFY, as Discord does (default: yes).
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// Opens the sockets on loopback and starts to serve.
    ///
    /// # Panics
    /// If a socket cannot be opened.
    pub async fn start(self) -> Sandbox {
        let bind = || TcpListener::bind("127.0.0.1:0");
        let sockets = (bind().await, bind().await, bind().await);
        let (Ok(rest_listener), Ok(gateway_listener), Ok(resume_listener)) = sockets else {
            panic!("cannot open a loopback socket for the sandbox");
        };
        let address = |listener: &TcpListener| match listener.local_addr() {
            Ok(address) => address,
            Err(error) => panic!("a socket of the sandbox has no address: {error}"),
        };
        let mut world = World::new(&self.token);
        let guild = world.add_guild(&self.guild_name);
        world.bot_name = self.bot_name;
        world.shards = self.shards;
        world.granted_intents = self.granted_intents;
        world.session_starts = self.session_starts.0;
        world.session_starts_reset = clock::now() + self.session_starts.1;
        let resume_url = format!("ws://{}", address(&resume_listener));
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            changes: watch::Sender::new(0),
            rest_address: address(&rest_listener),
            gateway_address: address(&gateway_listener),
            resume_url,
            heartbeat_interval: self.heartbeat_interval,
            compress: self.compress,
        });
        tokio::spawn(rest::serve(rest_listener, Arc::clone(&shared)));
        tokio::spawn(gateway::serve(gateway_listener, Arc::clone(&shared), false));
        if self.resume_address_is_dead {
            drop(resume_listener);
        } else {
            tokio::spawn(gateway::serve(resume_listener, Arc::clone(&shared), true));
        }
        Sandbox { shared, guild }
    }
}

impl Sandbox {
    pub fn builder() -> Builder {
        Builder {
            heartbeat_interval: Duration::from_millis(41_250),
            compress: true,
            token: "sandbox.token.of-the-bot".to_owned(),
            shards: 1,
            granted_intents: 0,
            session_starts: (SESSION_STARTS, Duration::from_secs(24 * 3600)),
            resume_address_is_dead: false,
            guild_name: "Home".to_owned(),
            bot_name: "sandboxed".to_owned(),
        }
    }

    /// Starts a sandbox with the default settings.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// The origin of the REST API, which also returns the gateway's address.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.shared.rest_address)
    }

    /// The present time in milliseconds since 1970, for showing times relative to it.
    pub fn now(&self) -> u64 {
        clock::unix_millis()
    }

    /// The only valid token.
    pub fn token(&self) -> String {
        self.shared.read().token.clone()
    }

    /// The guild that exists from the start.
    pub fn guild(&self) -> GuildId {
        self.guild
    }

    /// Adds another guild that the bot is in.
    pub fn add_guild(&self, name: &str) -> GuildId {
        self.shared.change(|world| world.add_guild(name))
    }

    /// Makes the channel of a guild its system channel. It has none at the start.
    pub fn open_system_channel(&self, guild: GuildId) {
        self.change_guild(guild, |guild| guild.has_system_channel = true);
    }

    /// Replaces the roles of a guild, except @everyone.
    pub fn set_roles(&self, guild: GuildId, roles: &[Role]) {
        self.change_guild(guild, |guild| guild.roles = roles.to_vec());
    }

    /// Sets the bot's permissions in a guild, as bits (at the start: all).
    pub fn set_bot_permissions(&self, guild: GuildId, bits: u64) {
        self.change_guild(guild, |guild| guild.bot_permissions = bits);
    }

    fn change_guild(&self, id: GuildId, change: impl FnOnce(&mut Guild)) {
        self.shared.change(|world| world.guild_mut(id).map(change));
    }

    /// Waits until every shard of the bot has identified itself and the bot has registered commands.
    pub async fn wait_until_ready(&self) {
        self.wait_until_connected().await;
        let registered = |world: &World| {
            let any = !world.global_commands.is_empty()
                || world
                    .guild_commands
                    .values()
                    .any(|commands| !commands.is_empty());
            any.then_some(())
        };
        self.shared
            .wait_for("the bot to register commands", registered)
            .await;
    }

    /// Waits until every shard of the bot has a connected session.
    pub async fn wait_until_connected(&self) {
        self.shared
            .wait_for("the bot to connect", |world| {
                world.is_connected().then_some(())
            })
            .await;
    }

    /// Whether every shard of the bot has a connected session.
    pub fn is_connected(&self) -> bool {
        self.shared.read().is_connected()
    }

    /// Sets the number of shards that the bot must open: from now on, connections with fewer are closed with 4011.
    pub fn require_shards(&self, shards: u64) {
        self.shared.change(|world| world.shards = shards);
    }

    /// Waits until `find` returns something for the record, and returns that.
    pub async fn wait_for<T>(&self, what: &str, mut find: impl FnMut(&Record) -> Option<T>) -> T {
        self.shared
            .wait_for(what, |world| find(&world.record))
            .await
    }

    /// Everything that the bot has sent so far.
    pub fn record(&self) -> Record {
        self.shared.read().record.clone()
    }

    /// The commands that the members of a guild see.
    pub fn commands(&self, guild: GuildId) -> Vec<Value> {
        self.shared.read().commands_in(guild)
    }

    /// A guild's first channel.
    ///
    /// # Panics
    /// If there is no such guild.
    pub fn channel(&self, guild: GuildId) -> u64 {
        match self.shared.read().guild(guild) {
            Some(guild) => guild.main_channel(),
            None => panic!("there is no such guild"),
        }
    }

    /// The messages in a guild's first channel, oldest first, without those that only one member sees.
    pub fn messages(&self, guild: GuildId) -> Vec<Reply> {
        self.messages_in(self.channel(guild))
    }

    /// The messages in a channel, oldest first, without those that only one member sees.
    pub fn messages_in(&self, channel: u64) -> Vec<Reply> {
        let world = self.shared.read();
        let in_channel = |message: &&Message| {
            message.channel == channel && !message.is_deleted && !message.is_ephemeral
        };
        let messages = world.messages.values().filter(in_channel);
        messages.map(Reply::of).collect()
    }

    /// Waits until `find` returns something for the messages in a guild's first channel, and returns that.
    pub async fn wait_for_messages<T>(
        &self,
        guild: GuildId,
        what: &str,
        mut find: impl FnMut(&[Reply]) -> Option<T>,
    ) -> T {
        // The world changes with every request; the messages are read again each time.
        let shared = &self.shared;
        let mut changes = shared.changes.subscribe();
        let found = async {
            loop {
                changes.borrow_and_update();
                if let Some(found) = find(&self.messages(guild)) {
                    return found;
                }
                // The sender lives as long as `shared`.
                let _ = changes.changed().await;
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => panic!(
                "timed out after {PATIENCE:?} waiting for {what}; the channel has {:?}",
                self.messages(guild)
                    .iter()
                    .map(Reply::render)
                    .collect::<Vec<_>>()
            ),
        }
    }

    /// Deletes a message, as a member does.
    pub fn delete_message(&self, message: &Reply) {
        self.shared.change(|world| {
            let Some(known) = world.messages.get_mut(&message.message_id) else {
                return;
            };
            known.is_deleted = true;
            let channel = known.channel;
            let guild = world.guild_of(channel);
            let event = serde_json::json!({
                "id": message.message_id.to_string(), "channel_id": channel.to_string(),
                "guild_id": guild.map(|guild| guild.id.0.to_string()),
            });
            world.dispatch("MESSAGE_DELETE", &event);
        });
    }

    /// The bot's latest presence.
    pub fn presence(&self) -> Option<Value> {
        self.shared.read().record.presence().cloned()
    }

    /// Makes a user leave all guilds. Until then, every user is a member of each.
    pub fn user_leaves(&self, user: u64) {
        self.shared.change(|world| world.departed.insert(user));
    }

    /// Switches gateway faults on or off.
    pub fn set_faults(&self, change: impl FnOnce(&mut Faults)) {
        self.shared.change(|world| change(&mut world.faults));
    }

    /// Answers the next `count` REST requests whose path contains `path_contains` with a fault.
    pub fn fail_requests(&self, fault: RestFault, path_contains: &str, count: usize) {
        self.shared
            .change(|world| world.rest_plan.add(fault, path_contains, count));
    }

    /// Switches all faults off.
    pub fn reset_faults(&self) {
        self.shared.change(|world| {
            world.faults = Faults::default();
            world.rest_plan.clear();
        });
    }

    /// Ends every gateway connection.
    pub fn close_gateway(&self, how: CloseWith) {
        self.send_to_sessions(|| ToClient::Close(how));
    }

    /// Asks the bot to reconnect (op 7).
    pub fn ask_to_reconnect(&self) {
        self.send_to_sessions(|| ToClient::Payload(serde_json::json!({ "op": 7, "d": null })));
    }

    /// Invalidates the bot's session (op 9); one that is not resumable is deleted here, too.
    pub fn invalidate_session(&self, resumable: bool) {
        self.send_to_sessions(|| ToClient::Payload(serde_json::json!({ "op": 9, "d": resumable })));
        if !resumable {
            self.shared.change(|world| world.sessions.clear());
        }
    }

    /// Dispatches any event to the bot.
    pub fn dispatch(&self, name: &str, data: &Value) {
        self.shared.change(|world| world.dispatch(name, data));
    }

    fn send_to_sessions(&self, message: impl Fn() -> ToClient) {
        let world = self.shared.read();
        for outlet in world
            .sessions
            .values()
            .filter_map(|session| session.outlet.as_ref())
        {
            // A closed connection needs no message.
            let _ = outlet.send(message());
        }
    }
}
