//! Health of the components while they run, for `/healthz`, `/readyz`, `/ping` and `/bot health`.

mod answers;
mod progress;
mod readiness;
mod results;
mod saturation;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use discord_gateway_relay::Stage;
use strum::IntoStaticStr;
use tokio::sync::watch;

use crate::clock::Stopwatch;
use answers::Answers;
use progress::ComponentProgress;
use results::ResultsProgress;
use saturation::Saturation;

pub use progress::{Component, DATABASE_PATIENCE};
pub use readiness::{Fact, Facts, OtherFacts, UNANSWERED};

/// The state of the connection to Discord, all shards together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Gateway {
    /// No token is set: everything but Discord runs.
    #[default]
    Off,
    Connecting,
    Ready,
}

impl Gateway {
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// Whether Discord accepts the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Token {
    /// As far as is known.
    Accepted,
    /// Discord rejected it once; it is being asked again.
    InDoubt,
    /// Discord rejected it whenever it was asked.
    Rejected,
}

impl Token {
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// The known state of one shard.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shard {
    pub stage: Stage,
    /// Time from the last heartbeat to its acknowledgment; `None` before the first.
    pub latency: Option<Duration>,
    pub guilds: usize,
}

/// Shared by the components that record it and the interfaces that show it.
#[derive(Debug)]
pub struct Health {
    since_start: Stopwatch,
    progress: ComponentProgress,
    results: Mutex<ResultsProgress>,
    answers: Mutex<Answers>,
    gateway: Mutex<GatewayHealth>,
    token: watch::Sender<Token>,
    /// Whether the token may belong to another bot than the one in the stored guilds.
    is_application_in_doubt: AtomicBool,
    saturation: Mutex<Saturation>,
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

/// The number of events on one day.
#[derive(Clone, Copy, Debug, Default)]
struct DayCount {
    day: i64,
    count: u64,
}

impl Health {
    pub fn new() -> Self {
        Self {
            since_start: Stopwatch::start(),
            progress: ComponentProgress::default(),
            results: Mutex::default(),
            answers: Mutex::default(),
            gateway: Mutex::default(),
            token: watch::Sender::new(Token::Accepted),
            is_application_in_doubt: AtomicBool::new(false),
            saturation: Mutex::default(),
        }
    }

    /// Whether Discord accepts the token.
    pub fn token(&self) -> Token {
        *self.token.borrow()
    }

    /// Records that Discord rejected the token once.
    pub fn doubt_token(&self) {
        self.token.send_if_modified(|token| {
            let is_new = *token == Token::Accepted;
            if is_new {
                *token = Token::InDoubt;
            }
            is_new
        });
    }

    /// Records whether Discord accepts the token, after it was in doubt.
    pub fn settle_token(&self, token: Token) {
        self.token.send_replace(token);
    }

    /// Waits until the token is in this state.
    pub async fn token_is(&self, wanted: Token) {
        let mut token = self.token.subscribe();
        // The sender lives as long as this value, so this is no error.
        let _ = token.wait_for(|token| *token == wanted).await;
    }

    /// Whether the token may belong to another bot than the one in the stored guilds: until Discord says which bot it is, nothing
    /// is sent to Discord.
    pub fn is_application_in_doubt(&self) -> bool {
        self.is_application_in_doubt.load(Ordering::Relaxed)
    }

    /// Records that it is not known yet to which bot the token belongs.
    pub fn doubt_application(&self) {
        self.is_application_in_doubt.store(true, Ordering::Relaxed);
    }

    /// Records that the token belongs to the bot in the stored guilds.
    pub fn confirm_application(&self) {
        self.is_application_in_doubt.store(false, Ordering::Relaxed);
    }

    /// Records that the HTTP server refuses connections, because no slot is free.
    pub fn http_is_full(&self) {
        self.saturation().full(self.uptime());
    }

    /// Records that the HTTP server accepts connections.
    pub fn http_has_room(&self) {
        self.saturation().room(self.uptime());
    }

    /// Whether heartbeats and reports may be refused now.
    pub fn http_is_saturated(&self) -> bool {
        self.saturation().is_current(self.uptime())
    }

    /// Whether they may have been refused for so long that the current observation window has ended. It holds until
    /// `resume_observation_window`.
    pub fn observation_window_has_ended(&self) -> bool {
        self.saturation().has_ended_window(self.uptime())
    }

    /// Records that a new observation window has begun.
    pub fn resume_observation_window(&self) {
        self.saturation().resume();
    }

    fn saturation(&self) -> MutexGuard<'_, Saturation> {
        lock(&self.saturation)
    }

    /// How long the process has been up.
    pub fn uptime(&self) -> Duration {
        self.since_start.elapsed()
    }

