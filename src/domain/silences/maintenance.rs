//! Maintenance windows, in which outages are expected: once, or every week in local time.
//!
//! Weekly windows use the local time of their zone. If daylight saving skips the start time (in spring), the window starts
//! when the clocks go forward; if it occurs twice (in fall), the first one counts. The length is elapsed time.

use std::time::Duration;

use chrono::{Datelike, Days, NaiveDate, NaiveTime};
pub use chrono_tz::Tz;
use strum::{IntoStaticStr, VariantArray};

use crate::monitor::ValidationError;
use crate::text;
use crate::text::duration_rule::DurationRule;
use crate::timestamp::Timestamp;
use crate::timestamp::local_time::{first_at, local_date};

/// The shortest and the longest maintenance window.
pub const LENGTHS: (Duration, Duration) =
    (Duration::from_secs(60), Duration::from_secs(7 * 86_400));

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum WeekDay {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// The start and the end of a maintenance window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

impl TimeWindow {
    /// Whether the window is open: from its first millisecond, and no longer at its end.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.starts_at <= now && now < self.ends_at
    }
}

/// Days of the week; bit 0 is Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekDays(u8);

impl WeekDays {
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// `None` if no day is set, or a bit does not stand for a day.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits & 0x7f == bits && bits != 0).then_some(Self(bits))
    }

    /// `None` if there is no day.
    pub fn of(days: impl IntoIterator<Item = WeekDay>) -> Option<Self> {
        let bits = days.into_iter().fold(0, |bits, day| bits | 1 << day as u8);
        Self::from_bits(bits)
    }

    /// The days, from Monday on.
    pub fn days(self) -> impl Iterator<Item = WeekDay> {
        let days = WeekDay::VARIANTS.iter().copied();
        days.filter(move |day| self.0 & (1 << *day as u8) != 0)
    }

    /// Reads `mon,thu`, `sat sun` or `daily`.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let refusal = || {
            ValidationError::new(
                "the days must be from mon, tue, wed, thu, fri, sat, sun, or daily. Example: `mon,thu`",
            )
        };
        let text = text.trim().to_lowercase();
        if text == "daily" {
            return Ok(Self(0x7f));
        }
        let mut bits = 0;
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            // The first three letters decide, so `monday` is valid, too.
            let short = word
                .get(..3)
                .filter(|_| word.is_ascii())
                .ok_or_else(refusal)?;
            let day = WeekDay::VARIANTS
                .iter()
                .position(|day| day.into_str() == short);
            bits |= 1 << day.ok_or_else(refusal)?;
        }
        Self::from_bits(bits).ok_or_else(refusal)
    }

    fn has(self, date: NaiveDate) -> bool {
        self.0 & (1 << date.weekday().num_days_from_monday()) != 0
    }
}

impl std::fmt::Display for WeekDays {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0x7f {
            return out.write_str("daily");
        }
        let chosen: Vec<&str> = self.days().map(|day| day.into_str()).collect();
        out.write_str(&chosen.join(","))
    }
}

/// A weekly maintenance window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekly {
    pub days: WeekDays,
    /// Minute of the day, in local time of the zone.
    pub minute: u16,
    pub length: Duration,
    pub zone: Tz,
}

impl Weekly {
    /// Returns the window that is open at `now`, or the next one.
    pub fn next(&self, now: Timestamp) -> Option<TimeWindow> {
        let today = local_date(now, self.zone)?;
        // A window that started up to a week ago may still be open. The next one is at most a week away, or two weeks if
        // the zone skips a day.
        let mut date = today.checked_sub_days(Days::new(8))?;
        for _ in 0..24 {
            if self.days.has(date) {
                let starts_at = at(date, self.minute, self.zone)?;
                let window = TimeWindow {
                    starts_at,
                    ends_at: starts_at.plus(self.length),
                };
                if window.ends_at > now {
                    return Some(window);
                }
            }
            date = date.succ_opt()?;
        }
        None
    }
}

/// Returns the timestamp of a minute of a day in local time.
pub(crate) fn at(date: NaiveDate, minute: u16, zone: Tz) -> Option<Timestamp> {
    let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0)?;
    first_at(date.and_time(time), zone)
}

/// Reads a time zone by its IANA name, in any case.
pub fn parse_zone(text: &str) -> Result<Tz, ValidationError> {
    Tz::from_str_insensitive(text.trim()).map_err(|_| {
        ValidationError::new("the time zone must be an IANA name. Example: `Europe/Berlin`")
    })
}

