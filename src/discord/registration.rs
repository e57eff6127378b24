//! Registers the commands with Discord, in one guild at once or everywhere, and tries until Discord takes them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use poise::serenity_prelude as serenity;
use serde_json::Value;

use super::commands;
use super::rest::{Rest, RestError};
use crate::domain::monitor::GuildId;
use crate::domain::reconnect::Row;
use crate::domain::text;
use crate::notify::backoff::jitter;

/// Attempts before the retries become slow.
const QUICK: u32 = 10;

/// The ids under which Discord knows our commands: with one, a command can be mentioned so that a click opens it.
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

/// Registers the commands and then waits for ever; ends only where Discord no longer knows the token.
pub(super) async fn register(
    rest: &Rest,
    application: serenity::ApplicationId,
    guild: Option<GuildId>,
    ids: &CommandIds,
) -> RestError {
    let list = poise::builtins::create_application_commands(&commands::all());
    let mut attempts = Row::default();
    loop {
        let error = match once(rest, application, guild, &list).await {
            Ok(registered) => {
                ids.learn(&registered);
                tracing::info!(
                    count = registered.len(),
                    "The commands are registered with Discord"
                );
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
        let wait = attempts.wait(QUICK, jitter()).length.max(least);
        let hint = match (&error, guild) {
            (RestError::Status(403 | 404), Some(_)) => {
                "; is the bot in the server that DISCORD_GUILD_ID names?"
            }
            _ => "",
        };
        tracing::warn!(
            "the commands could not be registered with Discord: {error}{hint} Trying again in {}",
            text::duration(wait)
        );
        tokio::time::sleep(wait).await;
    }
}

async fn once(
    rest: &Rest,
    application: serenity::ApplicationId,
    guild: Option<GuildId>,
    list: &[serenity::CreateCommand],
) -> Result<Vec<Value>, RestError> {
    let everywhere = format!("/applications/{application}/commands");
    let Some(GuildId(guild)) = guild else {
        return rest.put_commands(&everywhere, list).await;
    };
    let here = format!("/applications/{application}/guilds/{guild}/commands");
    let registered = rest.put_commands(&here, list).await?;
    // Those of a time without a home guild would stand in every list a second time.
    rest.put_commands(&everywhere, &[]).await?;
    Ok(registered)
}
