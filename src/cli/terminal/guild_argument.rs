//! The Discord server of a command: an option, else the setting, else the local monitor list, which Discord does not show.

use super::{print_note, usage};
use crate::actions::Requester;
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::settings::Settings;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(in crate::cli) struct GuildArgument {
    /// Discord server, by id [default: DISCORD_GUILD_ID]
    #[arg(long = "guild", value_name = "ID", value_parser = usage::guild_id)]
    guild: Option<u64>,
}

impl GuildArgument {
    /// The guild of the command.
    pub fn guild_id(self, settings: &Settings) -> GuildId {
        self.guild
            .map(GuildId)
            .or(settings.discord.guild)
            .unwrap_or(GuildId::LOCAL)
    }

    pub fn requester(self, settings: &Settings) -> Requester {
        Requester {
            guild: self.guild_id(settings),
            actor: Actor::CommandLine,
        }
    }
}

/// The Discord servers of a list.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(in crate::cli) struct GuildFilter {
    /// Only this Discord server, by id [default: all]
    #[arg(long = "guild", value_name = "ID", value_parser = usage::guild_id)]
    guild: Option<u64>,
}

impl GuildFilter {
    /// `None`: all.
    pub fn guild_id(self) -> Option<GuildId> {
        self.guild.map(GuildId)
    }
}

/// What the command line adds without the id of a Discord server, nobody sees in Discord.
pub(in crate::cli) fn note_if_local(guild: GuildId) {
    if guild == GuildId::LOCAL {
        print_note(
            "It belongs to no Discord server. Use --guild or set DISCORD_GUILD_ID to see it in Discord",
        );
    }
}

/// The Discord server in a line of a list.
pub(in crate::cli) fn guild_column(guild: GuildId) -> String {
    match guild {
        GuildId::LOCAL => "local".to_owned(),
        guild => guild.to_string(),
    }
}
