//! How often a device is expected to send a heartbeat, as people set it, and the time of a crontab line that fits.

use std::time::Duration;

use super::device::THRESHOLD_RANGE;
use crate::text::duration_rule::{DurationError, DurationRule};

/// How often a device is expected to send a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatSchedule {
    /// Time between two heartbeats.
    pub every: Duration,
    /// Additional time before the device is offline.
    pub grace: Duration,
}

/// An invalid option of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleError {
    /// The name of the option.
    pub option: &'static str,
    /// What is wrong, with a valid example.
    pub reason: String,
}

const EVERY: DurationRule = DurationRule {
    subject: "the time",
    unit: Duration::from_secs(1),
    shortest: THRESHOLD_RANGE.0,
    longest: THRESHOLD_RANGE.1,
    examples: "`5m` or `1d`",
};
const GRACE: DurationRule = DurationRule {
    shortest: Duration::ZERO,
    examples: "`30s` or `2h`",
    ..EVERY
};
const GRACE_ALONE: &str = "set `every`, too. Example: `every:1d grace:2h`";
const SUM: &str = "`every` and `grace` must be at most 35d together. Example: `every:31d grace:1d`";

impl ScheduleError {
    fn every(error: DurationError) -> Self {
        Self {
            option: "every",
            reason: error.to_string(),
        }
    }

    fn grace(error: impl Into<String>) -> Self {
        Self {
            option: "grace",
            reason: error.into(),
        }
    }
}

impl HeartbeatSchedule {
    /// Reads the options `every` and `grace`: `90`, `90s`, `10m`, `26h`; a bare number is seconds. `None` if neither is set.
    ///
    /// Without `grace`, it is a tenth of `every`: enough for a run that takes longer than usual, and for the longer day when
    /// the clocks change.
    pub fn parse(every: Option<&str>, grace: Option<&str>) -> Result<Option<Self>, ScheduleError> {
        let Some(every) = every else {
            return match grace {
                Some(_) => Err(ScheduleError::grace(GRACE_ALONE)),
                None => Ok(None),
            };
        };
        let longest = THRESHOLD_RANGE.1;
        let every = EVERY.parse(every).map_err(ScheduleError::every)?;
        let grace = match grace {
            Some(grace) => GRACE
                .parse(grace)
                .map_err(|error| ScheduleError::grace(error.to_string()))?,
            None => (every / 10).min(longest.saturating_sub(every)),
        };
        let schedule = Self { every, grace };
        if schedule.threshold() > longest {
            return Err(ScheduleError::grace(SUM));
        }
        Ok(Some(schedule))
    }

    /// Time without a heartbeat after which the device is offline.
    pub fn threshold(&self) -> Duration {
        self.every.saturating_add(self.grace)
    }
}

