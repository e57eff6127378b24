//! Rate limits by token bucket: a burst of requests, then one request per interval. A refusal names the limit that was hit.
//!
//! A bucket is stored as the time at which it is full again. That orders the buckets by what is lost if one is dropped: those
//! that are full already lose nothing, and go a few at a time. Beyond the limit of callers, the one that is full soonest
//! goes, so that many new callers cannot refill the empty bucket of another caller.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::http::api::problem::Problem;

/// Requests in a burst.
const BURST: u32 = 10;

/// Requests in a burst with keys or UUIDs that were not used recently. After a restart, none was: a fleet behind one router
/// gets by with it, because a lookup that finds something is given back.
const LOOKUP_BURST: u32 = 60;

/// The time in which a valid caller gets one request back: a device or agent sends a few per minute.
const INTERVAL: Duration = Duration::from_secs(1);

/// The time in which an address gets back one request without a valid key: enough for a person who mistypes one.
const UNAUTHENTICATED_INTERVAL: Duration = Duration::from_secs(6);

/// The time in which an address gets back one lookup that found nothing.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(1);

/// Probes in a burst, and the time in which a guild gets one back: 1,000 targets every 100 s, or 150 every 15 s.
const PROBE_BURST: u32 = 100;
const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// Callers that are remembered, about 5 MB in each rate limit.
const CALLERS: usize = 50_000;

/// Full buckets that one request drops at most: more than it adds, so that they do not accumulate.
const DROPPED_AT_ONCE: usize = 4;

/// Whose requests a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateSubject {
    Device,
    Server,
    /// A key that reads or manages.
    Key,
    /// A client without a valid key.
    Address,
    /// A client whose key, UUID or token must be looked up.
    Lookup,
    /// A ping key, for pings that name no device.
    PingKey,
    /// A guild that has targets checked.
    Probe,
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
            Self::Lookup => {
                "this address may send 1 request per second with a key or UUID that was not used recently, and 60 in a burst"
            }
            Self::Probe => "this Discord server may have 10 probes per second, and 100 in a burst",
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
    /// The time in which an empty bucket becomes full.
    refill: Duration,
    callers: usize,
    since_start: Stopwatch,
    buckets: Arc<Mutex<Buckets>>,
}

/// When each bucket is full again, as the time since the start.
#[derive(Debug, Default)]
struct Buckets {
    full_at: HashMap<u64, Duration>,
    by_time: BTreeSet<(Duration, u64)>,
}

impl RateLimit {
    /// The limit with a valid key: 1 request per second.
    pub fn authenticated() -> Self {
        Self::new(BURST, INTERVAL, CALLERS)
    }

    /// The limit without a valid key: 10 requests per minute.
    pub fn unauthenticated() -> Self {
        Self::new(BURST, UNAUTHENTICATED_INTERVAL, CALLERS)
    }

    /// The limit of lookups that find nothing.
    pub fn lookups() -> Self {
        Self::new(LOOKUP_BURST, LOOKUP_INTERVAL, CALLERS)
    }

    /// The limit of probes with a valid key.
    pub fn probes() -> Self {
        Self::new(PROBE_BURST, PROBE_INTERVAL, CALLERS)
    }

    pub(in crate::http) fn new(burst: u32, interval: Duration, callers: usize) -> Self {
        Self {
            interval,
            refill: interval * burst,
            callers,
            since_start: Stopwatch::start(),
            buckets: Arc::default(),
        }
    }

    /// Takes one request from the caller's bucket, or refuses it.
    pub(in crate::http) fn take(&self, subject: RateSubject, caller: u64) -> Result<(), Problem> {
        let now = self.since_start.elapsed();
        let mut buckets = self.lock();
        buckets.drop_full(now);
        let full_at = buckets.full_at(caller, now) + self.interval;
        let wait = full_at.saturating_sub(now + self.refill);
        if !wait.is_zero() {
            let wait = wait.as_secs_f64().ceil();
            return Err(Problem::too_often(subject.limit(), whole_seconds(wait)));
        }
        buckets.make_room(caller, self.callers);
        buckets.set(caller, full_at);
        Ok(())
    }

