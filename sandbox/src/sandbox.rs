//! The sandbox itself: starting it, pointing a bot at it, waiting for what the bot does, and making things go wrong.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock;
use crate::faults::{CloseWith, Faults, RestFault};
use crate::gateway::{self, ToClient};
use crate::record::Record;
use crate::reply::Reply;
use crate::rest;
use crate::world::{Guild, GuildId, Message, Role, SESSION_STARTS, World};

/// How long anything is waited for before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The world behind a lock, and a bell that rings at every change.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    bell: watch::Sender<u64>,
    pub(crate) rest_address: SocketAddr,
    pub(crate) gateway_address: SocketAddr,
    /// What READY gives as the address to resume at.
    pub(crate) resume_url: String,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) compress: bool,
}

impl Shared {
    /// Reads without changing.
    pub(crate) fn read(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes, and rings the bell afterwards.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.read());
        self.bell.send_modify(|rings| *rings += 1);
        result
    }

    /// Waits until `look` finds something, however long that takes.
    pub(crate) async fn wait_until<T>(&self, mut look: impl FnMut(&World) -> Option<T>) -> T {
        let mut bell = self.bell.subscribe();
        loop {
            bell.borrow_and_update();
            if let Some(found) = look(&self.read()) {
                return found;
            }
            // The sender lives as long as `self`.
            let _ = bell.changed().await;
        }
    }

    /// Waits until `look` finds something, but not for ever.
    pub(crate) async fn wait_for<T>(&self, what: &str, look: impl FnMut(&World) -> Option<T>) -> T {
        match tokio::time::timeout(PATIENCE, self.wait_until(look)).await {
            Ok(found) => found,
            Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
        }
    }
}

/// A running stand-in. It ends with the runtime that it was started on.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
    guild: GuildId,
}

/// How a sandbox is to be.
#[derive(Clone, Debug)]
pub struct Builder {
    heartbeat_interval: Duration,
    compress: bool,
    token: String,
    shards: u64,
    granted_intents: u64,
    session_starts: (u32, Duration),
    resume_address_is_dead: bool,
}

impl Builder {
    /// How many shards the bot is told to open.
    pub fn shards(mut self, shards: u64) -> Self {
        self.shards = shards;
        self
    }

    /// The privileged intents that are switched on for the application, as bits; none by default.
    pub fn granted_intents(mut self, bits: u64) -> Self {
        self.granted_intents = bits;
        self
    }

    /// How many sessions may still be begun, and after how long the number is filled up again.
    pub fn session_starts(mut self, remaining: u32, reset_after: Duration) -> Self {
        self.session_starts = (remaining, reset_after);
        self
    }

    /// READY names an address to resume at where nobody listens.
    pub fn resume_address_is_dead(mut self) -> Self {
        self.resume_address_is_dead = true;
        self
    }

