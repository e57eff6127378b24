//! What the parts say of themselves while they run: the facts behind `/healthz`, `/readyz` and `/ping`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

/// The scheduler turns over every few seconds; silent for longer than this it is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// How the connection to Discord stands.
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

/// Shared by the parts that report and the doors that show.
#[derive(Debug)]
pub struct Vitals {
    since_start: Stopwatch,
    /// Milliseconds after the start.
    scheduler_turned_at: AtomicU64,
    gateway: Mutex<GatewayFacts>,
}

#[derive(Debug, Default)]
struct GatewayFacts {
    stage: Gateway,
    latency: Option<Duration>,
    guilds: usize,
    last_activity: Option<Stopwatch>,
    not_ready_since: Option<Stopwatch>,
}

impl Vitals {
    pub fn new() -> Self {
        Self {
            since_start: Stopwatch::start(),
            scheduler_turned_at: AtomicU64::new(0),
            gateway: Mutex::default(),
        }
    }

    /// How long the process has been up.
    pub fn uptime(&self) -> Duration {
        self.since_start.elapsed()
    }

    /// Called by the scheduler at every turn.
    pub fn scheduler_turned(&self) {
        let millis = u64::try_from(self.since_start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.scheduler_turned_at.store(millis, Ordering::Relaxed);
    }

    /// Whether the scheduler has turned over lately.
    pub fn scheduler_is_alive(&self) -> bool {
        let turned_at = Duration::from_millis(self.scheduler_turned_at.load(Ordering::Relaxed));
        self.since_start.elapsed().saturating_sub(turned_at) < STUCK_AFTER
    }

    pub fn set_gateway(&self, stage: Gateway) {
        let mut facts = self.facts();
        facts.stage = stage;
        match stage {
            Gateway::Connecting => drop(facts.not_ready_since.get_or_insert_with(Stopwatch::start)),
            Gateway::Ready | Gateway::Off => facts.not_ready_since = None,
        }
    }

    pub fn gateway(&self) -> Gateway {
        self.facts().stage
    }

    /// For how long the gateway has not been ready; `None` while it is.
    pub fn gateway_away_for(&self) -> Option<Duration> {
        self.facts().not_ready_since.map(|since| since.elapsed())
    }

    pub fn set_latency(&self, latency: Duration) {
        self.facts().latency = Some(latency);
    }

    /// From the last heartbeat to its ack; `None` before the first.
    pub fn latency(&self) -> Option<Duration> {
        self.facts().latency
    }

    pub fn set_guilds(&self, guilds: usize) {
        self.facts().guilds = guilds;
    }

    pub fn guilds(&self) -> usize {
        self.facts().guilds
    }

    /// Something came from Discord: ready, resumed, a message, a command or a button.
    pub fn note_activity(&self) {
        self.facts().last_activity = Some(Stopwatch::start());
    }

    /// How long ago something came from Discord; since the start where nothing has yet.
    pub fn quiet_for(&self) -> Duration {
        self.facts()
            .last_activity
            .unwrap_or(self.since_start)
            .elapsed()
    }

    fn facts(&self) -> MutexGuard<'_, GatewayFacts> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
