//! Detects flapping: a monitor goes down and recovers so often that a notification each time would teach people to ignore
//! them.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// More changes than this within the window count as flapping.
const CHANGES: usize = 4;

/// The period in which changes count; flapping ends after this long without a change.
pub const WINDOW: Duration = Duration::from_secs(3600);

/// Whether a monitor is flapping, by the start and end times of its outages. Both count as changes.
pub fn is_flapping(outages: &[(Timestamp, Option<Timestamp>)], now: Timestamp) -> bool {
    let is_recent = |at: &Timestamp| now.since(*at) < WINDOW;
    let started = outages.iter().filter(|(began, _)| is_recent(began));
    let ended = outages.iter().filter_map(|(_, ended)| *ended);
    started.count() + ended.filter(is_recent).count() > CHANGES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    #[test]
    fn more_than_four_changes_in_an_hour_are_flapping() {
        let down = |from, to| (minute(from), Some(minute(to)));
        for (outages, flaps, why) in [
            (vec![], false, "nothing happened"),
            (vec![down(40, 41), down(50, 51)], false, "four changes"),
            (
                vec![down(40, 41), down(50, 51), (minute(59), None)],
                true,
                "five",
            ),
            (
                vec![down(-9, -5), down(50, 51), (minute(59), None)],
                false,
                "two of them too long ago",
            ),
            (
                vec![down(-9, 1), down(50, 51), (minute(59), None)],
                false,
                "one of them too long ago",
            ),
        ] {
            assert_eq!(is_flapping(&outages, minute(60)), flaps, "{why}");
        }
    }
}
