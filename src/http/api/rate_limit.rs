//! Rate limits by token bucket: a burst of requests, then one request per interval.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::problem::Problem;
use crate::clock::Stopwatch;

/// Requests in a burst.
const BURST: u32 = 10;

/// Callers that are remembered; at the limit, those with a full bucket are dropped.
const CALLERS: usize = 50_000;

/// The buckets of all callers, by a number for each caller.
#[derive(Clone, Debug)]
pub struct RateLimit {
    interval: Duration,
    buckets: Arc<Mutex<HashMap<u64, Bucket>>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    since: Stopwatch,
    /// Requests left at that moment.
    left: f64,
}

impl RateLimit {
    /// The limit with a valid key: 1 request per second.
    pub fn authenticated() -> Self {
        Self::new(Duration::from_secs(1))
    }

    /// The limit without a valid key: 10 requests per minute.
    pub fn unauthenticated() -> Self {
        Self::new(Duration::from_secs(6))
    }

    fn new(interval: Duration) -> Self {
        Self {
            interval,
            buckets: Arc::default(),
        }
    }

    /// Takes one request from the caller's bucket, or refuses it.
    pub(in crate::http) fn take(&self, caller: u64) -> Result<(), Problem> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS {
            buckets.retain(|_, bucket| self.left_in(bucket) < BURST.into());
        }
        let left = buckets
            .get(&caller)
            .map_or(f64::from(BURST), |bucket| self.left_in(bucket));
        if left < 1.0 {
            return Err(Problem::too_often(self.interval.as_secs()));
        }
        let bucket = Bucket {
            since: Stopwatch::start(),
            left: left - 1.0,
        };
        buckets.insert(caller, bucket);
        Ok(())
    }

    fn left_in(&self, bucket: &Bucket) -> f64 {
        let filled = bucket.since.elapsed().as_secs_f64() / self.interval.as_secs_f64();
        (bucket.left + filled).min(BURST.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_caller_has_a_burst_of_ten_then_one_per_second() {
        let rate_limit = RateLimit::authenticated();
        let taken = |caller| (0..20).filter(|_| rate_limit.take(caller).is_ok()).count();
        assert_eq!((taken(1), taken(2)), (10, 10));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(taken(1), 3);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(taken(1), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn unauthenticated_callers_have_ten_requests_per_minute() {
        let rate_limit = RateLimit::unauthenticated();
        let taken = || (0..20).filter(|_| rate_limit.take(1).is_ok()).count();
        assert_eq!(taken(), 10);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(taken(), 10);
    }
}
