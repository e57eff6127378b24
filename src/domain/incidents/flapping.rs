//! Detects flapping: a monitor goes down and recovers so often that a notification each time would teach people to ignore
//! them.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// More changes than this within the window count as flapping.
const CHANGES: usize = 4;

/// The period in which changes count; flapping ends after this long without a change.
pub const WINDOW: Duration = Duration::from_secs(3600);

/// A flapping monitor that has been offline for this long without a change has an outage like any other.
pub const SETTLED_DOWN: Duration = Duration::from_secs(900);

/// Whether a monitor is flapping, by the start and end times of its outages, the newest first. Both count as changes. Those
/// before the end of an outage that settled do not count: it was an outage like any other.
pub fn is_flapping(outages: &[(Timestamp, Option<Timestamp>)], now: Timestamp) -> bool {
    let is_recent = |at: &Timestamp| now.since(*at) < WINDOW;
    let has_settled = |(began, ended): &(Timestamp, Option<Timestamp>)| {
        ended.is_some_and(|ended| ended.since(*began) >= SETTLED_DOWN)
    };
    let mut changes = 0;
    for outage in outages {
        let (began, ended) = *outage;
        changes += usize::from(ended.as_ref().is_some_and(is_recent));
        if has_settled(outage) {
            break;
        }
        changes += usize::from(is_recent(&began));
    }
    changes > CHANGES
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
                vec![
                    (minute(59), None),
                    down(55, 56),
                    down(30, 45),
                    down(20, 21),
                    down(10, 11),
                ],
                false,
                "an outage of 15 minutes settled",
            ),
            (
                vec![
                    (minute(59), None),
                    down(55, 56),
                    down(31, 45),
                    down(20, 21),
                    down(10, 11),
                ],
                true,
                "an outage of 14 minutes did not",
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