    /// Gives back one request that was taken.
    pub(in crate::http) fn give_back(&self, caller: u64) {
        let now = self.since_start.elapsed();
        let mut buckets = self.lock();
        let full_at = buckets.full_at(caller, now);
        match full_at.checked_sub(self.interval) {
            Some(earlier) if earlier > now => buckets.set(caller, earlier),
            _ => buckets.remove(caller),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    fn full_at(&self, caller: u64, now: Duration) -> Duration {
        self.full_at
            .get(&caller)
            .map_or(now, |full_at| now.max(*full_at))
    }

    fn set(&mut self, caller: u64, full_at: Duration) {
        self.remove(caller);
        self.full_at.insert(caller, full_at);
        self.by_time.insert((full_at, caller));
    }

    fn remove(&mut self, caller: u64) {
        if let Some(known) = self.full_at.remove(&caller) {
            self.by_time.remove(&(known, caller));
        }
    }

    /// Drops a few buckets that are full.
    fn drop_full(&mut self, now: Duration) {
        for _ in 0..DROPPED_AT_ONCE {
            match self.by_time.first() {
                Some(&(full_at, caller)) if full_at <= now => self.remove(caller),
                _ => return,
            }
        }
    }

    /// Drops the bucket that is full soonest if the caller is one too many.
    fn make_room(&mut self, caller: u64, callers: usize) {
        if self.full_at.len() < callers || self.full_at.contains_key(&caller) {
            return;
        }
        if let Some(&(_, soonest)) = self.by_time.first() {
            self.remove(soonest);
        }
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

    /// How many of `tries` requests are accepted.
    fn taken(rate_limit: &RateLimit, caller: u64, tries: usize) -> usize {
        let take = |_: &usize| rate_limit.take(RateSubject::Address, caller).is_ok();
        (0..tries).filter(take).count()
    }

    #[tokio::test(start_paused = true)]
    async fn lookups_have_a_burst_of_sixty_and_those_that_are_given_back_do_not_count() {
        let rate_limit = RateLimit::lookups();
        for _ in 0..200 {
            assert_eq!(taken(&rate_limit, 1, 1), 1);
            rate_limit.give_back(1);
        }
        assert_eq!(taken(&rate_limit, 1, 100), 60);
        rate_limit.give_back(1);
        assert_eq!(taken(&rate_limit, 1, 100), 1);
        // What was never taken adds nothing.
        rate_limit.give_back(2);
        assert_eq!(taken(&rate_limit, 2, 100), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_has_a_burst_of_a_hundred_probes_then_ten_per_second() {
        let rate_limit = RateLimit::probes();
        assert_eq!(taken(&rate_limit, 1, 200), 100);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(taken(&rate_limit, 1, 200), 30);
        let refused = rate_limit.take(RateSubject::Probe, 1).unwrap_err();
        assert_eq!(
            refused.detail(),
            "this Discord server may have 10 probes per second, and 100 in a burst. Try again in 1 s"
        );
        assert_eq!(taken(&rate_limit, 2, 200), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn many_new_callers_do_not_refill_an_empty_bucket() {
        let rate_limit = RateLimit::new(10, Duration::from_secs(6), 3);
        assert_eq!(taken(&rate_limit, 0, 20), 10);
        for caller in 1..100 {
            assert_eq!(taken(&rate_limit, caller, 1), 1, "{caller}");
            assert!(rate_limit.lock().full_at.len() <= 3);
        }
        assert_eq!(taken(&rate_limit, 0, 20), 0);
        // The last two are still remembered, too.
        assert_eq!(
            (taken(&rate_limit, 98, 20), taken(&rate_limit, 99, 20)),
            (9, 9)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn full_buckets_are_dropped_a_few_at_a_time() {
        let rate_limit = RateLimit::unauthenticated();
        for caller in 0..100 {
            assert_eq!(taken(&rate_limit, caller, 1), 1);
        }
        tokio::time::advance(UNAUTHENTICATED_INTERVAL - Duration::from_millis(1)).await;
        taken(&rate_limit, 100, 1);
        assert_eq!(rate_limit.lock().full_at.len(), 101);
        tokio::time::advance(Duration::from_millis(1)).await;
        taken(&rate_limit, 100, 1);
        assert_eq!(rate_limit.lock().full_at.len(), 101 - DROPPED_AT_ONCE);
        for _ in 0..100 {
            taken(&rate_limit, 100, 1);
        }
        let buckets = rate_limit.lock();
        assert_eq!((buckets.full_at.len(), buckets.by_time.len()), (1, 1));
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
