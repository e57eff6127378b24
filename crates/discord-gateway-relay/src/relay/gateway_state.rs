//! The state of the gateway connection per shard: stage, backoff, session start budget, detached sessions. Also reports it
//! to the observer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::reason::{Final, GATEWAY_LOOKUP, Reason};
use super::session::{Session, ShardId};
use crate::clock::Stopwatch;
use crate::observer::{Membership, Observer, Stage};
use crate::presence::Presence;
use crate::reconnect::{self, Backoff, StartLimit};

/// A presence update that was sent: when, which presence, and at which refresh count.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub at: Stopwatch,
    pub presence: Presence,
    pub refreshes: u64,
}

#[derive(Clone, Debug, Default)]
struct ShardState {
    backoff: Backoff,
    ready_since: Option<Stopwatch>,
    presence: Option<Sent>,
    /// Since when the shard has had no socket from serenity; `None` while it has one.
    detached_since: Option<Stopwatch>,
    /// The session of a socket that serenity closed, in case serenity resumes it.
    detached_session: Option<Session>,
}

/// Discord's session start limit, and when it was received.
#[derive(Clone, Copy, Debug)]
struct Budget {
    limit: StartLimit,
    received_at: Stopwatch,
}

#[derive(Debug, Default)]
struct State {
    /// Backoff of the gateway lookup.
    lookups: Backoff,
    shards: Vec<ShardState>,
    budget: Option<Budget>,
    identified_at: Option<Stopwatch>,
    slow_retries_logged: bool,
    refused: Option<Final>,
}

/// The gateway state, shared by the connections of all clients during the process's lifetime.
#[derive(Debug)]
pub struct GatewayState {
    state: Mutex<State>,
    observer: Arc<dyn Observer>,
    /// Attempts in a row before the retries become slow.
    max_reconnects: u32,
}