/// The time fields of a crontab line for a job that runs every so often: daily and rarer jobs run at 03:00. `None` if cron
/// cannot express it.
pub fn cron_time(every: Duration) -> Option<String> {
    let seconds = every.as_secs();
    if every.subsec_nanos() > 0 || !seconds.is_multiple_of(60) {
        return None;
    }
    match seconds / 60 {
        0 => None,
        1 => Some("* * * * *".to_owned()),
        minutes @ 2..60 if 60 % minutes == 0 => Some(format!("*/{minutes} * * * *")),
        60 => Some("0 * * * *".to_owned()),
        minutes @ 61..1440 if 1440 % minutes == 0 && minutes % 60 == 0 => {
            Some(format!("0 */{} * * *", minutes / 60))
        }
        1_440 => Some("0 3 * * *".to_owned()),
        // A week, and the longest month.
        10_080 => Some("0 3 * * 0".to_owned()),
        44_640 => Some("0 3 1 * *".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_and_grace_make_the_threshold() {
        let day = 86_400_000;
        for (every, grace, threshold) in [
            (None, None, None),
            (Some("1d"), Some("2h"), Some(day + 7_200_000)),
            (Some("90s"), Some("0s"), Some(90_000)),
            (Some("90"), Some("10"), Some(100_000)),
            // A tenth.
            (Some("1s"), None, Some(1_100)),
            (Some("5m"), None, Some(330_000)),
            (Some("1d"), None, Some(day / 10 * 11)),
            // As much of a tenth as the limit leaves.
            (Some("34d"), None, Some(35 * day)),
            (Some("35d"), None, Some(35 * day)),
            (Some("35d"), Some("0s"), Some(35 * day)),
            (Some("34d"), Some("1d"), Some(35 * day)),
            (Some("1d"), Some("34d"), Some(35 * day)),
        ] {
            let found = HeartbeatSchedule::parse(every, grace).unwrap();
            let found = found.map(|schedule| schedule.threshold());
            assert_eq!(
                found,
                threshold.map(Duration::from_millis),
                "{every:?} {grace:?}"
            );
        }
    }

    #[test]
    fn errors_name_the_invalid_option_and_what_is_wrong_with_it() {
        let every = "the time must be between 1s and 35d. Example: `5m` or `1d`";
        let grace = "the time must be between 0s and 35d. Example: `30s` or `2h`";
        let form = "is not a duration. A duration is a number and a unit. Example:";
        for (typed_every, typed_grace, option, reason) in [
            (Some("0s"), None, "every", every),
            (Some("999ms"), None, "every", every),
            (Some("841h"), None, "every", every),
            (Some("1 week"), Some("1h"), "every", form),
            (Some("1day"), None, "every", form),
            (Some(""), None, "every", form),
            (Some("1d"), Some("-1h"), "grace", form),
            (Some("1d"), Some("soon"), "grace", form),
            (Some("1d"), Some("841h"), "grace", grace),
            (Some("1s"), Some("35d"), "grace", SUM),
            (Some("35d"), Some("1ms"), "grace", SUM),
            (Some("34d"), Some("25h"), "grace", SUM),
            (Some("86401"), Some("34d"), "grace", SUM),
            (None, Some("2h"), "grace", GRACE_ALONE),
        ] {
            let found = HeartbeatSchedule::parse(typed_every, typed_grace).unwrap_err();
            let place = format!("{typed_every:?} {typed_grace:?}: {}", found.reason);
            assert_eq!(found.option, option, "{place}");
            assert!(found.reason.contains(reason), "{place}");
        }
    }

    #[test]
    fn the_examples_in_the_errors_are_valid() {
        for (every, grace) in [
            ("5m", None),
            ("1d", None),
            ("1d", Some("30s")),
            ("1d", Some("2h")),
            ("31d", Some("1d")),
        ] {
            assert!(HeartbeatSchedule::parse(Some(every), grace).is_ok());
        }
    }

    #[test]
    fn cron_times_fit_the_interval_or_are_none() {
        let (minute, hour, day) = (60_000, 3_600_000, 86_400_000);
        for (millis, time) in [
            (30_000, None),
            (minute, Some("* * * * *")),
            (minute + 1, None),
            (90_000, None),
            (2 * minute, Some("*/2 * * * *")),
            (5 * minute, Some("*/5 * * * *")),
            (7 * minute, None),
            (15 * minute, Some("*/15 * * * *")),
            (30 * minute, Some("*/30 * * * *")),
            (45 * minute, None),
            (hour, Some("0 * * * *")),
            (90 * minute, None),
            (2 * hour, Some("0 */2 * * *")),
            (5 * hour, None),
            (12 * hour, Some("0 */12 * * *")),
            (day, Some("0 3 * * *")),
            (2 * day, None),
            (7 * day, Some("0 3 * * 0")),
            (30 * day, None),
            (31 * day, Some("0 3 1 * *")),
            (35 * day, None),
        ] {
            let found = cron_time(Duration::from_millis(millis));
            assert_eq!(found.as_deref(), time, "{millis} ms");
        }
    }
}
