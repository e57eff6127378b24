//! Registers the commands with Discord, in one guild or globally, and retries until Discord accepts them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;
use serenity::all::{ApplicationId, CreateCommand, GuildId};

use crate::reconnect::Backoff;
use crate::rest::{Rest, RestError};

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

/// Where the caller records which guilds have commands of their own. It outlives the process, so that a guild that no longer
/// is the only one loses its commands; its members would see every command twice.
pub trait GuildRecord {
    /// Records that a guild has commands of its own, or no longer has.
    fn record(&self, guild: GuildId, has_commands: bool) -> impl Future<Output = ()>;

    /// The recorded guilds, except `only_guild`.
    fn former(&self, only_guild: Option<GuildId>) -> impl Future<Output = Vec<GuildId>>;
}

/// The commands of an application, and where they are registered.
#[derive(Debug)]
pub struct Registration<'a, R> {
    pub application: ApplicationId,
    pub commands: &'a [CreateCommand],
    /// The only guild that gets the commands; `None`: all guilds.
    pub only_guild: Option<GuildId>,
    /// Logged when Discord does not know the bot as a member of `only_guild`.
    pub guild_hint: &'a str,
    pub record: &'a R,
    /// Learns the ids that Discord gives to the commands.
    pub command_ids: &'a CommandIds,
}

impl<R: GuildRecord> Registration<'_, R> {
    /// Registers the commands and then waits forever. Returns only when Discord no longer accepts the token.
    pub async fn run(&self, rest: &Rest) -> RestError {
        let mut attempts = Backoff::default();
        let mut is_hinted = false;
        loop {
            let error = match self.once(rest).await {
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
            let wait = attempts
                .wait(QUICK_ATTEMPTS, fastrand::f64())
                .length
                .max(least);
            let retry_in = Duration::from_secs(wait.as_secs());
            match (&error, self.only_guild) {
                // It fails at every attempt until the setting is changed, so the log has it once.
                (RestError::Status(403 | 404), Some(guild)) if !is_hinted => {
                    is_hinted = true;
                    tracing::error!(guild = guild.get(), "{}", self.guild_hint);
                }
                (RestError::Status(403 | 404), Some(_)) => {
                    tracing::debug!(%error, ?retry_in, "cannot register commands with Discord");
                }
                _ => {
                    is_hinted = false;
                    tracing::warn!(%error, ?retry_in, "cannot register commands with Discord");
                }
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Registers all commands and returns their number.
    async fn once(&self, rest: &Rest) -> Result<usize, RestError> {
        let global_path = format!("/applications/{}/commands", self.application);
        let registered = match self.only_guild {
            None => rest.put_commands(&global_path, self.commands).await?,
            Some(guild) => {
                // Recorded before registering, so that no guild with commands is forgotten.
                self.record.record(guild, true).await;
                let path = self.guild_path(guild);
                let registered = rest.put_commands(&path, self.commands).await?;
                // What is left to do must not keep back the ids.
                self.command_ids.learn(&registered);
                // Global commands registered earlier would appear twice in every list.
                rest.put_commands(&global_path, &[]).await?;
                registered
            }
        };
        self.command_ids.learn(&registered);
        self.unregister_former_guilds(rest).await?;
        Ok(registered.len())
    }

    /// Removes the commands from guilds that were the only one before.
    async fn unregister_former_guilds(&self, rest: &Rest) -> Result<(), RestError> {
        for guild in self.record.former(self.only_guild).await {
            match rest.put_commands(&self.guild_path(guild), &[]).await {
                // On 403 and 404 the bot has left the guild, so its commands are deleted already.
                Ok(_) | Err(RestError::Status(403 | 404)) => self.record.record(guild, false).await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn guild_path(&self, guild: GuildId) -> String {
        format!("/applications/{}/guilds/{guild}/commands", self.application)
    }
}
