//! Rate limits by token bucket: a burst of requests, then one request per interval. A refusal names the limit that was hit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::http::api::problem::Problem;

/// Requests in a burst.
const BURST: u32 = 10;

/// Callers that are remembered; at the limit, those with a full bucket are dropped.
const CALLERS: usize = 50_000;

/// Whose requests a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateSubject {
    Device,
    Server,
    /// A key that reads or manages.
    Key,
    /// A client without a valid key.
    Address,
    /// A ping key, for pings that name no device.
    PingKey,
}

impl RateSubject {
    /// The limit, in a sentence without its end.
    const fn limit(self) -> &'static str {
        match self {
            Self::Device => "this device may send 1 request per second, and 10 in a burst",
            Self::Server => "this server may send 1 report per second, and 10 in a burst",
            Self::Key => "this API key may be used for 1 request per second, and 10 in a burst",
            Self::Address => {
                "this address may send 10 requests per minute without a valid key or UUID"
            }
            Self::PingKey => {
                "this ping key may send 10 pings per minute whose slug names no single device"
            }
        }
    }
}

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
    pub(in crate::http) fn take(&self, subject: RateSubject, caller: u64) -> Result<(), Problem> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS {
            buckets.retain(|_, bucket| self.left_in(bucket) < BURST.into());
        }
        let left = buckets
            .get(&caller)
            .map_or(f64::from(BURST), |bucket| self.left_in(bucket));
        if left < 1.0 {
            let wait = self.interval.mul_f64(1.0 - left).as_secs_f64().ceil();
            return Err(Problem::too_often(subject.limit(), whole_seconds(wait)));
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

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the interval, and never negative"
)]
fn whole_seconds(seconds: f64) -> u64 {
    seconds.max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_caller_has_a_burst_of_ten_then_one_per_second() {
        let rate_limit = RateLimit::authenticated();
        let taken = |caller| {
            (0..20)
                .filter(|_| rate_limit.take(RateSubject::Device, caller).is_ok())
                .count()
        };
        assert_eq!((taken(1), taken(2)), (10, 10));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(taken(1), 3);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(taken(1), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn unauthenticated_callers_have_ten_requests_per_minute() {
        let rate_limit = RateLimit::unauthenticated();
        let taken = || {
            (0..20)
                .filter(|_| rate_limit.take(RateSubject::Address, 1).is_ok())
                .count()
        };
        assert_eq!(taken(), 10);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(taken(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_names_the_limit_and_the_time_until_the_next_request() {
        let rate_limit = RateLimit::unauthenticated();
        while rate_limit.take(RateSubject::Address, 1).is_ok() {}
        tokio::time::advance(Duration::from_secs(4)).await;
        let refused = rate_limit.take(RateSubject::Address, 1).unwrap_err();
        assert_eq!(
            refused.detail(),
            "this address may send 10 requests per minute without a valid key or UUID. Try again in 2 s"
        );
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(rate_limit.take(RateSubject::Address, 1).is_ok());
    }
}
