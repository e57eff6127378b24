//! What is known of the line to the gateway: how it stands, what it cost, when to try again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::domain::reconnect;
use crate::metrics::Metrics;
use crate::vitals::{Gateway, Vitals};

/// Discord takes one IDENTIFY in five seconds.
const IDENTIFY_GAP: Duration = Duration::from_secs(5);

/// A connection that held this long ends a row of failures.
const STEADY: Duration = Duration::from_secs(30);

/// Why Discord will not have us, by close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::discord) enum Final {
    /// 4004: the token is not known.
    Token,
    /// 4013 or 4014: the intents.
    Intents(u16),
    /// 4010 to 4012: shards or the version.
    Other(u16),
}

impl Final {
    /// The final reason behind a close code; `None` for one after which to try again.
    pub(super) fn of(code: u16) -> Option<Self> {
        match code {
            4004 => Some(Self::Token),
            4013 | 4014 => Some(Self::Intents(code)),
            4010..=4012 => Some(Self::Other(code)),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
struct Facts {
    failures: u32,
    connected_since: Option<Stopwatch>,
    identified_at: Option<Stopwatch>,
    refused: Option<Final>,
}

/// Shared by the connections of one client, and by whoever wants to know.
#[derive(Debug)]
pub(in crate::discord) struct Line {
    facts: Mutex<Facts>,
    vitals: Arc<Vitals>,
    metrics: Arc<Metrics>,
}

impl Line {
    pub(in crate::discord) fn new(vitals: Arc<Vitals>, metrics: Arc<Metrics>) -> Self {
        Self {
            facts: Mutex::default(),
            vitals,
            metrics,
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why Discord refused us for good, if it did; asking forgets it.
    pub(in crate::discord) fn take_refusal(&self) -> Option<Final> {
        self.facts().refused.take()
    }

    pub(super) fn refuse(&self, reason: Final) {
        self.facts().refused = Some(reason);
    }

    /// How long to wait before the next attempt to connect; says so when quick attempts are used up.
    pub(super) fn wait_before_connecting(&self, max_reconnects: u32) -> Duration {
        let wait = reconnect::wait(self.facts().failures, max_reconnects.max(1), jitter());
        if wait.gives_up_haste {
            tracing::error!("Max reconnection attempts reached");
        }
        wait.length
    }

    /// Waits until an IDENTIFY may be sent, and takes the right to send it.
    pub(super) async fn wait_for_identify(&self) {
        loop {
            let missing = {
                let mut facts = self.facts();
                let missing = facts.identified_at.map_or(Duration::ZERO, |at| {
                    IDENTIFY_GAP.saturating_sub(at.elapsed())
                });
                if missing.is_zero() {
                    facts.identified_at = Some(Stopwatch::start());
                    break;
                }
                missing
            };
            tokio::time::sleep(missing).await;
        }
        self.metrics.gateway_identifies.inc();
    }

    pub(super) fn resuming(&self) {
        self.metrics.gateway_resumes.inc();
    }

    /// The gateway has said READY or RESUMED.
    pub(super) fn is_up(&self) {
        self.facts().connected_since = Some(Stopwatch::start());
        self.vitals.set_gateway(Gateway::Ready);
        self.vitals.note_activity();
        self.metrics.gateway_up.set(1);
    }

    /// A heartbeat was acknowledged after this long.
    pub(super) fn acknowledged(&self, latency: Duration) {
        self.vitals.set_latency(latency);
        self.metrics
            .gateway_latency_seconds
            .set(latency.as_secs_f64());
    }

    /// The connection has ended, or could not be opened; `reason` is a word for the metrics.
    pub(super) fn ended(&self, reason: &str) {
        let mut facts = self.facts();
        let was_steady = facts
            .connected_since
            .take()
            .is_some_and(|since| since.elapsed() >= STEADY);
        facts.failures = if was_steady {
            0
        } else {
            facts.failures.saturating_add(1)
        };
        drop(facts);
        self.vitals.set_gateway(Gateway::Connecting);
        self.metrics.gateway_up.set(0);
        self.metrics
            .gateway_reconnects
            .with_label_values(&[reason])
            .inc();
    }

    pub(super) fn saw_activity(&self) {
        self.vitals.note_activity();
    }

    pub(super) fn guilds(&self, count: usize) {
        self.vitals.set_guilds(count);
    }
}

/// A random number from 0 to 1. The standard library's hasher is seeded by the system; nothing better is needed here.
fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_close_codes_are_final() {
        for (code, reason) in [
            (1000, None),
            (4000, None),
            (4003, None),
            (4004, Some(Final::Token)),
            (4009, None),
            (4010, Some(Final::Other(4010))),
            (4013, Some(Final::Intents(4013))),
            (4014, Some(Final::Intents(4014))),
        ] {
            assert_eq!(Final::of(code), reason, "{code}");
        }
    }

    #[test]
    fn jitter_lies_between_nothing_and_one() {
        assert!(
            (0..1000)
                .map(|_| jitter())
                .all(|random| (0.0..=1.0).contains(&random))
        );
    }
}