/// Reads a time of day, `22:30`, as the minute of the day.
pub fn parse_time(text: &str) -> Result<u16, ValidationError> {
    let refusal = || {
        ValidationError::new(format!(
            "{} is not a time of day, from 00:00 to 23:59. Example: `22:30`",
            shown(text)
        ))
    };
    let time = NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| refusal())?;
    let minutes = time.signed_duration_since(NaiveTime::MIN).num_minutes();
    u16::try_from(minutes).map_err(|_| refusal())
}

/// Reads a local date and time, `2026-12-01 22:30`. A wrong time is an error before a wrong or missing date.
pub fn parse_moment(text: &str, zone: Tz) -> Result<Timestamp, ValidationError> {
    // Programs write a `T` between the two, and some people the time first.
    let (date, time) = match text.trim().split_once([' ', 'T']) {
        Some((time, date)) if time.contains(':') => (Some(date.trim()), Some(time)),
        Some((date, time)) => (Some(date), Some(time.trim())),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let minute = time.map(parse_time).transpose()?;
    let date = date.map(parse_date).transpose()?;
    let (Some(date), Some(minute)) = (date, minute) else {
        return Err(ValidationError::new(match date {
            Some(_) => "the time is missing. Example: `2026-12-01 22:30`",
            None => {
                "the date is missing. Example: `2026-12-01 22:30`, or set `days`, such as `days:daily`"
            }
        }));
    };
    at(date, minute, zone).ok_or_else(|| {
        ValidationError::new(format!(
            "{} is too far from today. Example: `2026-12-01 22:30`",
            shown(text)
        ))
    })
}

fn parse_date(text: &str) -> Result<NaiveDate, ValidationError> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| {
        ValidationError::new(format!(
            "{} is not a date. Example: `2026-12-01 22:30`",
            shown(text)
        ))
    })
}

/// An invalid text as an error repeats it.
fn shown(text: &str) -> String {
    match text::cut(text.trim(), 32) {
        empty if empty.is_empty() => "an empty text".to_owned(),
        text => text::code(&text),
    }
}

const LENGTH: DurationRule = DurationRule {
    subject: "the duration",
    unit: Duration::from_secs(60),
    shortest: LENGTHS.0,
    longest: LENGTHS.1,
    examples: "`2h`",
};

/// Reads the length of a window: `30m`, `2h`, `1d`; a bare number is minutes.
pub fn parse_length(text: &str) -> Result<Duration, ValidationError> {
    Ok(LENGTH.parse(text)?)
}

