//! Registers the commands with Discord, in one guild or globally, and retries until Discord accepts them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use poise::serenity_prelude as serenity;
use serde_json::Value;

use super::rest::{Rest, RestError};
use crate::discord::{AppState, commands};
use crate::domain::discord::reconnect::Backoff;
use crate::domain::monitor::GuildId;
use crate::domain::text;
use crate::notify::backoff::jitter;
use crate::store::registration;

/// Attempts before the retries become slow.
const QUICK_ATTEMPTS: u32 = 10;

/// The ids of the registered commands. A mention of a command needs its id, so that a click opens the command.
#[derive(Clone, Debug, Default)]
pub struct CommandIds(Arc<RwLock<HashMap<String, u64>>>);

impl CommandIds {
    /// The id of a command by its name; `None` while it is not registered.
    pub fn of(&self, name: &str) -> Option<u64> {
        let ids = self.0.read().unwrap_or_else(PoisonError::into_inner);
        ids.get(name).copied()
    }

    fn learn(&self, registered: &[Value]) {
        let known = registered.iter().filter_map(|command| {
            let id = command["id"].as_str()?.parse().ok()?;
            Some((command["name"].as_str()?.to_owned(), id))
        });
        let mut ids = self.0.write().unwrap_or_else(PoisonError::into_inner);
        ids.extend(known);
    }
}

/// Registers the commands and then waits forever. Returns only when Discord no longer accepts the token.
pub(in crate::discord) async fn register(
    rest: &Rest,
    application: serenity::ApplicationId,
    guild: Option<GuildId>,
    app: &AppState,
) -> RestError {
    let registering = Registering {
        rest,
        application,
        only_guild: guild,
        app,
    };
    let mut attempts = Backoff::default();
    loop {
        let error = match registering.once().await {
            Ok(count) => {
                tracing::info!(count, "commands registered with Discord");
                return std::future::pending().await;
            }
            Err(RestError::Unauthorized) => return RestError::Unauthorized,
            Err(error) => error,
        };
        attempts.ended(None);
        let least = match &error {
            RestError::Limited { retry_after } => *retry_after,
            _ => Duration::ZERO,
        };
        let wait = attempts.wait(QUICK_ATTEMPTS, jitter()).length.max(least);
        let hint = match (&error, guild) {
            (RestError::Status(403 | 404), Some(_)) => {
                Some("is the bot a member of the Discord server that DISCORD_GUILD_ID names?")
            }
            _ => None,
        };
        tracing::warn!(
            %error,
            hint,
            retry_in = text::duration(wait),
            "registering commands with Discord failed"
        );
        tokio::time::sleep(wait).await;
    }
}

struct Registering<'a> {
    rest: &'a Rest,
    application: serenity::ApplicationId,
    /// The only guild that gets the commands; `None`: all guilds.
    only_guild: Option<GuildId>,
    app: &'a AppState,
}

impl Registering<'_> {
    /// Registers all commands and returns their number.
    async fn once(&self) -> Result<usize, RestError> {
        let list = poise::builtins::create_application_commands(&commands::all());
        let global_path = format!("/applications/{}/commands", self.application);
        let registered = match self.only_guild {
            None => self.rest.put_commands(&global_path, &list).await?,
            Some(guild) => {
                // Recorded before registering, so that no guild with commands is forgotten.
                self.record_guild(guild, true).await;
                let path = self.guild_path(guild);
                let registered = self.rest.put_commands(&path, &list).await?;
                // What is left to do must not keep `/help` without mentions.
                self.app.command_ids.learn(&registered);
                // Global commands registered earlier would appear twice in every list.
                self.rest.put_commands(&global_path, &[]).await?;
                registered
            }
        };
        self.app.command_ids.learn(&registered);
        self.unregister_former_guilds().await?;
        Ok(registered.len())
    }

    /// Removes the commands from guilds that `DISCORD_GUILD_ID` named before. Their members would see every command twice.
    async fn unregister_former_guilds(&self) -> Result<(), RestError> {
        let former = match registration::others(&self.app.store.reader, self.only_guild).await {
            Ok(former) => former,
            Err(error) => {
                tracing::error!(%error, "looking up former command guilds failed");
                return Ok(());
            }
        };
        for guild in former {
            match self.rest.put_commands(&self.guild_path(guild), &[]).await {
                // On 403 and 404 the bot has left the guild, so its commands are deleted already.
                Ok(_) | Err(RestError::Status(403 | 404)) => self.record_guild(guild, false).await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn guild_path(&self, GuildId(guild): GuildId) -> String {
        format!("/applications/{}/guilds/{guild}/commands", self.application)
    }

    /// Records whether a guild has guild-specific commands.
    async fn record_guild(&self, guild: GuildId, has_commands: bool) {
        let recorded = self.app.store.writer.transact(move |tx| {
            Box::pin(async move {
                match has_commands {
                    true => registration::remember(tx, guild).await,
                    false => registration::forget(tx, guild).await,
                }
            })
        });
        if let Err(error) = recorded.await {
            tracing::error!(%error, "recording a command guild failed");
        }
    }
}
