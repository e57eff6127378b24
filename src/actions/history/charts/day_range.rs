//! The longest range of pictures and lists that have a figure for each day.

use std::time::Duration;

use crate::actions::Error;
use crate::domain::history::chart::days::strip::MOST_DAYS;
use crate::domain::history::range::HistoryRange;

/// The day on which the clocks go back is longer.
const LONGEST_HOUR: Duration = Duration::from_secs(3_600);

/// Whether a range has at most `MOST_DAYS` days.
pub fn is_in_days(range: HistoryRange) -> bool {
    let day = Duration::from_secs(86_400);
    range.length() <= day * u32::try_from(MOST_DAYS).unwrap_or(u32::MAX) + LONGEST_HOUR
}

/// Refuses a range of more than `MOST_DAYS` days.
///
/// # Errors
/// `Invalid`, with a range that is possible.
pub fn check(range: HistoryRange) -> Result<(), Error> {
    match is_in_days(range) {
        true => Ok(()),
        false => Err(Error::Invalid(format!(
            "figures of each day are shown for at most {MOST_DAYS} days. Example: `90d`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn ranges_have_at_most_92_days_and_the_hour_of_summer_time() {
        let day: i64 = 86_400_000;
        for (millis, is_short) in [
            (day, true),
            (92 * day, true),
            (92 * day + 3_600_000, true),
            (92 * day + 3_600_001, false),
            (93 * day, false),
        ] {
            let range = HistoryRange {
                from: Timestamp::from_millis(0),
                to: Timestamp::from_millis(millis),
            };
            assert_eq!(is_in_days(range), is_short, "{millis}");
            assert_eq!(check(range).is_ok(), is_short, "{millis}");
        }
    }
}