    /// Between two heartbeats of the bot; Discord's own is 41.25 s.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// Whether payloads are compressed for a bot that asks for it in IDENTIFY, as Discord does.
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// Opens both sockets on loopback.
    ///
    /// # Panics
    /// Where no socket can be had.
    pub async fn start(self) -> Sandbox {
        let bind = || TcpListener::bind("127.0.0.1:0");
        let sockets = (bind().await, bind().await, bind().await);
        let (Ok(rest_listener), Ok(gateway_listener), Ok(resume_listener)) = sockets else {
            panic!("no socket on loopback for the sandbox");
        };
        let address = |listener: &TcpListener| match listener.local_addr() {
            Ok(address) => address,
            Err(error) => panic!("a socket of the sandbox has no address: {error}"),
        };
        let mut world = World::new(&self.token);
        let guild = world.add_guild("Home");
        world.shards = self.shards;
        world.granted_intents = self.granted_intents;
        world.session_starts = self.session_starts.0;
        world.session_starts_reset = clock::now() + self.session_starts.1;
        let resume_url = format!("ws://{}", address(&resume_listener));
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            bell: watch::Sender::new(0),
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
        }
    }

    /// Starts with everything at its default.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// The origin of the REST API, which also tells the gateway's address.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.shared.rest_address)
    }

    /// The one token that is good here.
    pub fn token(&self) -> String {
        self.shared.read().token.clone()
    }

    /// The server that is there from the start.
    pub fn guild(&self) -> GuildId {
        self.guild
    }

    /// Another server that the bot is in.
    pub fn add_guild(&self, name: &str) -> GuildId {
        self.shared.change(|world| world.add_guild(name))
    }

    /// The roles of a server are these from now on, beside @everyone.
    pub fn set_roles(&self, guild: GuildId, roles: &[Role]) {
        self.change_guild(guild, |guild| guild.roles = roles.to_vec());
    }

    /// What the bot is permitted in a server, as bits; everything at the start.
    pub fn set_bot_permissions(&self, guild: GuildId, bits: u64) {
        self.change_guild(guild, |guild| guild.bot_permissions = bits);
    }

    fn change_guild(&self, id: GuildId, change: impl FnOnce(&mut Guild)) {
        self.shared.change(|world| {
            if let Some(guild) = world.guilds.iter_mut().find(|guild| guild.id == id) {
                change(guild);
            }
        });
    }

    /// Waits until the bot has identified itself, every shard of it, and registered commands.
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

    /// Waits until every shard of the bot has a session that is connected.
    pub async fn wait_until_connected(&self) {
        self.shared
            .wait_for("the bot to connect", |world| {
                world.is_connected().then_some(())
            })
            .await;
    }

    /// Whether every shard of the bot has a session that is connected.
    pub fn is_connected(&self) -> bool {
        self.shared.read().is_connected()
    }

    /// From now on the bot must open so many shards: connections of fewer are closed with 4011.
    pub fn require_shards(&self, shards: u64) {
        self.shared.change(|world| world.shards = shards);
    }

    /// Waits until the record is as wanted, and gives what was found.
    pub async fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&Record) -> Option<T>) -> T {
        self.shared
            .wait_for(what, |world| look(&world.record))
            .await
    }

    /// Everything that the bot has sent so far.
    pub fn record(&self) -> Record {
        self.shared.read().record.clone()
    }

    /// The commands that people of a server see.
    pub fn commands(&self, guild: GuildId) -> Vec<Value> {
        self.shared.read().commands_in(guild)
    }

    /// A server's channel.
    ///
    /// # Panics
    /// Where there is no such server.
    pub fn channel(&self, guild: GuildId) -> u64 {
        match self.shared.read().guild(guild) {
            Some(guild) => guild.channel,
            None => panic!("there is no such server"),
        }
    }

    /// The messages that stand in a server's channel, the oldest first.
    pub fn messages(&self, guild: GuildId) -> Vec<Reply> {
        let channel = self.channel(guild);
        let world = self.shared.read();
        let in_channel = |message: &&Message| {
            message.channel == channel && !message.is_deleted && !message.is_ephemeral
        };
        let messages = world.messages.values().filter(in_channel);
        messages.map(Reply::of).collect()
    }

    /// Waits until the messages in a server's channel are as wanted, and gives what was found.
    pub async fn wait_for_messages<T>(
        &self,
        guild: GuildId,
        what: &str,
        mut look: impl FnMut(&[Reply]) -> Option<T>,
    ) -> T {
        // The world changes with every request; what stands in the channel is read anew each time.
        let shared = &self.shared;
        let mut bell = shared.bell.subscribe();
        let found = async {
            loop {
                bell.borrow_and_update();
                if let Some(found) = look(&self.messages(guild)) {
                    return found;
                }
                // The sender lives as long as `shared`.
                let _ = bell.changed().await;
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => panic!(
                "waited {PATIENCE:?} in vain for {what}; there is {:?}",
                self.messages(guild)
                    .iter()
                    .map(Reply::render)
                    .collect::<Vec<_>>()
            ),
        }
    }

    /// Somebody deletes a message.
    pub fn delete_message(&self, message: &Reply) {
        self.shared.change(|world| {
            let Some(known) = world.messages.get_mut(&message.message_id) else {
                return;
            };
            known.is_deleted = true;
            let channel = known.channel;
            let guild = world.guilds.iter().find(|guild| guild.channel == channel);
            let event = serde_json::json!({
                "id": message.message_id.to_string(), "channel_id": channel.to_string(),
                "guild_id": guild.map(|guild| guild.id.0.to_string()),
            });
            world.dispatch("MESSAGE_DELETE", &event);
        });
    }

    /// The presence that the bot set last.
    pub fn presence(&self) -> Option<Value> {
        self.shared.read().record.presence().cloned()
    }

    /// Switches gateway faults.
    pub fn set_faults(&self, change: impl FnOnce(&mut Faults)) {
        self.shared.change(|world| change(&mut world.faults));
    }

    /// Answers the next `count` REST requests whose path contains a text with a fault.
    pub fn fail_requests(&self, fault: RestFault, path_contains: &str, count: usize) {
        self.shared
            .change(|world| world.rest_plan.add(fault, path_contains, count));
    }

    /// Switches everything back to normal.
    pub fn reset_faults(&self) {
        self.shared.change(|world| {
            world.faults = Faults::default();
            world.rest_plan.clear();
        });
    }

    /// Ends every gateway connection.
    pub fn close_gateway(&self, how: CloseWith) {
        self.tell_connections(|| ToClient::Close(how));
    }

    /// Asks the bot to reconnect (op 7).
    pub fn ask_to_reconnect(&self) {
        self.tell_connections(|| ToClient::Payload(serde_json::json!({ "op": 7, "d": null })));
    }

    /// Tells the bot that its session is over (op 9); one that is not resumable is forgotten here, too.
    pub fn invalidate_session(&self, resumable: bool) {
        self.tell_connections(|| ToClient::Payload(serde_json::json!({ "op": 9, "d": resumable })));
        if !resumable {
            self.shared.change(|world| world.sessions.clear());
        }
    }

    /// Dispatches any event to the bot.
    pub fn dispatch(&self, name: &str, data: &Value) {
        self.shared.change(|world| world.dispatch(name, data));
    }

    fn tell_connections(&self, message: impl Fn() -> ToClient) {
        let world = self.shared.read();
        for outlet in world
            .sessions
            .values()
            .filter_map(|session| session.outlet.as_ref())
        {
            // One that is gone already needs no telling.
            let _ = outlet.send(message());
        }
    }
}
