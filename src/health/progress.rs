//! Which components make progress, and since when one does not.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::Health;
use crate::clock::Stopwatch;

/// Time without progress after which a component counts as stalled. A working one makes progress every few seconds.
pub const STALLED_AFTER: Duration = Duration::from_secs(30);

/// Time between two records of progress by a component that waits.
const RECORD_EVERY: Duration = Duration::from_secs(5);

/// How long a loop counts as running while it waits for the database: a slow disk is no reason to restart, and a wait that
/// never ends is.
pub const DATABASE_PATIENCE: Duration = Duration::from_secs(300);

/// Components that must make progress for Rollcall to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Component {
    /// Starts the checks that are due.
    Scheduler,
    /// Records check results.
    Recorder,
    /// Delivers notifications.
    Deliveries,
    /// Finds overdue devices. Its job can be switched off.
    HeartbeatMonitor,
    /// Finds overdue servers.
    ServerMonitor,
    /// Reads which endpoints there are, for the scheduler.
    MonitorFeed,
    /// Commits transactions.
    Writer,
    /// The runtime of the Discord client.
    DiscordRuntime,
}

impl Component {
    const ALL: &[Self] = Self::VARIANTS;

    /// Those that run without Discord and without a working database. If one of them stalls, only a restart helps.
    const LOOPS: [Self; 5] = [
        Self::Scheduler,
        Self::Recorder,
        Self::Deliveries,
        Self::HeartbeatMonitor,
        Self::ServerMonitor,
    ];

    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether it runs in every process, so that it counts as stalled if it never starts.
    const fn always_runs(self) -> bool {
        !matches!(self, Self::HeartbeatMonitor | Self::ServerMonitor)
    }
}

/// When each component last made progress.
#[derive(Debug, Default)]
pub(super) struct ComponentProgress(Mutex<[Option<Stopwatch>; Component::ALL.len()]>);

impl ComponentProgress {
    fn record(&self, component: Component) {
        if let Some(place) = self.places().get_mut(component as usize) {
            *place = Some(Stopwatch::start());
        }
    }

    /// Time since the last progress of a component; `None` before the first.
    pub(super) fn since_last(&self, component: Component) -> Option<Duration> {
        let last = self.places().get(component as usize).copied().flatten();
        last.map(|last| last.elapsed())
    }

    fn places(&self) -> MutexGuard<'_, [Option<Stopwatch>; Component::ALL.len()]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health {
    /// Records that a component made progress.
    pub fn record_progress(&self, component: Component) {
        self.progress.record(component);
    }

    /// Does `work`, and counts the wait for it as progress of a component, for at most `patience`.
    pub async fn progress_while<T>(
        &self,
        component: Component,
        patience: Duration,
        work: impl Future<Output = T>,
    ) -> T {
        let (mut work, waiting) = (pin!(work), Stopwatch::start());
        loop {
            if waiting.elapsed() <= patience {
                self.record_progress(component);
            }
            if let Ok(done) = tokio::time::timeout(RECORD_EVERY, &mut work).await {
                self.record_progress(component);
                return done;
            }
        }
    }

    /// Time since a component last made progress; since the start if it never has.
    pub(super) fn stalled_for(&self, component: Component) -> Duration {
        let last = self.progress.since_last(component);
        last.unwrap_or_else(|| self.uptime())
    }

    /// The loops that have stalled. A restart is the only remedy for them, so nothing that depends on Discord or on the
    /// database counts.
    pub fn stalled_loops(&self) -> Vec<Component> {
        let is_stalled = |component: &Component| {
            let is_expected =
                component.always_runs() || self.progress.since_last(*component).is_some();
            is_expected && self.stalled_for(*component) >= STALLED_AFTER
        };
        Component::LOOPS.into_iter().filter(is_stalled).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_without_progress_for_thirty_seconds_has_stalled() {
        let health = Health::new();
        for component in Component::LOOPS {
            health.record_progress(component);
        }
        pass(29).await;
        assert_eq!(health.stalled_loops(), []);
        pass(1).await;
        assert_eq!(health.stalled_loops(), Component::LOOPS);
        health.record_progress(Component::Scheduler);
        assert_eq!(health.stalled_loops(), Component::LOOPS[1..]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_never_starts_has_stalled_unless_it_is_optional() {
        let health = Health::new();
        pass(29).await;
        assert_eq!(health.stalled_loops(), []);
        pass(1).await;
        assert_eq!(
            health.stalled_loops(),
            [
                Component::Scheduler,
                Component::Recorder,
                Component::Deliveries
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_that_depends_on_the_database_or_on_discord_is_a_loop() {
        for component in [
            Component::MonitorFeed,
            Component::Writer,
            Component::DiscordRuntime,
        ] {
            assert!(!Component::LOOPS.contains(&component));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_counts_as_progress_for_as_long_as_it_may_take() {
        let health = Health::new();
        let waits = health.progress_while(
            Component::Recorder,
            DATABASE_PATIENCE,
            std::future::pending::<()>(),
        );
        let mut waits = pin!(waits);
        for (seconds, is_stalled) in [(299, false), (324, false), (336, true)] {
            let left = Duration::from_secs(seconds).saturating_sub(health.uptime());
            let _ = tokio::time::timeout(left, &mut waits).await;
            let stalled = health.stalled_loops();
            assert_eq!(
                stalled.contains(&Component::Recorder),
                is_stalled,
                "{seconds}"
            );
        }
        let done = health.progress_while(Component::Recorder, DATABASE_PATIENCE, async { 7 });
        assert_eq!(done.await, 7);
        assert!(!health.stalled_loops().contains(&Component::Recorder));
    }
}