/// Returns the names of the time zones that contain a text, in any case, each in its usual spelling.
pub fn zones(part: &str) -> impl Iterator<Item = &'static str> {
    let part = part.trim().to_lowercase();
    let all = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    all.filter(move |name| name.to_lowercase().contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timestamp_of(rfc: &str) -> Timestamp {
        text::parse_timestamp(rfc).unwrap()
    }

    fn weekly(days: &str, time: &str, hours: u64, zone: &str) -> Weekly {
        Weekly {
            days: WeekDays::parse(days).unwrap(),
            minute: parse_time(time).unwrap(),
            length: Duration::from_secs(hours * 3600),
            zone: parse_zone(zone).unwrap(),
        }
    }

    /// Berlin is one hour ahead of UTC in winter and two in summer; its clocks go forward on 2026-03-29 at 02:00 and back on
    /// 2026-10-25 at 03:00. Apia skipped 2011-12-30.
    const WEEKS: &str = "
        sun     | 22:00 | 2   | Europe/Berlin    | 2026-01-07T12:00:00Z | 2026-01-11T21:00:00Z | winter
        sun     | 22:00 | 2   | Europe/Berlin    | 2026-07-08T12:00:00Z | 2026-07-12T20:00:00Z | summer
        sun     | 22:00 | 2   | Europe/Berlin    | 2026-01-11T22:30:00Z | 2026-01-11T21:00:00Z | already open
        sun     | 22:00 | 2   | Europe/Berlin    | 2026-01-11T23:00:00Z | 2026-01-18T21:00:00Z | it has just closed
        sun     | 02:30 | 1   | Europe/Berlin    | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z | start time skipped
        sun     | 02:30 | 1   | Europe/Berlin    | 2026-10-24T12:00:00Z | 2026-10-25T00:30:00Z | twice: the first counts
        sun     | 02:30 | 1   | Europe/Berlin    | 2026-10-25T01:00:00Z | 2026-10-25T00:30:00Z | twice: still open
        sun     | 02:30 | 1   | Europe/Berlin    | 2026-10-25T01:30:00Z | 2026-11-01T01:30:00Z | twice: not opened again
        daily   | 00:00 | 168 | UTC              | 2026-01-08T12:00:00Z | 2026-01-02T00:00:00Z | the earliest open window
        mon,thu | 23:30 | 1   | America/New_York | 2026-01-05T12:00:00Z | 2026-01-06T04:30:00Z | another day in UTC
        fri     | 12:00 | 1   | Pacific/Apia     | 2011-12-29T00:00:00Z | 2011-12-30T10:00:00Z | a skipped day
    ";

    #[test]
    fn weekly_windows_use_local_time() {
        for line in WEEKS.lines().filter(|line| line.contains('|')) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [days, time, hours, zone, now, start, why] = cells[..] else {
                panic!("{line}");
            };
            let weekly = weekly(days, time, hours.parse().unwrap(), zone);
            let window = weekly.next(timestamp_of(now)).unwrap();
            assert_eq!(text::timestamp(window.starts_at), start, "{why}");
            assert_eq!(
                window.ends_at.since(window.starts_at),
                weekly.length,
                "{why}"
            );
        }
    }

    #[test]
    fn week_days_are_parsed_and_formatted() {
        for (text, written) in [
            ("mon,thu", "mon,thu"),
            ("Sunday saturday", "sat,sun"),
            ("daily", "daily"),
            ("mon tue wed thu fri sat sun", "daily"),
        ] {
            let days = WeekDays::parse(text).unwrap();
            assert_eq!(days.to_string(), written);
            assert_eq!(WeekDays::from_bits(days.bits()), Some(days));
        }
        for text in ["", "someday", "mo", "mon,xyz", "möndag"] {
            assert!(WeekDays::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            (WeekDays::from_bits(0), WeekDays::from_bits(0x80)),
            (None, None)
        );
    }

    #[test]
    fn dates_times_lengths_and_zones_are_parsed() {
        let berlin = parse_zone("europe/berlin").unwrap();
        let moment = |text: &str| parse_moment(text, berlin).map(text::timestamp);
        assert_eq!(moment("2026-12-01 22:30").unwrap(), "2026-12-01T21:30:00Z");
        assert_eq!(moment("2026-03-29 02:15").unwrap(), "2026-03-29T01:00:00Z");
        for wrong in [
            "tomorrow",
            "2026-13-01 22:30",
            "2026-12-01",
            "2026-12-01 25:00",
        ] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        for (wrong, sentence) in [
            (
                "25:00",
                "`25:00` is not a time of day, from 00:00 to 23:59. Example: `22:30`",
            ),
            (
                "2026-13-01 25:00",
                "`25:00` is not a time of day, from 00:00 to 23:59. Example: `22:30`",
            ),
            (
                "22:30",
                "the date is missing. Example: `2026-12-01 22:30`, or set `days`, such as `days:daily`",
            ),
            (
                "2026-12-01",
                "the time is missing. Example: `2026-12-01 22:30`",
            ),
            (
                "2026-13-01 22:30",
                "`2026-13-01` is not a date. Example: `2026-12-01 22:30`",
            ),
            (
                "tomorrow",
                "`tomorrow` is not a date. Example: `2026-12-01 22:30`",
            ),
            (
                "",
                "an empty text is not a date. Example: `2026-12-01 22:30`",
            ),
        ] {
            assert_eq!(moment(wrong).unwrap_err().to_string(), sentence, "{wrong}");
        }
        for (time, minute) in [
            ("00:00", Some(0)),
            ("23:59", Some(1439)),
            ("24:00", None),
            ("9", None),
        ] {
            assert_eq!(parse_time(time).ok(), minute, "{time}");
        }
        for (length, is_valid) in [("1m", true), ("7d", true), ("59s", false), ("8d", false)] {
            assert_eq!(parse_length(length).is_ok(), is_valid, "{length}");
        }
        assert!(parse_zone("Berlin").is_err());
        assert!(zones("berl").any(|name| name == "Europe/Berlin"));
    }
}
