//! What the parts say of themselves while they run: the facts behind `/healthz`, `/readyz`, `/ping` and `/bot health`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strum::VariantArray;

use crate::clock::Stopwatch;

/// Every part that must turn over does so every few seconds; silent for longer than this it is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// What must turn over for Rollcall to be of any use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum Component {
    /// Hands out the looks that are due.
    Scheduler,
    /// Has committed something.
    Database,
    /// The runtime in which Discord's client lives.
    Sender,
}

impl Component {
    pub const ALL: &[Self] = Self::VARIANTS;

    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Database => "database",
            Self::Sender => "sender",
        }
    }
}

/// How the connection to Discord stands, all shards together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    /// No token is set: everything but Discord runs.
    #[default]
    Off,
    Connecting,
    Ready,
}

impl Gateway {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Connecting => "connecting",
            Self::Ready => "ready",
        }
    }
}

/// How the connection of one shard stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Until the next attempt.
    #[default]
    Waiting,
    Connecting,
    /// A new session was asked for.
    Identifying,
    Resuming,
    Ready,
}

impl Stage {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Identifying => "identifying",
            Self::Resuming => "resuming",
            Self::Ready => "ready",
        }
    }
}

/// What is known of one shard.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shard {
    pub stage: Stage,
    /// From the last heartbeat to its ack; `None` before the first.
    pub latency: Option<Duration>,
    pub guilds: usize,
}

/// Shared by the parts that report and the doors that show.
#[derive(Debug)]
pub struct Health {
    since_start: Stopwatch,
    record_progress: Mutex<[Option<Stopwatch>; Component::ALL.len()]>,
    gateway: Mutex<GatewayHealth>,
}

#[derive(Debug, Default)]
struct GatewayHealth {
    is_on: bool,
    shards: Vec<Shard>,
    last_activity: Option<Stopwatch>,
    inactivity_is_logged: bool,
    not_ready_since: Option<Stopwatch>,
    failed_checks: u32,
    reconnects: DayCount,
}

/// How often something has happened on one day.
#[derive(Clone, Copy, Debug, Default)]
struct DayCount {
    day: i64,
    count: u64,
}

impl Health {
    pub fn new() -> Self {
        Self {
            since_start: Stopwatch::start(),
            record_progress: Mutex::default(),
            gateway: Mutex::default(),
        }
    }

    /// How long the process has been up.
    pub fn uptime(&self) -> Duration {
        self.since_start.elapsed()
    }

    /// Called by a part whenever it turns over.
    pub fn record_progress(&self, component: Component) {
        let mut record_progress = self
            .record_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = record_progress.get_mut(component as usize) {
            *place = Some(Stopwatch::start());
        }
    }

    /// How long ago a part turned over; since the start where it never has.
    fn stalled_for(&self, component: Component) -> Duration {
        let record_progress = self
            .record_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let last = record_progress.get(component as usize).copied().flatten();
        last.unwrap_or(self.since_start).elapsed()
    }

    /// Whether a part has turned over since the start, and not longer ago than this.
    pub fn has_progressed_within(&self, component: Component, limit: Duration) -> bool {
        let record_progress = self
            .record_progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let last = record_progress.get(component as usize).copied().flatten();
        last.is_some_and(|last| last.elapsed() <= limit)
    }

    /// Whether the scheduler has turned over lately; at the start it is given time.
    pub fn scheduler_is_running(&self) -> bool {
        self.stalled_for(Component::Scheduler) < STUCK_AFTER
    }

    /// There is a token: the gateway is wanted from now on.
    pub fn expect_gateway(&self) {
        let mut state = self.state();
        state.is_on = true;
        state.not_ready_since.get_or_insert_with(Stopwatch::start);
    }

    /// So many shards are to connect, none of which has yet.
    pub fn begin_shards(&self, count: usize) {
        let mut state = self.state();
        state.shards = vec![Shard::default(); count];
        state.judge();
    }

    /// Changes what is known of a shard; one that does not exist is passed over.
    pub fn change_shard(&self, id: usize, change: impl FnOnce(&mut Shard)) {
        let mut state = self.state();
        if let Some(shard) = state.shards.get_mut(id) {
            change(shard);
        }
        state.judge();
    }

    pub fn shards(&self) -> Vec<Shard> {
        self.state().shards.clone()
    }

    pub fn gateway(&self) -> Gateway {
        self.state().gateway()
    }

    /// For how long the gateway has not been ready; `None` while it is.
    pub fn gateway_away_for(&self) -> Option<Duration> {
        self.state().not_ready_since.map(|since| since.elapsed())
    }

    /// From the last heartbeat to its ack, of the slowest shard; `None` before the first.
    pub fn latency(&self) -> Option<Duration> {
        self.state()
            .shards
            .iter()
            .filter_map(|shard| shard.latency)
            .max()
    }

    pub fn guilds(&self) -> usize {
        self.state().shards.iter().map(|shard| shard.guilds).sum()
    }

    /// Something came from Discord: ready, resumed, a message, a command or a button.
    pub fn note_activity(&self) {
        let mut state = self.state();
        state.last_activity = Some(Stopwatch::start());
        state.inactivity_is_logged = false;
    }