    /// Records that check results are being recorded, of which the oldest has waited since `oldest`.
    pub fn results_wait(&self, oldest: Stopwatch) {
        lock(&self.results).wait(oldest);
    }

    /// Records whether they could be recorded.
    pub fn results_ended(&self, is_recorded: bool) {
        lock(&self.results).end(is_recorded);
    }

    /// Records that a check result was lost before that.
    pub fn result_lost(&self) {
        lock(&self.results).lose();
    }

    /// Records that Discord answered a message, whatever the answer is.
    pub fn message_answered(&self) {
        lock(&self.answers).answered(self.uptime());
    }

    /// Records that Discord did not answer a message to a guild, which took this long.
    pub fn message_unanswered(&self, guild: u64, took: Duration) {
        let sent = self.uptime().saturating_sub(took);
        lock(&self.answers).unanswered(guild, sent);
    }

    /// Records that no message waits for Discord.
    pub fn no_message_waits(&self) {
        lock(&self.answers).nothing_waits();
    }

    /// The guild of all messages that Discord has not answered for at least `limit`; `None` if there are none, or they are of
    /// several guilds.
    pub fn only_unanswered_guild(&self, limit: Duration) -> Option<u64> {
        let answers = lock(&self.answers);
        let is_long = answers.unanswered_for(self.uptime()) >= Some(limit);
        answers.only_guild().filter(|_| is_long)
    }

    /// What decides whether Rollcall is ready.
    pub fn facts(&self, observed: OtherFacts) -> Facts {
        let (gateway, results) = (self.gateway(), lock(&self.results));
        let jobs = [Component::HeartbeatMonitor, Component::ServerMonitor];
        let jobs = jobs.map(|job| self.progress.since_last(job).unwrap_or_default());
        Facts {
            observed,
            writer: self.stalled_for(Component::Writer),
            scheduler: self.stalled_for(Component::Scheduler),
            recorder: self.stalled_for(Component::Recorder),
            deliveries: self.stalled_for(Component::Deliveries),
            background_jobs: jobs.into_iter().max().unwrap_or_default(),
            discord_runtime: (gateway != Gateway::Off)
                .then(|| self.stalled_for(Component::DiscordRuntime)),
            monitors_read: self.progress.since_last(Component::MonitorFeed),
            results_lost: results.lost_ago(),
            oldest_result: results.oldest_waits(),
            unanswered: lock(&self.answers).unanswered_for(self.uptime()),
            gateway,
            gateway_away: self.gateway_away_for(),
            token: self.token(),
        }
    }

    /// Records that there is a token, so that the gateway is expected to be ready.
    pub fn expect_gateway(&self) {
        let mut state = self.state();
        state.is_on = true;
        state.not_ready_since.get_or_insert_with(Stopwatch::start);
    }

    /// Sets the number of shards, none of which has connected yet.
    pub fn begin_shards(&self, count: usize) {
        let mut state = self.state();
        state.shards = vec![Shard::default(); count];
        state.update_readiness();
    }

    /// Changes the state of a shard. An unknown id is ignored.
    pub fn change_shard(&self, id: usize, change: impl FnOnce(&mut Shard)) {
        let mut state = self.state();
        if let Some(shard) = state.shards.get_mut(id) {
            change(shard);
        }
        state.update_readiness();
    }

    pub fn shards(&self) -> Vec<Shard> {
        self.state().shards.clone()
    }

    pub fn gateway(&self) -> Gateway {
        self.state().gateway()
    }

    /// How long the gateway has not been ready; `None` while it is.
    pub fn gateway_away_for(&self) -> Option<Duration> {
        self.state().not_ready_since.map(|since| since.elapsed())
    }

    /// Time from the last heartbeat to its acknowledgment, of the slowest shard; `None` before the first.
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

    /// Records activity of Discord: ready, resumed, a message, a command or a button.
    pub fn note_activity(&self) {
        let mut state = self.state();
        state.last_activity = Some(Stopwatch::start());
        state.inactivity_is_logged = false;
    }

    /// Time since the last activity of Discord; since the start if there was none.
    pub fn inactive_for(&self) -> Duration {
        self.state()
            .last_activity
            .unwrap_or(self.since_start)
            .elapsed()
    }

    /// Whether the current inactivity has yet to be logged. A call marks it as logged.
    pub fn take_inactivity_warning(&self) -> bool {
        !std::mem::replace(&mut self.state().inactivity_is_logged, true)
    }

    /// Records a health check of the gateway; returns how many have failed in a row.
    pub fn record_gateway_check(&self) -> u32 {
        let mut state = self.state();
        state.failed_checks = match state.gateway() {
            Gateway::Connecting => state.failed_checks.saturating_add(1),
            Gateway::Ready | Gateway::Off => 0,
        };
        state.failed_checks
    }

