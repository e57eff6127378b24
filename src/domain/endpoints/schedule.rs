//! The check schedule: every endpoint has its own slot in its interval, so that checks do not bunch up.
//!
//! The slot comes from a hash of the ID. Nothing has to be stored, every endpoint keeps its slot across restarts, and a
//! thousand endpoints added in one import spread over the interval by themselves.

use std::time::Duration;

use crate::timestamp::{Timestamp, millis};

/// The endpoint's offset into its interval, in milliseconds: stable, and spread evenly over all IDs.
fn slot(monitor_id: i64, interval: Duration) -> i64 {
    let interval = millis(interval).max(1);
    i64::try_from(spread(monitor_id.unsigned_abs()) % interval.unsigned_abs()).unwrap_or(0)
}

/// SplitMix64's finalizer (Steele, Lea, Flood 2014): neighboring IDs land far apart.
fn spread(id: u64) -> u64 {
    let mut mixed = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Returns the endpoint's first slot after `now`.
pub fn next_slot(monitor_id: i64, interval: Duration, now: Timestamp) -> Timestamp {
    let length = millis(interval).max(1);
    let since_slot = (now.millis() - slot(monitor_id, interval)).rem_euclid(length);
    Timestamp::from_millis(now.millis() + length - since_slot)
}

/// Returns when a periodic job runs next: one period after its last run, or now if that has passed or there was no run.
pub fn next_run(last_run_at: Option<Timestamp>, period: Duration, now: Timestamp) -> Timestamp {
    last_run_at.map_or(now, |last| last.plus(period)).max(now)
}

/// Returns when the recheck job checks an endpoint next: at its first run at which the last check is at least `min_age` old.
///
/// `last_run_at` and `period` are those of the job.
pub fn next_recheck(
    last_check_at: Option<Timestamp>,
    min_age: Duration,
    last_run_at: Option<Timestamp>,
    period: Duration,
    now: Timestamp,
) -> Timestamp {
    let next = next_run(last_run_at, period, now);
    let old_enough = last_check_at.map_or(next, |checked| checked.plus(min_age));
    let missing = millis(old_enough.since(next)).unsigned_abs();
    let runs = missing.div_ceil(millis(period).max(1).unsigned_abs());
    next.plus(period.saturating_mul(u32::try_from(runs).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recently_checked_endpoint_waits_for_a_later_run() {
        let hour = Duration::from_secs(3600);
        let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        for (checked, last_run, now, next) in [
            (Some(0), Some(30), 40, 90),
            (Some(35), Some(30), 40, 150),
            (None, Some(30), 40, 90),
            (Some(0), None, 70, 70),
            (Some(-500), Some(0), 100, 100),
        ] {
            let due = next_recheck(checked.map(at), hour, last_run.map(at), hour, at(now));
            assert_eq!(
                due,
                at(next),
                "checked {checked:?}, last run {last_run:?}, now {now}"
            );
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_next_slot_lies_within_one_interval_and_repeats_with_it() {
        for id in 1..200 {
            let now = Timestamp::from_millis(1_700_000_000_123 + id);
            let first = next_slot(id, MINUTE, now);
            assert!(first > now && first <= now.plus(MINUTE));
            assert_eq!(next_slot(id, MINUTE, first), first.plus(MINUTE));
            assert_eq!(
                next_slot(id, MINUTE, first.minus(Duration::from_millis(1))),
                first
            );
        }
    }

    #[test]
    fn a_hundred_thousand_endpoints_spread_evenly_over_the_minute() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let mut seconds = [0_u32; 60];
        for id in 1..=100_000 {
            let wait = next_slot(id, MINUTE, now).since(now);
            seconds[usize::try_from(wait.as_secs().min(59)).unwrap()] += 1;
        }
        assert!(
            seconds.iter().all(|count| (1_480..=1_860).contains(count)),
            "{seconds:?}"
        );
    }

    #[test]
    fn a_zero_interval_does_not_divide_by_zero() {
        let now = Timestamp::from_millis(5);
        assert_eq!(next_slot(1, Duration::ZERO, now), Timestamp::from_millis(6));
    }
}