impl GatewayState {
    /// `max_reconnects`: attempts in a row before the retries become slow.
    pub fn new(observer: Arc<dyn Observer>, max_reconnects: u32) -> Self {
        Self {
            state: Mutex::default(),
            observer,
            max_reconnects,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prepares for a new client that will open `shards` shards. Their backoff is kept.
    pub fn begin(&self, shards: usize, limit: StartLimit) {
        let mut state = self.state();
        state.lookups = Backoff::default();
        state.refused = None;
        state.shards.resize_with(shards, ShardState::default);
        for shard in &mut state.shards {
            shard.presence = None;
            shard.detached_session = None;
            shard.detached_since = Some(Stopwatch::start());
        }
        state.budget = Some(Budget {
            limit,
            received_at: Stopwatch::start(),
        });
        drop(state);
        self.observer.shards_reset(shards);
    }

    /// Records that the client has ended, and every connection with it.
    pub fn client_ended(&self) {
        let shards = self.state().shards.len();
        self.observer.shards_reset(shards);
    }

    /// Takes the reason for which Discord refused the bot for good, if it did.
    pub fn take_refusal(&self) -> Option<Final> {
        self.state().refused.take()
    }

    pub(super) fn refuse(&self, reason: Final) {
        self.state().refused = Some(reason);
    }

    /// Records a failed gateway lookup; returns the wait before the next attempt.
    pub fn lookup_failed(&self) -> Duration {
        let mut state = self.state();
        state.lookups.ended(None);
        let wait = state.lookups.wait(self.max_reconnects, fastrand::f64());
        state.log_slow_retries(wait.is_slow);
        drop(state);
        self.observer.reconnect(GATEWAY_LOOKUP);
        wait.length
    }

    /// The wait before a shard's next connection attempt. Logs when the retries become slow.
    pub(super) fn wait_before_connecting(&self, shard: ShardId) -> Duration {
        self.stage(shard, Stage::Waiting);
        let mut state = self.state();
        let backoff = state.shard(shard).backoff;
        let wait = backoff.wait(self.max_reconnects, fastrand::f64());
        state.log_slow_retries(wait.is_slow);
        wait.length
    }

    /// Time until an IDENTIFY may be sent, as known now.
    pub(super) fn until_identify(&self) -> Duration {
        self.state().until_identify()
    }

    /// Reserves an IDENTIFY from the budget, or returns how long to wait.
    pub(super) fn try_identify(&self) -> Result<(), Duration> {
        let mut state = self.state();
        let missing = state.until_identify();
        if !missing.is_zero() {
            return Err(missing);
        }
        state.identified_at = Some(Stopwatch::start());
        if let Some(budget) = &mut state.budget {
            let limit = budget.now();
            *budget = Budget {
                limit: StartLimit {
                    remaining: limit.remaining.saturating_sub(1),
                    ..limit
                },
                received_at: Stopwatch::start(),
            };
        }
        drop(state);
        self.observer.identify();
        Ok(())
    }

    pub(super) fn resuming(&self) {
        self.observer.resume();
    }

    pub(super) fn stage(&self, shard: ShardId, stage: Stage) {
        self.observer.stage(shard, stage);
    }

    /// Records READY, with the number of guilds, or RESUMED.
    pub(super) fn is_up(&self, shard: ShardId, guilds: Option<usize>) {
        let mut state = self.state();
        state.shard(shard).ready_since = Some(Stopwatch::start());
        state.slow_retries_logged = false;
        drop(state);
        if let Some(guilds) = guilds {
            self.observer.guilds(shard, guilds);
        }
        self.observer.stage(shard, Stage::Ready);
        self.observer.activity();
    }

    /// Records the number of guilds of a shard.
    pub(super) fn guilds(&self, shard: ShardId, guilds: usize) {
        self.observer.guilds(shard, guilds);
    }

    pub(super) fn membership(&self, membership: Membership) {
        self.observer.membership(membership);
    }

    /// Records the latency of an acknowledged heartbeat.
    pub(super) fn acknowledged(&self, shard: ShardId, latency: Duration) {
        self.observer.latency(shard, latency);
    }

    /// Records that a shard's connection ended or could not be opened.
    pub(super) fn ended(&self, shard: ShardId, reason: Reason) {
        let mut state = self.state();
        let known = state.shard(shard);
        let worked_for = known.ready_since.take().map(|since| since.elapsed());
        known.backoff.ended(worked_for);
        drop(state);
        self.stage(shard, Stage::Waiting);
        self.observer.reconnect(reason.as_str());
    }

    pub(super) fn saw_activity(&self) {
        self.observer.activity();
    }

    /// The last presence update sent in a shard's session.
    pub(super) fn presence_sent(&self, shard: ShardId) -> Option<Sent> {
        self.state().shard(shard).presence.clone()
    }

    pub(super) fn note_presence(&self, shard: ShardId, sent: Sent) {
        self.state().shard(shard).presence = Some(sent);
    }

    /// Records that serenity opened a shard's socket.
    pub(super) fn attached(&self, shard: ShardId) {
        self.state().shard(shard).detached_since = None;
    }

    /// Records that serenity closed a session's socket. It may resume the session later.
    pub(super) fn detached(&self, session: Session) {
        let mut state = self.state();
        let known = state.shard(session.shard);
        known.detached_since = Some(Stopwatch::start());
        known.detached_session = Some(session);
    }

    /// Takes the detached session with this id.
    pub(super) fn take_session(&self, id: &str) -> Option<Session> {
        let mut state = self.state();
        let known = state.shards.iter_mut().find(|shard| {
            shard
                .detached_session
                .as_ref()
                .is_some_and(|session| session.has_id(id))
        })?;
        known.detached_session.take()
    }

    /// How long a shard has had no socket from serenity: the longest time of all shards.
    pub(super) fn detached_for(&self) -> Duration {
        let state = self.state();
        let since = state
            .shards
            .iter()
            .filter_map(|shard| shard.detached_since)
            .map(|since| since.elapsed());
        since.max().unwrap_or_default()
    }
}

impl State {
    /// The state of a shard; created if serenity opens more shards than announced.
    fn shard(&mut self, id: ShardId) -> &mut ShardState {
        if self.shards.len() <= id {
            self.shards.resize_with(id + 1, ShardState::default);
        }
        &mut self.shards[id]
    }

    /// Logs once per series of failures, for the first shard whose retries become slow.
    fn log_slow_retries(&mut self, is_slow: bool) {
        if is_slow && !std::mem::replace(&mut self.slow_retries_logged, true) {
            tracing::error!("Max reconnection attempts reached");
        }
    }

    fn until_identify(&self) -> Duration {
        let Some(budget) = self.budget else {
            return Duration::ZERO;
        };
        let gap = reconnect::identify_gap(budget.now());
        match self.identified_at {
            Some(last) => gap.saturating_sub(last.elapsed()),
            // The first IDENTIFY of this process waits only if the budget is empty.
            None if budget.now().remaining == 0 => budget.now().reset_in,
            None => Duration::ZERO,
        }
    }
}

impl Budget {
    /// The current limit; full again after its period has ended.
    fn now(&self) -> StartLimit {
        let reset_in = self
            .limit
            .reset_in
            .saturating_sub(self.received_at.elapsed());
        if reset_in.is_zero() {
            return StartLimit {
                total: self.limit.total,
                remaining: self.limit.total,
                reset_in: PERIOD,
            };
        }
        StartLimit {
            reset_in,
            ..self.limit
        }
    }
}

/// The period of Discord's session start limit.
const PERIOD: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway_state() -> GatewayState {
        GatewayState::new(Arc::new(crate::NoObserver), 3)
    }

    fn limit(remaining: u32, seconds: u64) -> StartLimit {
        StartLimit {
            total: 1000,
            remaining,
            reset_in: Duration::from_secs(seconds),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn identifies_of_all_shards_are_five_seconds_apart() {
        let gateway_state = gateway_state();
        gateway_state.begin(2, limit(1000, 86_400));
        assert_eq!(gateway_state.try_identify(), Ok(()));
        assert_eq!(gateway_state.try_identify(), Err(Duration::from_secs(5)));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(gateway_state.until_identify(), Duration::from_secs(2));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(gateway_state.try_identify(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_budget_delays_the_first_identify_until_it_resets() {
        let gateway_state = gateway_state();
        gateway_state.begin(1, limit(0, 600));
        assert_eq!(gateway_state.try_identify(), Err(Duration::from_secs(600)));
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(gateway_state.try_identify(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn each_identify_is_subtracted_from_the_budget() {
        let gateway_state = gateway_state();
        gateway_state.begin(1, limit(2, 1000));
        assert_eq!(gateway_state.try_identify(), Ok(()));
        // One session start is left for the rest of the period.
        assert_eq!(gateway_state.until_identify(), Duration::from_secs(1000));
        tokio::time::advance(Duration::from_secs(1000)).await;
        assert_eq!(gateway_state.try_identify(), Ok(()));
        assert_eq!(gateway_state.until_identify(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn shards_without_a_socket_are_detected() {
        let gateway_state = gateway_state();
        gateway_state.begin(2, limit(1000, 86_400));
        gateway_state.attached(0);
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(gateway_state.detached_for(), Duration::from_secs(40));
        gateway_state.attached(1);
        assert_eq!(gateway_state.detached_for(), Duration::ZERO);
        let identify = serde_json::json!({ "op": 2, "d": { "token": "t", "shard": [0, 2] } });
        gateway_state.detached(Session::identified(identify));
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(gateway_state.detached_for(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn retries_become_slow_after_max_reconnects_and_quick_again_after_ready() {
        let gateway_state = gateway_state();
        gateway_state.begin(1, limit(1000, 86_400));
        for _ in 0..3 {
            assert!(gateway_state.wait_before_connecting(0) < Duration::from_secs(60));
            gateway_state.ended(0, Reason::Connect);
        }
        assert_eq!(
            gateway_state.wait_before_connecting(0),
            Duration::from_secs(300)
        );
        assert!(gateway_state.state().slow_retries_logged);
        gateway_state.is_up(0, Some(1));
        assert!(!gateway_state.state().slow_retries_logged);
        tokio::time::advance(Duration::from_secs(31)).await;
        gateway_state.ended(0, Reason::Lost);
        assert_eq!(gateway_state.wait_before_connecting(0), Duration::ZERO);
    }
}
