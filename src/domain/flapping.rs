//! When something goes down and comes back so often that telling each time would only teach people to look away.

use std::time::Duration;

use super::timestamp::Timestamp;

/// More changes than this within the window are flapping.
const CHANGES: usize = 4;

/// What has been quiet for as long has settled.
pub const WINDOW: Duration = Duration::from_secs(3600);

/// Whether a monitor flaps, by its incidents, each with its beginning and its end. Both are changes.
pub fn is_flapping(outages: &[(Timestamp, Option<Timestamp>)], now: Timestamp) -> bool {
    let is_recent = |at: &Timestamp| now.since(*at) < WINDOW;
    let begun = outages.iter().filter(|(began, _)| is_recent(began));
    let ended = outages.iter().filter_map(|(_, ended)| *ended);
    begun.count() + ended.filter(is_recent).count() > CHANGES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    #[test]
    fn more_than_four_changes_in_an_hour_are_flapping() {
        let went = |from, to| (minute(from), Some(minute(to)));
        for (outages, flaps, why) in [
            (vec![], false, "nothing happened"),
            (vec![went(40, 41), went(50, 51)], false, "four changes"),
            (
                vec![went(40, 41), went(50, 51), (minute(59), None)],
                true,
                "five",
            ),
            (
                vec![went(-9, -5), went(50, 51), (minute(59), None)],
                false,
                "two of them too long ago",
            ),
            (
                vec![went(-9, 1), went(50, 51), (minute(59), None)],
                false,
                "one of them too long ago",
            ),
        ] {
            assert_eq!(is_flapping(&outages, minute(60)), flaps, "{why}");
        }
    }
}
