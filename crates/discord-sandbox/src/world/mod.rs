//! The state of the sandbox: guilds with channels and members, registered commands, open interactions, messages.

mod attachment;
mod guild;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::clock;
use crate::faults::{Faults, RestPlan};
use crate::outlet::ToClient;
use crate::record::Record;
use guild::EVERY_PERMISSION;

pub(crate) use attachment::{Attachment, Attachments, NewFile, id_of};
pub(crate) use guild::{ADMINISTRATOR, Guild};
pub use guild::{Channel, GuildId, Member, Role};

/// Session starts that a bot has per day.
pub(crate) const SESSION_STARTS: u32 = 1000;
const DAY: Duration = Duration::from_secs(24 * 3600);

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
    pub guild: GuildId,
    pub channel: u64,
    /// The message whose component was used.
    pub pressed: Option<u64>,
    /// Who sent it.
    pub member: u64,
    /// The command with its subcommands; empty for everything else.
    pub command: String,
    /// Whether members see "thinking" until the message comes.
    pub is_thinking: bool,
}

/// A message in its current form.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub id: u64,
    pub channel: u64,
    pub body: Value,
    pub attachments: Attachments,
    pub is_ephemeral: bool,
    pub is_deleted: bool,
    /// The interaction that it responds to.
    pub interaction: Option<u64>,
    /// When it was last edited, in milliseconds since 1970.
    pub edited_at: Option<u64>,
    /// Whether the member who alone can see it has dismissed it.
    pub is_dismissed: bool,
}

impl Message {
    pub(crate) fn new(id: u64, channel: u64, body: Value, files: Vec<NewFile>) -> Self {
        let mut attachments = Attachments::default();
        attachments.apply(id, &body, files);
        Self {
            id,
            channel,
            body,
            attachments,
            is_ephemeral: false,
            is_deleted: false,
            interaction: None,
            edited_at: None,
            is_dismissed: false,
        }
    }
}

/// A shard of a bot's connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    pub id: u64,
    /// How many there are.
    pub total: u64,
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
    pub bot_name: String,
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
            bot_name: "sandboxed".to_owned(),
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
        let general = Channel {
            id: channel,
            name: "general".to_owned(),
        };
        self.guilds.push(Guild {
            id,
            channels: vec![general],
            name: name.to_owned(),
            bot_permissions: EVERY_PERMISSION,
            ..Guild::default()
        });
        id
    }

    pub(crate) fn guild(&self, id: GuildId) -> Option<&Guild> {
        self.guilds.iter().find(|guild| guild.id == id)
    }

    pub(crate) fn guild_mut(&mut self, id: GuildId) -> Option<&mut Guild> {
        self.guilds.iter_mut().find(|guild| guild.id == id)
    }

    /// The guild of a channel, unless that is a channel of direct messages.
    pub(crate) fn guild_of(&self, channel: u64) -> Option<&Guild> {
        self.guilds.iter().find(|guild| guild.has_channel(channel))
    }

    /// The files of a message; none if there is no such message yet.
    pub(crate) fn attachments_of(&self, message: Option<u64>) -> Attachments {
        let message = message.and_then(|id| self.messages.get(&id));
        message.map_or_else(Attachments::default, |known| known.attachments.clone())
    }

    /// Whether the members of the guilds are sent to the bot, which takes a privileged intent.
    pub(crate) fn sends_members(&self) -> bool {
        const GUILD_MEMBERS: u64 = 1 << 1;
        self.granted_intents & GUILD_MEMBERS != 0
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
            "id": self.application_id.to_string(), "username": self.bot_name, "discriminator": "0000",
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
