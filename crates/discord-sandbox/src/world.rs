//! The state of the sandbox: guilds with channels and members, registered commands, open interactions, messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::clock;
use crate::faults::{Faults, RestPlan};
use crate::outlet::ToClient;
use crate::record::Record;

/// Manage Server and administrator bits of a permission set, as Discord numbers them.
pub(crate) const MANAGE_GUILD: u64 = 1 << 5;
pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
/// View channels, send messages, use application commands.
const MEMBER_PERMISSIONS: u64 = (1 << 10) | (1 << 11) | (1 << 31);
/// Every bit that Discord knows.
const EVERY_PERMISSION: u64 = 2_251_799_813_685_247;

/// Session starts that a bot has per day.
pub(crate) const SESSION_STARTS: u32 = 1000;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The id of a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuildId(pub u64);

/// A member of a guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: u64,
    pub name: String,
    /// The permission bits in every channel.
    pub permissions: u64,
    pub roles: Vec<u64>,
}

impl Member {
    /// A member who may read messages and use commands.
    pub fn plain(id: u64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            permissions: MEMBER_PERMISSIONS,
            roles: Vec::new(),
        }
    }

    /// A member with the Manage Server permission.
    pub fn manager(id: u64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            permissions: MEMBER_PERMISSIONS | MANAGE_GUILD,
            roles: Vec::new(),
        }
    }

    /// The same member with a role.
    pub fn with_role(mut self, role: u64) -> Self {
        self.roles.push(role);
        self
    }
}

/// The initial response to an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A message, now in `Interaction::message`.
    Message,
    /// "Thinking", or a button press acknowledged without a change: the message comes later.
    Deferred,
    Choices(Vec<Value>),
    Modal(Value),
}

/// An interaction that was sent to the bot.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub id: u64,
    /// As Discord numbers them: 2 is a command, 3 a press, 4 an autocomplete, 5 a submitted form.
    pub kind: u64,
    pub token: String,
    pub sent_at: Instant,
    pub answer: Option<Answer>,
    pub answered_after: Option<Duration>,
    pub was_deferred: bool,
    /// Key in `World::messages` of the original response, or of the message whose button was pressed.
    pub message: Option<u64>,
    pub follow_ups: Vec<u64>,
    pub is_ephemeral: bool,
    /// Edits of the response. A deferred press leaves its message unchanged until the first one.
    pub edits: usize,
    pub channel: u64,
}

/// A message in its current form.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub id: u64,
    pub channel: u64,
    pub body: Value,
    pub files: Vec<(String, Vec<u8>)>,
    pub is_ephemeral: bool,
    pub is_deleted: bool,
}

/// A shard of a bot's connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    pub id: u64,
    /// How many there are.
    pub total: u64,
}

/// A role of a guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub id: u64,
    pub is_mentionable: bool,
}

/// A guild.
#[derive(Clone, Debug)]
pub(crate) struct Guild {
    pub id: GuildId,
    pub channel: u64,
    pub name: String,
    /// Whether Discord posts its own messages in the channel.
    pub has_system_channel: bool,
    /// Without @everyone.
    pub roles: Vec<Role>,
    /// The bot's permissions in every channel, as bits.
    pub bot_permissions: u64,
}

/// A gateway session, kept for RESUME.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub sequence: u64,
    /// Dispatches with their sequence numbers.
    pub sent: Vec<(u64, Value)>,
    pub shard: Shard,
    /// Sends payloads to the connection; `None` while there is none.
    pub outlet: Option<tokio::sync::mpsc::UnboundedSender<ToClient>>,
}

/// The whole state of the sandbox.
#[derive(Debug)]
pub(crate) struct World {
    pub token: String,
    pub application_id: u64,
    pub guilds: Vec<Guild>,
    /// Guilds that have removed the bot.
    pub left_guilds: Vec<Guild>,
    pub global_commands: Vec<Value>,
    pub guild_commands: BTreeMap<GuildId, Vec<Value>>,
    pub interactions: HashMap<u64, Interaction>,
    pub messages: BTreeMap<u64, Message>,
    /// The channels of direct messages.
    pub direct_channels: BTreeSet<u64>,
    /// Users who have left all guilds; everybody else is a member of each.
    pub departed: BTreeSet<u64>,
    /// Files that members attach to commands, by id.
    pub uploads: HashMap<u64, (String, Vec<u8>)>,
    pub sessions: HashMap<String, Session>,
    /// How many shards the bot must open.
    pub shards: u64,
    /// Privileged intents that the application has been granted, as bits.
    pub granted_intents: u64,
    /// How many session starts remain, and when their number is reset.
    pub session_starts: u32,
    pub session_starts_reset: Instant,
    pub last_identify: Option<Instant>,
    pub faults: Faults,
    pub rest_plan: RestPlan,
    pub record: Record,
    last_id: u64,
}

