//! How often somebody may call: so many at once after a rest, and then one in each span of time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::problem::Problem;
use crate::clock::Stopwatch;

/// Calls at once after a rest.
const BURST: u32 = 10;

/// Callers that are remembered; beyond that, those who have rested long enough are forgotten.
const CALLERS: usize = 50_000;

/// The pace of every caller, by a number of its own.
#[derive(Clone, Debug)]
pub struct RateLimit {
    each: Duration,
    buckets: Arc<Mutex<HashMap<u64, Bucket>>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    since: Stopwatch,
    /// Calls left at that moment.
    left: f64,
}

impl RateLimit {
    /// Of those who have a key: one call a second.
    pub fn authenticated() -> Self {
        Self::new(Duration::from_secs(1))
    }

    /// Of those who have none: ten calls a minute.
    pub fn unauthenticated() -> Self {
        Self::new(Duration::from_secs(6))
    }

    fn new(each: Duration) -> Self {
        Self {
            each,
            buckets: Arc::default(),
        }
    }

    /// Takes one call of this caller's, or refuses it.
    pub(in crate::http) fn take(&self, caller: u64) -> Result<(), Problem> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS {
            buckets.retain(|_, bucket| self.left_in(bucket) < BURST.into());
        }
        let left = buckets
            .get(&caller)
            .map_or(f64::from(BURST), |bucket| self.left_in(bucket));
        if left < 1.0 {
            return Err(Problem::too_often(self.each.as_secs()));
        }
        let bucket = Bucket {
            since: Stopwatch::start(),
            left: left - 1.0,
        };
        buckets.insert(caller, bucket);
        Ok(())
    }

    fn left_in(&self, bucket: &Bucket) -> f64 {
        let filled = bucket.since.elapsed().as_secs_f64() / self.each.as_secs_f64();
        (bucket.left + filled).min(BURST.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_at_once_and_then_one_a_second_for_each_caller() {
        let rate_limit = RateLimit::authenticated();
        let taken = |caller| (0..20).filter(|_| rate_limit.take(caller).is_ok()).count();
        assert_eq!((taken(1), taken(2)), (10, 10));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(taken(1), 3);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(taken(1), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_have_ten_calls_a_minute() {
        let rate_limit = RateLimit::unauthenticated();
        let taken = || (0..20).filter(|_| rate_limit.take(1).is_ok()).count();
        assert_eq!(taken(), 10);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(taken(), 10);
    }
}
