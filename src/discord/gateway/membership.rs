//! Records which guilds the bot is in, in the order in which the gateway says it. What cannot be stored is tried again, so that
//! no departure is missed.

use std::collections::HashSet;
use std::time::Duration;

use discord_gateway_relay::Membership;
use discord_gateway_relay::rest::Rest;
use tokio::sync::mpsc;

use crate::actions::{Requester, manage_guild};
use crate::clock::Clock;
use crate::domain::discord_id::{ApplicationId, GuildId};
use crate::store::{Store, StoreError};

/// The wait before something is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Records the guilds of one bot.
pub(super) struct Recorder {
    pub store: Store,
    pub rest: Rest,
    pub application: ApplicationId,
    pub clock: Clock,
}

impl Recorder {
    /// Runs until the gateway ends.
    pub(super) async fn run(self, changes: &mut mpsc::UnboundedReceiver<Membership>) {
        while let Some(change) = changes.recv().await {
            while let Err(error) = self.record(&change).await {
                tracing::error!(%error, "cannot record the guilds of the bot, retrying");
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    async fn record(&self, change: &Membership) -> Result<(), StoreError> {
        let now = self.clock.now();
        match change {
            Membership::Joined { guild, name } => {
                let (id, name) = (GuildId(*guild), name.clone());
                manage_guild::seen(&self.store, self.application, id, name, now).await
            }
            Membership::Left { guild } => {
                let requester = Requester::system(GuildId(*guild));
                manage_guild::leave(&self.store, requester, now).await
            }
            Membership::All {
                shard,
                shards,
                guilds,
            } => {
                let listed: HashSet<GuildId> = guilds.iter().copied().map(GuildId).collect();
                let is_on_shard = |GuildId(guild)| Membership::is_on_shard(guild, *shard, *shards);
                let missing = manage_guild::seen_all(
                    &self.store,
                    self.application,
                    &listed,
                    is_on_shard,
                    now,
                );
                for id in missing.await? {
                    if !self.is_member(id).await {
                        let now = self.clock.now();
                        manage_guild::leave(&self.store, Requester::system(id), now).await?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether the bot is in a guild that the gateway did not list. Leaving ends keys for good, so one list alone does not count.
    async fn is_member(&self, id: GuildId) -> bool {
        loop {
            match self.rest.is_in_guild(id.0).await {
                Ok(is_member) => return is_member,
                Err(error) => {
                    tracing::warn!(%error, guild = id.0, "cannot check whether the bot is in a guild, retrying");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}