impl World {
    pub(crate) fn new(token: &str) -> Self {
        let mut world = Self {
            token: token.to_owned(),
            application_id: 0,
            guilds: Vec::new(),
            left_guilds: Vec::new(),
            global_commands: Vec::new(),
            guild_commands: BTreeMap::new(),
            interactions: HashMap::new(),
            messages: BTreeMap::new(),
            direct_channels: BTreeSet::new(),
            departed: BTreeSet::new(),
            uploads: HashMap::new(),
            sessions: HashMap::new(),
            shards: 1,
            granted_intents: 0,
            session_starts: SESSION_STARTS,
            session_starts_reset: clock::now() + DAY,
            last_identify: None,
            faults: Faults::default(),
            rest_plan: RestPlan::default(),
            record: Record::default(),
            last_id: 0,
        };
        world.application_id = world.new_id();
        world
    }

    /// A new unique snowflake, with the time in the upper bits.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.last_id = (clock::discord_millis() << 22).max(self.last_id + 1);
        self.last_id
    }

    pub(crate) fn add_guild(&mut self, name: &str) -> GuildId {
        // A millisecond apart, so that consecutive guilds belong to different shards.
        self.last_id += 1 << 22;
        let (id, channel) = (GuildId(self.new_id()), self.new_id());
        self.guilds.push(Guild {
            id,
            channel,
            name: name.to_owned(),
            has_system_channel: false,
            roles: Vec::new(),
            bot_permissions: EVERY_PERMISSION,
        });
        id
    }

    pub(crate) fn guild(&self, id: GuildId) -> Option<&Guild> {
        self.guilds.iter().find(|guild| guild.id == id)
    }

    /// Sends an event about a guild as a whole, whose data does not name it as `guild_id`.
    pub(crate) fn dispatch_in(&mut self, guild: GuildId, name: &str, data: &Value) {
        for session in self.sessions.values_mut() {
            if session.has(guild) {
                session.dispatch(name, data);
            }
        }
    }

    /// The commands that the members of a guild see: its own, then the global ones.
    pub(crate) fn commands_in(&self, guild: GuildId) -> Vec<Value> {
        let own = self.guild_commands.get(&guild).into_iter().flatten();
        own.chain(&self.global_commands).cloned().collect()
    }

    pub(crate) fn bot_user(&self) -> Value {
        json!({
            "id": self.application_id.to_string(), "username": "sandboxed", "discriminator": "0000",
            "global_name": null, "avatar": null, "bot": true, "public_flags": 0, "flags": 0,
        })
    }

    /// Sends an event to the sessions of its guild (to all sessions if it has no guild), and keeps it for those that
    /// resume.
    pub(crate) fn dispatch(&mut self, name: &str, data: &Value) {
        let guild = data["guild_id"].as_str().and_then(|id| id.parse().ok());
        for session in self.sessions.values_mut() {
            if guild.is_none_or(|guild| session.has(GuildId(guild))) {
                session.dispatch(name, data);
            }
        }
    }

    /// Whether every shard of the bot is connected.
    pub(crate) fn is_connected(&self) -> bool {
        let connected = |id| {
            self.sessions
                .values()
                .any(|session| session.shard.id == id && session.outlet.is_some())
        };
        let total = self
            .sessions
            .values()
            .map(|session| session.shard.total)
            .max();
        total.is_some_and(|total| (0..total).all(connected))
    }

    /// How many session starts remain now; resets their number when it is due.
    pub(crate) fn session_starts_now(&mut self) -> u32 {
        if clock::now() >= self.session_starts_reset {
            self.session_starts = SESSION_STARTS;
            self.session_starts_reset = clock::now() + DAY;
        }
        self.session_starts
    }
}

impl Session {
    /// Whether this session receives the events of this guild.
    pub(crate) fn has(&self, guild: GuildId) -> bool {
        let Shard { id, total } = self.shard;
        (guild.0 >> 22) % total.max(1) == id
    }

    pub(crate) fn dispatch(&mut self, name: &str, data: &Value) {
        self.sequence += 1;
        let payload = json!({ "op": 0, "s": self.sequence, "t": name, "d": data });
        self.sent.push((self.sequence, payload.clone()));
        if let Some(outlet) = &self.outlet {
            // A connection that is closing misses it; a resume delivers it.
            let _ = outlet.send(ToClient::Payload(payload));
        }
    }
}
