//! Asks Discord about another guild while it answers no message to a single one. If it answers, only that guild is affected, and
//! Rollcall delivers to all others; if not, or if there is no other guild, deliveries do not work.

use std::time::Duration;

use tokio::sync::watch;

use crate::health::Health;
use crate::jobs::JobContext;
use crate::notify::messenger::Messenger;
use crate::store::notifications::destination;
use crate::store::{Reader, StoreError};

/// Time between two questions.
const EVERY: Duration = Duration::from_secs(5);

/// How long messages to a guild are unanswered before the first question: most are answered by the next attempt.
const DOUBTFUL_AFTER: Duration = Duration::from_secs(15);

/// Runs until `stop` turns true; ends at once without Discord.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    let Some(messenger) = context.senders.messenger.clone() else {
        return;
    };
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let asking = ask(&context.health, &context.store.reader, &*messenger);
        let asked = tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            asked = asking => asked,
        };
        if let Err(error) = asked {
            tracing::warn!(%error, "cannot read a channel of another Discord server");
        }
    }
}

/// Asks about a channel of another guild, if all unanswered messages are of one.
async fn ask(
    health: &Health,
    reader: &Reader,
    messenger: &dyn Messenger,
) -> Result<(), StoreError> {
    let Some(guild) = health.only_unanswered_guild(DOUBTFUL_AFTER) else {
        return Ok(());
    };
    let guild = crate::domain::discord_id::GuildId(guild);
    let Some((other, channel)) = destination::channel_of_another_guild(reader, guild).await? else {
        return Ok(());
    };
    match messenger.has_channel(other, channel).await {
        Ok(_) => health.message_answered(),
        Err(error) => tracing::debug!(%error, "no answer about another Discord server either"),
    }
    Ok(())
}
