//! What the relay reports while it runs, for health checks and metrics.

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

/// Receives the relay's reports. Shards are numbered from 0. The methods are called while connections are served, so they
/// must not block. Each does nothing unless it is implemented.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A new client opens this many shards; none of them is connected.
    fn shards_reset(&self, _count: usize) {}

    /// A shard's connection is at another stage.
    fn stage(&self, _shard: usize, _stage: Stage) {}

    /// The number of guilds on a shard.
    fn guilds(&self, _shard: usize, _count: usize) {}

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
