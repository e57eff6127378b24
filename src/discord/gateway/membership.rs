//! Records which guilds the bot is in, in the order in which the gateway says it. What cannot be stored is tried again, so that
//! no departure is missed.

use std::collections::HashSet;
use std::time::Duration;

use discord_gateway_relay::Membership;
use discord_gateway_relay::rest::Rest;
use tokio::sync::mpsc;

use super::invite::{self, FirstLists};
use super::welcome::NewGuild;
use crate::actions::{Requester, manage_guild};
use crate::clock::Clock;
use crate::domain::discord_id::{ApplicationId, ChannelId, GuildId};
use crate::store::{Store, StoreError, guild};

/// The wait before something is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What the gateway says about guilds. It outlives the recorder, which is replaced with the client.
pub(super) struct GuildFeed {
    pub changes: mpsc::UnboundedReceiver<Membership>,
    pub first_lists: FirstLists,
}

/// Records the guilds of one bot.
pub(super) struct Recorder {
    pub store: Store,
    pub rest: Rest,
    pub application: ApplicationId,
    pub clock: Clock,
    /// The only guild with commands, if there is one. Others are not welcomed.
    pub only_guild: Option<GuildId>,
    /// To the greeter.
    pub joined: mpsc::UnboundedSender<NewGuild>,
}

impl Recorder {
    /// Runs until the gateway ends.
    pub(super) async fn run(self, feed: &mut GuildFeed) {
        while let Some(change) = feed.changes.recv().await {
            self.show_invite(&change, &mut feed.first_lists);
            while let Err(error) = self.record(&change).await {
                tracing::error!(%error, "cannot record the guilds of the bot, retrying");
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    async fn record(&self, change: &Membership) -> Result<(), StoreError> {
        let now = self.clock.now();
        match change {
            Membership::Joined(joined) => {
                let (id, name) = (GuildId(joined.guild), joined.name.clone());
                manage_guild::seen(&self.store, self.application, id, name, now).await?;
                self.await_welcome(id, joined.system_channel).await
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

    /// Logs the link that invites the bot, if it started in no guild.
    fn show_invite(&self, change: &Membership, first_lists: &mut FirstLists) {
        let Membership::All {
            shard,
            shards,
            guilds,
        } = change
        else {
            return;
        };
        if first_lists.show_no_guild(*shard, *shards, guilds.len()) {
            let link = invite::link(self.application);
            tracing::info!(
                link,
                "the bot is in no Discord server, open the link to invite it"
            );
        }
    }

    /// Has a guild welcomed if it awaits that and has a system channel.
    async fn await_welcome(&self, id: GuildId, channel: Option<u64>) -> Result<(), StoreError> {
        let has_commands = self.only_guild.is_none_or(|only| only == id);
        let Some(channel) = channel.filter(|_| has_commands) else {
            return Ok(());
        };
        if guild::awaits_welcome(&self.store.reader, id, self.clock.now()).await? {
            // The greeter ends with this recorder; what it has not claimed is announced to the next one.
            let _ = self.joined.send(NewGuild {
                guild: id,
                channel: ChannelId(channel),
            });
        }
        Ok(())
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
