//! A guild with its channels, roles and members.

/// Manage Server and administrator bits of a permission set, as Discord numbers them.
pub(crate) const MANAGE_GUILD: u64 = 1 << 5;
pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
/// View channels, send messages, use application commands.
const MEMBER_PERMISSIONS: u64 = (1 << 10) | (1 << 11) | (1 << 31);
/// Every bit that Discord knows.
pub(super) const EVERY_PERMISSION: u64 = 2_251_799_813_685_247;

/// The id of a guild.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A text channel of a guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: u64,
    pub name: String,
}

/// A role of a guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub id: u64,
    pub name: String,
    /// As `0xRRGGBB`; 0 is no color.
    pub color: u32,
    /// Whether everybody may mention it.
    pub is_mentionable: bool,
}

impl Role {
    /// A role that only members with a permission may mention.
    pub fn new(id: u64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            color: 0,
            is_mentionable: false,
        }
    }

    /// The same role with a color, as `0xRRGGBB`.
    pub fn with_color(mut self, color: u32) -> Self {
        self.color = color;
        self
    }

    /// The same role, which everybody may mention.
    pub fn mentionable(mut self) -> Self {
        self.is_mentionable = true;
        self
    }
}

impl Default for Role {
    fn default() -> Self {
        Self::new(0, "a role")
    }
}

/// A guild.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guild {
    pub id: GuildId,
    /// At least one.
    pub channels: Vec<Channel>,
    pub name: String,
    /// Whether Discord posts its own messages in the first channel.
    pub has_system_channel: bool,
    /// Without @everyone.
    pub roles: Vec<Role>,
    /// Those with known names; everybody else is a member, too.
    pub members: Vec<Member>,
    /// The bot's permissions in every channel, as bits.
    pub bot_permissions: u64,
}

impl Guild {
    /// The first channel, in which members act unless they choose another one.
    pub(crate) fn main_channel(&self) -> u64 {
        self.channels.first().map_or(0, |channel| channel.id)
    }

    pub(crate) fn has_channel(&self, id: u64) -> bool {
        self.channel(id).is_some()
    }

    pub(crate) fn channel(&self, id: u64) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    pub(crate) fn role(&self, id: u64) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    pub(crate) fn member(&self, id: u64) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }
}
