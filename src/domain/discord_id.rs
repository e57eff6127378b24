//! Discord's IDs, each kind with a type of its own, so that a user is never taken for a channel.

use std::fmt;

macro_rules! discord_id {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// Returns the form in storage: SQL integers are signed. Discord's IDs stay below 2^63 until the year 2084.
            pub fn to_row(self) -> i64 {
                i64::try_from(self.0).unwrap_or(i64::MAX)
            }

            pub fn from_row(row: i64) -> Self {
                Self(row.unsigned_abs())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}", self.0)
            }
        }
    };
}

discord_id! {
    /// The tenant: a Discord server. Guild 0 belongs to an installation without Discord; only the command line shows it.
    GuildId
}
discord_id! {
    /// A bot as Discord knows it: its token may change, its application does not.
    ApplicationId
}
discord_id! {
    /// A person or a bot.
    UserId
}
discord_id! {
    /// A role of a guild; its members are mentioned together.
    RoleId
}
discord_id! {
    /// A channel of a guild, or the one of direct messages with a user.
    ChannelId
}
discord_id! {
    /// A message; it is found together with its channel, as `MessageRef`.
    MessageId
}
discord_id! {
    /// A scheduled event of a guild, which shows a maintenance window.
    EventId
}

impl GuildId {
    pub const LOCAL: Self = Self(0);

    /// The address that opens this guild in Discord.
    pub fn link(self) -> String {
        format!("https://discord.com/channels/{self}")
    }
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRef {
    pub channel: ChannelId,
    pub message: MessageId,
}

impl MessageRef {
    /// The address that opens this message in Discord.
    pub fn link(self, guild: GuildId) -> String {
        let Self { channel, message } = self;
        format!("{}/{channel}/{message}", guild.link())
    }
}
