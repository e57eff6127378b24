//! Posts a welcome message in each guild that the bot joins, once, in its system channel.
//!
//! The message is claimed in the database before it is sent, so a crash in between costs the message and never posts it twice.
//! Guilds are welcomed one after another, within the rate limits of all messages, so that a thousand of them at once do not
//! delay alerts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::actions::manage_guild;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::notify::messenger::{Messenger, SetupMessage};
use crate::store::Store;

/// How often a message is tried. All tries have the same nonce.
const ATTEMPTS: u32 = 3;

/// The wait before another try, and the longest one: other guilds wait, too.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A guild that may await its welcome, and its system channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewGuild {
    pub guild: GuildId,
    pub channel: ChannelId,
}

/// Welcomes guilds.
pub(super) struct Greeter {
    pub store: Store,
    pub messenger: Arc<dyn Messenger>,
    pub clock: Clock,
}

impl Greeter {
    /// Runs until the sender is dropped.
    pub(super) async fn run(self, mut joined: mpsc::UnboundedReceiver<NewGuild>) {
        while let Some(joined) = joined.recv().await {
            let (guild, now) = (joined.guild, self.clock.now());
            match manage_guild::claim_welcome(&self.store, guild, now).await {
                Ok(true) => self.welcome(joined, now).await,
                Ok(false) => {}
                // It is tried again when Discord announces the guild again.
                Err(error) => {
                    tracing::warn!(%error, guild = guild.0, "cannot claim a welcome message");
                }
            }
        }
    }

    async fn welcome(&self, joined: NewGuild, now: Timestamp) {
        let guild = joined.guild.0;
        let nonce = nonce(joined.guild, now);
        for attempt in 1..=ATTEMPTS {
            let message = SetupMessage::Welcome {
                nonce: nonce.clone(),
            };
            let sent = self.messenger.send_setup_message(joined.channel, message);
            match sent.await {
                Ok(_) => return tracing::info!(guild, "posted a welcome message"),
                Err(DeliveryError::Retry { after, .. }) if attempt < ATTEMPTS => {
                    tokio::time::sleep(after.unwrap_or(PAUSE).min(LONGEST_PAUSE)).await;
                }
                Err(error) => {
                    return tracing::info!(%error, guild, "posted no welcome message");
                }
            }
        }
    }
}

/// The nonce of a welcome message, of at most 25 characters, which is Discord's limit. It differs each time that a guild is
/// welcomed, and from guild to guild.
fn nonce(guild: GuildId, now: Timestamp) -> String {
    // The upper bits of an id are a time; the lower 22 bits count within a millisecond, so these 32 bits differ in practice.
    let short = guild.0 & u64::from(u32::MAX);
    format!("w{:x}-{short:x}", now.millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_short_and_differs_by_guild_and_by_time() {
        let at = Timestamp::from_millis;
        let longest = nonce(GuildId(u64::MAX), at(253_402_300_799_999));
        assert!(longest.len() <= 25, "{longest}");
        let one = nonce(GuildId(1), at(5));
        assert_ne!(one, nonce(GuildId(2), at(5)));
        assert_ne!(one, nonce(GuildId(1), at(6)));
        assert_eq!(one, nonce(GuildId(1), at(5)));
    }
}
