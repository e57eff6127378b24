//! Registers the commands with Discord, in one guild at once or everywhere, and tries until Discord takes them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use poise::serenity_prelude as serenity;
use serde_json::Value;

use super::rest::{Rest, RestError};
use super::{AppState, commands};
use crate::domain::monitor::GuildId;
use crate::domain::reconnect::Backoff;
use crate::domain::text;
use crate::notify::backoff::jitter;
use crate::store::registration;

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
    app: &AppState,
) -> RestError {
    let registering = Registering {
        rest,
        application,
        home: guild,
        app,
    };
    let mut attempts = Backoff::default();
    loop {
        let error = match registering.once().await {
            Ok(count) => {
                tracing::info!(count, "The commands are registered with Discord");
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

struct Registering<'a> {
    rest: &'a Rest,
    application: serenity::ApplicationId,
    /// The only server that gets the commands; `None`: every one.
    home: Option<GuildId>,
    app: &'a AppState,
}

impl Registering<'_> {
    /// Registers them all, and answers how many they are.
    async fn once(&self) -> Result<usize, RestError> {
        let list = poise::builtins::create_application_commands(&commands::all());
        let everywhere = format!("/applications/{}/commands", self.application);
        let registered = match self.home {
            None => self.rest.put_commands(&everywhere, &list).await?,
            Some(home) => {
                // Before they are there, so that none is ever forgotten.
                self.note(home, true).await;
                let here = self.of_guild(home);
                let registered = self.rest.put_commands(&here, &list).await?;
                // Those of a time without a home guild would stand in every list a second time.
                self.rest.put_commands(&everywhere, &[]).await?;
                registered
            }
        };
        self.app.command_ids.learn(&registered);
        self.take_back_former().await?;
        Ok(registered.len())
    }

    /// Takes back what a server has that was the home guild before: its people would see every command twice.
    async fn take_back_former(&self) -> Result<(), RestError> {
        let former = match registration::others(&self.app.store.reader, self.home).await {
            Ok(former) => former,
            Err(error) => {
                tracing::error!(%error, "former home guilds could not be looked up");
                return Ok(());
            }
        };
        for guild in former {
            match self.rest.put_commands(&self.of_guild(guild), &[]).await {
                // The bot is not there any more, and neither are its commands.
                Ok(_) | Err(RestError::Status(403 | 404)) => self.note(guild, false).await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn of_guild(&self, GuildId(guild): GuildId) -> String {
        format!("/applications/{}/guilds/{guild}/commands", self.application)
    }

    /// Notes whether a server has commands of its own.
    async fn note(&self, guild: GuildId, has_some: bool) {
        let noted = self.app.store.writer.transact(move |tx| {
            Box::pin(async move {
                match has_some {
                    true => registration::remember(tx, guild).await,
                    false => registration::forget(tx, guild).await,
                }
            })
        });
        if let Err(error) = noted.await {
            tracing::error!(%error, "it could not be noted which servers have commands of their own");
        }
    }
}
