//! What the relay reports while it runs, for health checks and metrics.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use strum::IntoStaticStr;

/// The state of the connection of one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Stage {
    /// Waiting for the next attempt.
    #[default]
    Waiting,
    Connecting,
    /// Requesting a new session.
    Identifying,
    Resuming,
    Ready,
}

impl Stage {
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// What the gateway says about the guilds that the bot is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The guilds of a shard when its session starts: all of them, also those that are unavailable.
    All {
        shard: usize,
        /// How many shards there are.
        shards: u64,
        guilds: HashSet<u64>,
    },
    /// The bot is in this guild: it was added, or the guild is available.
    Joined(JoinedGuild),
    /// The bot was removed from this guild, or the guild was deleted. An outage of Discord is not reported.
    Left { guild: u64 },
}

/// A guild that the bot is in, as the gateway announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedGuild {
    pub guild: u64,
    /// `None` while the guild is unavailable.
    pub name: Option<String>,
    /// Where Discord posts its own messages; `None` if there is no such channel, or while the guild is unavailable.
    pub system_channel: Option<u64>,
}

impl Membership {
    /// Whether a guild belongs to a shard, as Discord assigns them.
    pub const fn is_on_shard(guild: u64, shard: usize, shards: u64) -> bool {
        match (guild >> 22).checked_rem(shards) {
            Some(of_guild) => of_guild == shard as u64,
            None => false,
        }
    }
}

/// Receives the relay's reports. Shards are numbered from 0. The methods are called while connections are served, so they
/// must not block. Each does nothing unless it is implemented.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A new client opens this many shards; none of them is connected.
    fn shards_reset(&self, _count: usize) {}

    /// A shard's connection is at another stage.
    fn stage(&self, _shard: usize, _stage: Stage) {}

    /// The number of guilds on a shard.
    fn guilds(&self, _shard: usize, _count: usize) {}

    /// The guilds that the bot is in, in the order in which the gateway says it. A resumed session may repeat it.
    fn membership(&self, _membership: Membership) {}

    /// The time from a heartbeat to its acknowledgment.
    fn latency(&self, _shard: usize, _latency: Duration) {}

    /// A connection ended or could not be opened; `reason` is one of a few words.
    fn reconnect(&self, _reason: &'static str) {}

    /// An IDENTIFY is sent. Discord limits them, usually to 1,000 per day.
    fn identify(&self) {}

    /// A RESUME is sent.
    fn resume(&self) {}

    /// READY, RESUMED, a message or an interaction arrived.
    fn activity(&self) {}
}

/// Ignores every report.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}

#[cfg(test)]
mod tests {
    use super::Membership;

    #[test]
    fn a_guild_belongs_to_exactly_one_shard() {
        let guild = 7 << 22 | 5;
        for (shard, shards, belongs) in [
            (0, 1, true),
            (1, 2, true),
            (0, 2, false),
            (1, 3, true),
            (7, 8, true),
            (0, 0, false),
        ] {
            let found = Membership::is_on_shard(guild, shard, shards);
            assert_eq!(found, belongs, "{shard} of {shards}");
        }
    }
}
