//! Records in the database which guilds have commands of their own.

use discord_gateway_relay::GuildRecord;
use poise::serenity_prelude as serenity;

use crate::domain::discord_id::GuildId;
use crate::store::Store;
use crate::store::guild::registration;

/// The record behind the registration of commands. A failure is logged; commands are registered anyway.
#[derive(Debug)]
pub(super) struct CommandGuilds<'a>(pub &'a Store);

impl GuildRecord for CommandGuilds<'_> {
    async fn record(&self, guild: serenity::GuildId, has_commands: bool) {
        let guild = GuildId(guild.get());
        let recorded = self.0.writer.transact(move |tx| {
            Box::pin(async move {
                match has_commands {
                    true => registration::remember(tx, guild).await,
                    false => registration::forget(tx, guild).await,
                }
            })
        });
        if let Err(error) = recorded.await {
            tracing::error!(%error, "cannot record the guild where commands are registered");
        }
    }

    async fn former(&self, only_guild: Option<serenity::GuildId>) -> Vec<serenity::GuildId> {
        let only_guild = only_guild.map(|guild| GuildId(guild.get()));
        match registration::others(&self.0.reader, only_guild).await {
            Ok(former) => former
                .into_iter()
                .map(|GuildId(guild)| serenity::GuildId::new(guild))
                .collect(),
            Err(error) => {
                tracing::error!(%error, "cannot load the guilds where commands were registered");
                Vec::new()
            }
        }
    }
}
