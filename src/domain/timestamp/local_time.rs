//! Dates and times of a time zone, and the timestamps that they stand for.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::Timestamp;

/// Returns the date of a timestamp in the zone; `None` beyond the calendar, 262,000 years from now.
pub(crate) fn local_date(at: Timestamp, zone: Tz) -> Option<NaiveDate> {
    let utc: DateTime<Utc> = DateTime::from_timestamp_millis(at.millis())?;
    Some(utc.with_timezone(&zone).date_naive())
}

/// Returns the first timestamp at which the zone's local time is `local`, or has skipped it.
pub(crate) fn first_at(local: NaiveDateTime, zone: Tz) -> Option<Timestamp> {
    let found = zone.from_local_datetime(&local);
    if let Some(first) = found.earliest() {
        return Some(Timestamp::from_millis(first.timestamp_millis()));
    }
    // Skipped: the clocks go forward to the next minute that exists.
    let mut later = local;
    for _ in 0..(24 * 60) {
        later = later.checked_add_signed(TimeDelta::minutes(1))?;
        if let Some(first) = zone.from_local_datetime(&later).earliest() {
            return Some(Timestamp::from_millis(first.timestamp_millis()));
        }
    }
    None
}

/// Returns the first timestamp of a day in the zone. That is not midnight where the clocks skip it, and the first timestamp of
/// the next day where they skip the whole day.
pub(crate) fn start_of_day(date: NaiveDate, zone: Tz) -> Option<Timestamp> {
    first_at(date.and_time(NaiveTime::MIN), zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn a_day_starts_with_its_first_timestamp() {
        for (date, zone, start, why) in [
            ("2026-12-01", "UTC", "2026-12-01T00:00:00Z", "midnight"),
            (
                "2026-12-01",
                "Europe/Berlin",
                "2026-11-30T23:00:00Z",
                "winter",
            ),
            (
                "2026-07-01",
                "Europe/Berlin",
                "2026-06-30T22:00:00Z",
                "summer",
            ),
            (
                "2018-11-04",
                "America/Sao_Paulo",
                "2018-11-04T03:00:00Z",
                "midnight is skipped, and the day starts at 01:00",
            ),
            (
                "2026-11-01",
                "America/Havana",
                "2026-11-01T04:00:00Z",
                "midnight occurs twice, and the first one counts",
            ),
            (
                "2011-12-30",
                "Pacific/Apia",
                "2011-12-30T10:00:00Z",
                "the day is skipped",
            ),
            (
                "2011-12-31",
                "Pacific/Apia",
                "2011-12-30T10:00:00Z",
                "the day after it",
            ),
        ] {
            let zone: Tz = zone.parse().unwrap();
            let found = start_of_day(date.parse().unwrap(), zone).unwrap();
            assert_eq!(text::timestamp(found), start, "{why}");
        }
    }

    #[test]
    fn a_timestamp_has_the_date_of_its_zone() {
        let at = text::parse_timestamp("2026-12-01T23:30:00Z").unwrap();
        for (zone, date) in [
            (Tz::UTC, "2026-12-01"),
            (Tz::Europe__Berlin, "2026-12-02"),
            (Tz::Pacific__Apia, "2026-12-02"),
            (Tz::America__New_York, "2026-12-01"),
        ] {
            let found = local_date(at, zone).unwrap();
            assert_eq!(found.to_string(), date, "{zone}");
        }
        assert_eq!(local_date(Timestamp::from_millis(i64::MAX), Tz::UTC), None);
    }
}
