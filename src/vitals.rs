//! What the parts say of themselves while they run: the facts behind `/healthz`, `/readyz`, `/ping` and `/bot health`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strum::VariantArray;

use crate::clock::Stopwatch;

/// Every part that must turn over does so every few seconds; silent for longer than this it is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// What must turn over for Rollcall to be of any use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum Part {
    /// Hands out the looks that are due.
    Scheduler,
    /// Has committed something.
    Database,
    /// The runtime in which Discord's client lives.
    Sender,
}

impl Part {
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
pub struct Vitals {
    since_start: Stopwatch,
    turned: Mutex<[Option<Stopwatch>; Part::ALL.len()]>,
    gateway: Mutex<GatewayFacts>,
}

#[derive(Debug, Default)]
struct GatewayFacts {
    is_on: bool,
    shards: Vec<Shard>,
    last_activity: Option<Stopwatch>,
    quiet_is_told: bool,
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

impl Vitals {
    pub fn new() -> Self {
        Self {
            since_start: Stopwatch::start(),
            turned: Mutex::default(),
            gateway: Mutex::default(),
        }
    }

    /// How long the process has been up.
    pub fn uptime(&self) -> Duration {
        self.since_start.elapsed()
    }

    /// Called by a part whenever it turns over.
    pub fn turned(&self, part: Part) {
        let mut turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = turned.get_mut(part as usize) {
            *place = Some(Stopwatch::start());
        }
    }

    /// How long ago a part turned over; since the start where it never has.
    fn still_for(&self, part: Part) -> Duration {
        let turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        let last = turned.get(part as usize).copied().flatten();
        last.unwrap_or(self.since_start).elapsed()
    }

    /// Whether a part has turned over since the start, and not longer ago than this.
    pub fn has_turned_within(&self, part: Part, limit: Duration) -> bool {
        let turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        let last = turned.get(part as usize).copied().flatten();
        last.is_some_and(|last| last.elapsed() <= limit)
    }

    /// Whether the scheduler has turned over lately; at the start it is given time.
    pub fn scheduler_is_alive(&self) -> bool {
        self.still_for(Part::Scheduler) < STUCK_AFTER
    }

    /// There is a token: the gateway is wanted from now on.
    pub fn gateway_is_wanted(&self) {
        let mut facts = self.facts();
        facts.is_on = true;
        facts.not_ready_since.get_or_insert_with(Stopwatch::start);
    }

    /// So many shards are to connect, none of which has yet.
    pub fn begin_shards(&self, count: usize) {
        let mut facts = self.facts();
        facts.shards = vec![Shard::default(); count];
        facts.judge();
    }

    /// Changes what is known of a shard; one that does not exist is passed over.
    pub fn change_shard(&self, id: usize, change: impl FnOnce(&mut Shard)) {
        let mut facts = self.facts();
        if let Some(shard) = facts.shards.get_mut(id) {
            change(shard);
        }
        facts.judge();
    }

    pub fn shards(&self) -> Vec<Shard> {
        self.facts().shards.clone()
    }

    pub fn gateway(&self) -> Gateway {
        self.facts().gateway()
    }

    /// For how long the gateway has not been ready; `None` while it is.
    pub fn gateway_away_for(&self) -> Option<Duration> {
        self.facts().not_ready_since.map(|since| since.elapsed())
    }

    /// From the last heartbeat to its ack, of the slowest shard; `None` before the first.
    pub fn latency(&self) -> Option<Duration> {
        self.facts()
            .shards
            .iter()
            .filter_map(|shard| shard.latency)
            .max()
    }

    pub fn guilds(&self) -> usize {
        self.facts().shards.iter().map(|shard| shard.guilds).sum()
    }

    /// Something came from Discord: ready, resumed, a message, a command or a button.
    pub fn note_activity(&self) {
        let mut facts = self.facts();
        facts.last_activity = Some(Stopwatch::start());
        facts.quiet_is_told = false;
    }

    /// How long ago something came from Discord; since the start where nothing has yet.
    pub fn quiet_for(&self) -> Duration {
        self.facts()
            .last_activity
            .unwrap_or(self.since_start)
            .elapsed()
    }

    /// Whether this quiet spell is still to be told of; asking tells it.
    pub fn quiet_is_news(&self) -> bool {
        !std::mem::replace(&mut self.facts().quiet_is_told, true)
    }