    /// Number of consecutive health checks that found the gateway not ready.
    pub fn failed_checks(&self) -> u32 {
        self.state().failed_checks
    }

    /// Records that a connection to the gateway ended or could not be opened on this day (days since 1970, UTC).
    pub fn note_reconnect(&self, day: i64) {
        let reconnects = &mut self.state().reconnects;
        if reconnects.day != day {
            *reconnects = DayCount { day, count: 0 };
        }
        reconnects.count += 1;
    }

    /// Number of reconnects of this process on this day.
    pub fn reconnects_on(&self, day: i64) -> u64 {
        let reconnects = self.state().reconnects;
        if reconnects.day == day {
            reconnects.count
        } else {
            0
        }
    }

    fn state(&self) -> MutexGuard<'_, GatewayHealth> {
        lock(&self.gateway)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Updates since when the gateway has not been ready.
    fn update_readiness(&mut self) {
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
    fn latency_is_that_of_the_slowest_shard_and_guilds_are_summed() {
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
    fn failed_checks_are_consecutive_and_inactivity_is_logged_once() {
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
    fn reconnects_are_counted_per_day() {
        let health = Health::new();
        health.note_reconnect(20_000);
        health.note_reconnect(20_000);
        assert_eq!(health.reconnects_on(20_000), 2);
        assert_eq!(health.reconnects_on(20_001), 0);
        health.note_reconnect(20_001);
        assert_eq!(health.reconnects_on(20_001), 1);
    }

    const WORKING: OtherFacts = OtherFacts {
        is_database_readable: true,
        is_write_failing: false,
        is_connectivity_lost: false,
        is_name_resolution_lost: false,
    };

    /// Health in which every component makes progress now.
    fn working() -> Health {
        let health = Health::new();
        let all = [
            Component::Scheduler,
            Component::Recorder,
            Component::Deliveries,
            Component::HeartbeatMonitor,
            Component::ServerMonitor,
            Component::MonitorFeed,
            Component::Writer,
            Component::DiscordRuntime,
        ];
        for component in all {
            health.record_progress(component);
        }
        health
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn components_without_progress_fail_their_facts() {
        let health = working();
        pass(29).await;
        assert_eq!(health.facts(WORKING).failing(), []);
        health.expect_gateway();
        health.begin_shards(1);
        health.change_shard(0, |shard| shard.stage = Stage::Ready);
        pass(1).await;
        let all = [
            Fact::Writes,
            Fact::Scheduler,
            Fact::Monitors,
            Fact::CheckResults,
            Fact::Deliveries,
            Fact::BackgroundJobs,
            Fact::DiscordRuntime,
        ];
        assert_eq!(health.facts(WORKING).failing(), all);
    }

    #[tokio::test(start_paused = true)]
    async fn rollcall_is_not_ready_until_the_monitors_were_read() {
        let health = Health::new();
        assert_eq!(health.facts(WORKING).failing(), [Fact::Monitors]);
        health.record_progress(Component::MonitorFeed);
        assert_eq!(health.facts(WORKING).failing(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn check_results_fail_until_others_are_recorded() {
        let health = working();
        let failing = || health.facts(WORKING).failing();
        health.results_wait(Stopwatch::start());
        assert_eq!(failing(), []);
        health.results_ended(false);
        assert_eq!(failing(), [Fact::CheckResults]);
        health.results_ended(true);
        assert_eq!(failing(), []);
        health.result_lost();
        assert_eq!(failing(), [Fact::CheckResults]);
        health.results_ended(true);
        let oldest = Stopwatch::start();
        pass(20).await;
        health.results_wait(oldest);
        pass(11).await;
        health.record_progress(Component::Recorder);
        let word = || health.facts(WORKING).word(Fact::CheckResults);
        assert_eq!(word(), "waiting");
        health.results_ended(true);
        assert_eq!(word(), "ok", "none waits");
    }

    #[tokio::test(start_paused = true)]
    async fn only_discord_messages_of_one_guild_are_doubtful() {
        let health = Health::new();
        let limit = Duration::from_secs(15);
        assert_eq!(health.only_unanswered_guild(limit), None);
        pass(10).await;
        health.message_unanswered(7, Duration::from_secs(10));
        assert_eq!(health.only_unanswered_guild(limit), None);
        pass(5).await;
        assert_eq!(health.only_unanswered_guild(limit), Some(7));
        health.message_unanswered(8, Duration::ZERO);
        assert_eq!(health.only_unanswered_guild(limit), None);
        assert_eq!(health.facts(WORKING).unanswered, Some(limit));
        health.message_answered();
        assert_eq!(health.facts(WORKING).unanswered, None);
    }
}