    /// How long ago something came from Discord; since the start where nothing has yet.
    pub fn inactive_for(&self) -> Duration {
        self.state()
            .last_activity
            .unwrap_or(self.since_start)
            .elapsed()
    }

    /// Whether this quiet spell is still to be told of; asking tells it.
    pub fn take_inactivity_warning(&self) -> bool {
        !std::mem::replace(&mut self.state().inactivity_is_logged, true)
    }

    /// Notes a health check of the gateway, and gives how many in a row have failed.
    pub fn record_gateway_check(&self) -> u32 {
        let mut state = self.state();
        state.failed_checks = match state.gateway() {
            Gateway::Connecting => state.failed_checks.saturating_add(1),
            Gateway::Ready | Gateway::Off => 0,
        };
        state.failed_checks
    }

    /// Health checks in a row that found the gateway not ready.
    pub fn failed_checks(&self) -> u32 {
        self.state().failed_checks
    }

    /// A connection to the gateway ended or could not be opened on this day (days since 1970, UTC).
    pub fn note_reconnect(&self, day: i64) {
        let reconnects = &mut self.state().reconnects;
        if reconnects.day != day {
            *reconnects = DayCount { day, count: 0 };
        }
        reconnects.count += 1;
    }

    /// Reconnects on this day, as far as this process has seen.
    pub fn reconnects_on(&self, day: i64) -> u64 {
        let reconnects = self.state().reconnects;
        if reconnects.day == day {
            reconnects.count
        } else {
            0
        }
    }

    fn state(&self) -> MutexGuard<'_, GatewayHealth> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GatewayHealth {
    fn gateway(&self) -> Gateway {
        let is_ready = |shard: &Shard| shard.stage == Stage::Ready;
        match self.is_on {
            false => Gateway::Off,
            true if !self.shards.is_empty() && self.shards.iter().all(is_ready) => Gateway::Ready,
            true => Gateway::Connecting,
        }
    }

    /// Keeps account of since when it is not ready.
    fn judge(&mut self) {
        if self.gateway() == Gateway::Connecting {
            self.not_ready_since.get_or_insert_with(Stopwatch::start);
        } else {
            self.not_ready_since = None;
            self.failed_checks = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_ready_when_every_shard_is() {
        let health = Health::new();
        assert_eq!(health.gateway(), Gateway::Off);
        health.expect_gateway();
        assert_eq!(health.gateway(), Gateway::Connecting);
        health.begin_shards(2);
        health.change_shard(0, |shard| shard.stage = Stage::Ready);
        assert_eq!(health.gateway(), Gateway::Connecting);
        assert!(health.gateway_away_for().is_some());
        health.change_shard(1, |shard| shard.stage = Stage::Ready);
        health.change_shard(7, |shard| shard.stage = Stage::Waiting);
        assert_eq!(health.gateway(), Gateway::Ready);
        assert_eq!(health.gateway_away_for(), None);
        health.change_shard(0, |shard| shard.stage = Stage::Resuming);
        assert_eq!(health.gateway(), Gateway::Connecting);
    }

    #[test]
    fn latency_is_the_slowest_shards_and_guilds_are_added() {
        let health = Health::new();
        health.begin_shards(2);
        assert_eq!(health.latency(), None);
        for (id, milliseconds) in [(0, 45), (1, 30)] {
            health.change_shard(id, |shard| {
                shard.latency = Some(Duration::from_millis(milliseconds));
                shard.guilds = 3;
            });
        }
        assert_eq!(health.latency(), Some(Duration::from_millis(45)));
        assert_eq!(health.guilds(), 6);
    }

    #[test]
    fn failed_checks_count_in_a_row_and_quiet_is_news_once() {
        let health = Health::new();
        assert_eq!(health.record_gateway_check(), 0);
        health.expect_gateway();
        assert_eq!(
            (health.record_gateway_check(), health.record_gateway_check()),
            (1, 2)
        );
        health.begin_shards(1);
        health.change_shard(0, |shard| shard.stage = Stage::Ready);
        assert_eq!(
            (health.failed_checks(), health.record_gateway_check()),
            (0, 0)
        );
        assert!(health.take_inactivity_warning() && !health.take_inactivity_warning());
        health.note_activity();
        assert!(health.take_inactivity_warning());
    }

    #[test]
    fn reconnects_are_counted_by_the_day() {
        let health = Health::new();
        health.note_reconnect(20_000);
        health.note_reconnect(20_000);
        assert_eq!(health.reconnects_on(20_000), 2);
        assert_eq!(health.reconnects_on(20_001), 0);
        health.note_reconnect(20_001);
        assert_eq!(health.reconnects_on(20_001), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_is_still_for_long_is_noticed() {
        let health = Health::new();
        tokio::time::advance(Duration::from_secs(20)).await;
        health.record_progress(Component::Scheduler);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(health.scheduler_is_running());
        assert!(health.has_progressed_within(Component::Scheduler, Duration::from_secs(20)));
        assert!(!health.has_progressed_within(Component::Scheduler, Duration::from_secs(19)));
        assert!(!health.has_progressed_within(Component::Sender, Duration::from_secs(3600)));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(!health.scheduler_is_running());
    }
}
