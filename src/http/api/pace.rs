//! How often each caller may call: one call a second, and ten at once after a rest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::problem::Problem;
use crate::clock::Stopwatch;

/// One call in this time.
const EACH: Duration = Duration::from_secs(1);

/// Calls at once after a rest.
const BURST: u32 = 10;

/// Callers that are remembered; beyond that, those who have rested long enough are forgotten.
const CALLERS: usize = 50_000;

/// The pace of every caller, by a number of its own.
#[derive(Clone, Debug, Default)]
pub struct Pace(Arc<Mutex<HashMap<u64, Bucket>>>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    since: Stopwatch,
    /// Calls left at that moment.
    left: f64,
}

impl Bucket {
    fn left_now(&self) -> f64 {
        let filled = self.since.elapsed().as_secs_f64() / EACH.as_secs_f64();
        (self.left + filled).min(BURST.into())
    }
}

impl Pace {
    /// Takes one call of this caller's, or refuses it.
    pub(super) fn take(&self, caller: u64) -> Result<(), Problem> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS {
            buckets.retain(|_, bucket| bucket.left_now() < BURST.into());
        }
        let left = buckets
            .get(&caller)
            .map_or(f64::from(BURST), Bucket::left_now);
        if left < 1.0 {
            return Err(Problem::too_often(1));
        }
        let bucket = Bucket {
            since: Stopwatch::start(),
            left: left - 1.0,
        };
        buckets.insert(caller, bucket);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_at_once_and_then_one_a_second_for_each_caller() {
        let pace = Pace::default();
        let taken = |caller| (0..20).filter(|_| pace.take(caller).is_ok()).count();
        assert_eq!((taken(1), taken(2)), (10, 10));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(taken(1), 3);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(taken(1), 10);
    }
}