    /// Notes a health check of the gateway, and gives how many in a row have failed.
    pub fn checked_gateway(&self) -> u32 {
        let mut facts = self.facts();
        facts.failed_checks = match facts.gateway() {
            Gateway::Connecting => facts.failed_checks.saturating_add(1),
            Gateway::Ready | Gateway::Off => 0,
        };
        facts.failed_checks
    }

    /// Health checks in a row that found the gateway not ready.
    pub fn failed_checks(&self) -> u32 {
        self.facts().failed_checks
    }

    /// A connection to the gateway ended or could not be opened on this day (days since 1970, UTC).
    pub fn note_reconnect(&self, day: i64) {
        let reconnects = &mut self.facts().reconnects;
        if reconnects.day != day {
            *reconnects = DayCount { day, count: 0 };
        }
        reconnects.count += 1;
    }

    /// Reconnects on this day, as far as this process has seen.
    pub fn reconnects_on(&self, day: i64) -> u64 {
        let reconnects = self.facts().reconnects;
        if reconnects.day == day {
            reconnects.count
        } else {
            0
        }
    }

    fn facts(&self) -> MutexGuard<'_, GatewayFacts> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GatewayFacts {
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
        let vitals = Vitals::new();
        assert_eq!(vitals.gateway(), Gateway::Off);
        vitals.gateway_is_wanted();
        assert_eq!(vitals.gateway(), Gateway::Connecting);
        vitals.begin_shards(2);
        vitals.change_shard(0, |shard| shard.stage = Stage::Ready);
        assert_eq!(vitals.gateway(), Gateway::Connecting);
        assert!(vitals.gateway_away_for().is_some());
        vitals.change_shard(1, |shard| shard.stage = Stage::Ready);
        vitals.change_shard(7, |shard| shard.stage = Stage::Waiting);
        assert_eq!(vitals.gateway(), Gateway::Ready);
        assert_eq!(vitals.gateway_away_for(), None);
        vitals.change_shard(0, |shard| shard.stage = Stage::Resuming);
        assert_eq!(vitals.gateway(), Gateway::Connecting);
    }

    #[test]
    fn latency_is_the_slowest_shards_and_guilds_are_added() {
        let vitals = Vitals::new();
        vitals.begin_shards(2);
        assert_eq!(vitals.latency(), None);
        for (id, milliseconds) in [(0, 45), (1, 30)] {
            vitals.change_shard(id, |shard| {
                shard.latency = Some(Duration::from_millis(milliseconds));
                shard.guilds = 3;
            });
        }
        assert_eq!(vitals.latency(), Some(Duration::from_millis(45)));
        assert_eq!(vitals.guilds(), 6);
    }

    #[test]
    fn failed_checks_count_in_a_row_and_quiet_is_news_once() {
        let vitals = Vitals::new();
        assert_eq!(vitals.checked_gateway(), 0);
        vitals.gateway_is_wanted();
        assert_eq!((vitals.checked_gateway(), vitals.checked_gateway()), (1, 2));
        vitals.begin_shards(1);
        vitals.change_shard(0, |shard| shard.stage = Stage::Ready);
        assert_eq!((vitals.failed_checks(), vitals.checked_gateway()), (0, 0));
        assert!(vitals.quiet_is_news() && !vitals.quiet_is_news());
        vitals.note_activity();
        assert!(vitals.quiet_is_news());
    }

    #[test]
    fn reconnects_are_counted_by_the_day() {
        let vitals = Vitals::new();
        vitals.note_reconnect(20_000);
        vitals.note_reconnect(20_000);
        assert_eq!(vitals.reconnects_on(20_000), 2);
        assert_eq!(vitals.reconnects_on(20_001), 0);
        vitals.note_reconnect(20_001);
        assert_eq!(vitals.reconnects_on(20_001), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_is_still_for_long_is_noticed() {
        let vitals = Vitals::new();
        tokio::time::advance(Duration::from_secs(20)).await;
        vitals.turned(Part::Scheduler);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(vitals.scheduler_is_alive());
        assert!(vitals.has_turned_within(Part::Scheduler, Duration::from_secs(20)));
        assert!(!vitals.has_turned_within(Part::Scheduler, Duration::from_secs(19)));
        assert!(!vitals.has_turned_within(Part::Sender, Duration::from_secs(3600)));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(!vitals.scheduler_is_alive());
    }
}
