//! What a day of a strip was, of the times that it was in each class of uptime.

use std::time::Duration;

use crate::domain::history::uptime::ClassTimes;

/// Downtime of a day below this is brief.
const LONG_DOWNTIME: Duration = Duration::from_secs(15 * 60);

/// How a day is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayClass {
    Online,
    /// Offline for less than 15 minutes.
    Brief,
    /// Offline for 15 minutes or longer.
    Offline,
    /// In maintenance for some time, and not offline.
    Maintenance,
    /// Nothing is known, or it was paused all day.
    Unknown,
}

impl DayClass {
    /// Any downtime decides, then any maintenance, then any time online.
    pub fn of(times: &ClassTimes) -> Self {
        match times {
            times if times.offline >= LONG_DOWNTIME => Self::Offline,
            times if !times.offline.is_zero() => Self::Brief,
            times if !times.maintenance.is_zero() => Self::Maintenance,
            times if !times.online.is_zero() => Self::Online,
            _ => Self::Unknown,
        }
    }

    /// Whether the day is worth a line: it had downtime or maintenance.
    pub fn is_marked(self) -> bool {
        matches!(self, Self::Brief | Self::Offline | Self::Maintenance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downtime_decides_before_maintenance_and_maintenance_before_online() {
        let seconds = Duration::from_secs;
        for (offline, maintenance, online, class) in [
            (900, 0, 85_500, DayClass::Offline),
            (899, 0, 85_501, DayClass::Brief),
            (1, 3_600, 82_799, DayClass::Brief),
            (0, 1, 86_399, DayClass::Maintenance),
            (0, 0, 1, DayClass::Online),
            (0, 0, 0, DayClass::Unknown),
        ] {
            let times = ClassTimes {
                offline: seconds(offline),
                maintenance: seconds(maintenance),
                online: seconds(online),
                ..ClassTimes::default()
            };
            assert_eq!(DayClass::of(&times), class, "{times:?}");
        }
        let paused = ClassTimes {
            paused: seconds(86_400),
            ..ClassTimes::default()
        };
        assert_eq!(DayClass::of(&paused), DayClass::Unknown);
    }
}
