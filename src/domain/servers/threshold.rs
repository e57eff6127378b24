//! The threshold rule for servers: time since the agent's last report + three thresholds → status and reason. Pure, and the
//! only code that implements it.
//!
//! Up to `online` the server is online, up to `warning` it is in warning, beyond that it is offline; up to `offline` it is
//! still in a grace period. A server that has never reported, or that a person has switched off, is offline for that reason.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use crate::monitor::ValidationError;
use crate::status::Status;
use crate::text;
use crate::timestamp::Timestamp;

/// The longest threshold: 31 days.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// The three thresholds, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    online: Duration,
    warning: Duration,
    offline: Duration,
}

impl Thresholds {
    /// 5, 60 and 120 minutes.
    pub const DEFAULT: Self = Self {
        online: Duration::from_secs(5 * 60),
        warning: Duration::from_secs(60 * 60),
        offline: Duration::from_secs(120 * 60),
    };

    /// Rejects thresholds that are out of order or longer than 31 days; `Display` of the error has a valid example.
    pub fn new(
        online: Duration,
        warning: Duration,
        offline: Duration,
    ) -> Result<Self, ValidationError> {
        let is_ordered = !online.is_zero() && online < warning && warning <= offline;
        if !is_ordered || offline > LONGEST {
            return Err(ValidationError::new(
                "the thresholds must satisfy online < warning ≤ offline, with offline at most 31 days. Example: `5`, `60` and `120` minutes",
            ));
        }
        Ok(Self {
            online,
            warning,
            offline,
        })
    }

    pub const fn online(&self) -> Duration {
        self.online
    }

    pub const fn warning(&self) -> Duration {
        self.warning
    }

    pub const fn offline(&self) -> Duration {
        self.offline
    }
}

/// The part of the rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ThresholdUsed {
    Online,
    Warning,
    /// Beyond `warning`, but not beyond `offline`.
    OfflineGrace,
    Offline,
    NeverSeen,
    Inactive,
}

impl ThresholdUsed {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// A server's reports, as far as the rule needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reports {
    pub last_seen: Option<Timestamp>,
    /// Whether the server is switched on; otherwise no reports are expected.
    pub is_active: bool,
}

/// The result of the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub status: Status,
    pub used: ThresholdUsed,
    /// Time since the last report; `None` if there is none.
    pub elapsed: Option<Duration>,
    /// A sentence for people.
    pub reason: String,
}

impl Judgement {
    /// The status as people read it. For programs, a server that is not set up or paused is offline.
    pub const fn shown_status(&self) -> Status {
        match self.used {
            ThresholdUsed::NeverSeen => Status::Unknown,
            ThresholdUsed::Inactive => Status::Paused,
            _ => self.status,
        }
    }

    /// The reason as people read it.
    pub fn shown_reason(&self) -> &str {
        match self.used {
            ThresholdUsed::Inactive => "paused, so no reports are expected",
            _ => &self.reason,
        }
    }
}

/// Applies the rule as of `now`. A report dated in the future counts as received now.
pub fn judge(reports: Reports, thresholds: &Thresholds, now: Timestamp) -> Judgement {
    let elapsed = reports.last_seen.map(|seen| now.since(seen));
    let (status, used, reason) = match elapsed {
        _ if !reports.is_active => (
            Status::Offline,
            ThresholdUsed::Inactive,
            "inactive, so no reports are expected".to_owned(),
        ),
        None => (
            Status::Offline,
            ThresholdUsed::NeverSeen,
            "not set up yet: its agent has not sent a report".to_owned(),
        ),
        Some(elapsed) => by_length(elapsed, thresholds),
    };
    Judgement {
        status,
        used,
        elapsed,
        reason,
    }
}

fn by_length(elapsed: Duration, thresholds: &Thresholds) -> (Status, ThresholdUsed, String) {
    let (status, used, words, limit) = if elapsed <= thresholds.online {
        (
            Status::Online,
            ThresholdUsed::Online,
            "within",
            thresholds.online,
        )
    } else if elapsed <= thresholds.warning {
        (
            Status::Warning,
            ThresholdUsed::Warning,
            "more than",
            thresholds.online,
        )
    } else if elapsed <= thresholds.offline {
        (
            Status::Offline,
            ThresholdUsed::OfflineGrace,
            "more than",
            thresholds.warning,
        )
    } else {
        (
            Status::Offline,
            ThresholdUsed::Offline,
            "more than",
            thresholds.offline,
        )
    };
    let reason = format!(
        "last report {} ago, {words} {}",
        text::duration(elapsed),
        text::duration(limit)
    );
    (status, used, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    fn thresholds(online: u64, warning: u64, offline: u64) -> Thresholds {
        Thresholds::new(minutes(online), minutes(warning), minutes(offline)).unwrap()
    }

    fn seen(ago: Duration) -> Reports {
        Reports {
            last_seen: Some(NOW.minus(ago)),
            is_active: true,
        }
    }

    #[test]
    fn the_four_worked_examples() {
        for (ago, thresholds, status) in [
            (
                Duration::from_secs(30),
                thresholds(5, 60, 120),
                Status::Online,
            ),
            (minutes(10), thresholds(5, 60, 120), Status::Warning),
            (minutes(180), thresholds(5, 60, 120), Status::Offline),
            (minutes(20), thresholds(10, 30, 60), Status::Warning),
        ] {
            assert_eq!(judge(seen(ago), &thresholds, NOW).status, status, "{ago:?}");
        }
    }

    #[test]
    fn every_boundary_belongs_to_the_better_side() {
        use ThresholdUsed::{Offline, OfflineGrace, Online, Warning};
        let thresholds = thresholds(5, 60, 120);
        let millisecond = Duration::from_millis(1);
        for (ago, used) in [
            (Duration::ZERO, Online),
            (minutes(5) - millisecond, Online),
            (minutes(5), Online),
            (minutes(5) + millisecond, Warning),
            (minutes(60) - millisecond, Warning),
            (minutes(60), Warning),
            (minutes(60) + millisecond, OfflineGrace),
            (minutes(120) - millisecond, OfflineGrace),
            (minutes(120), OfflineGrace),
            (minutes(120) + millisecond, Offline),
            (minutes(1_000_000), Offline),
        ] {
            assert_eq!(judge(seen(ago), &thresholds, NOW).used, used, "{ago:?}");
        }
    }

    #[test]
    fn servers_never_seen_or_switched_off_are_offline_for_that_reason() {
        let thresholds = thresholds(5, 60, 120);
        let never = Reports {
            last_seen: None,
            is_active: true,
        };
        let judged = judge(never, &thresholds, NOW);
        assert_eq!(
            (judged.status, judged.used, judged.elapsed),
            (Status::Offline, ThresholdUsed::NeverSeen, None)
        );
        let off = Reports {
            is_active: false,
            ..seen(Duration::ZERO)
        };
        assert_eq!(judge(off, &thresholds, NOW).used, ThresholdUsed::Inactive);
    }

    #[test]
    fn a_report_from_the_future_counts_as_received_now() {
        let future = Reports {
            last_seen: Some(NOW.plus(minutes(600))),
            is_active: true,
        };
        let judged = judge(future, &thresholds(5, 60, 120), NOW);
        assert_eq!(
            (judged.status, judged.elapsed),
            (Status::Online, Some(Duration::ZERO))
        );
    }

    #[test]
    fn the_reason_is_a_sentence() {
        let thresholds = thresholds(5, 60, 120);
        for (ago, reason) in [
            (
                Duration::from_secs(30),
                "last report 30 s ago, within 5 min",
            ),
            (minutes(10), "last report 10 min ago, more than 5 min"),
            (minutes(90), "last report 1 h 30 min ago, more than 1 h"),
            (minutes(180), "last report 3 h ago, more than 2 h"),
        ] {
            assert_eq!(judge(seen(ago), &thresholds, NOW).reason, reason);
        }
    }

    #[test]
    fn thresholds_out_of_order_are_rejected() {
        for (online, warning, offline) in
            [(0, 60, 120), (60, 60, 120), (5, 130, 120), (5, 60, 50_000)]
        {
            let refused = Thresholds::new(minutes(online), minutes(warning), minutes(offline));
            assert!(
                refused
                    .unwrap_err()
                    .to_string()
                    .contains("online < warning ≤ offline"),
                "{online} {warning} {offline}"
            );
        }
        assert!(Thresholds::new(minutes(5), minutes(60), minutes(60)).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn more_time_without_reports_is_never_better(first in 0_u64..20_000, more in 0_u64..20_000) {
            let rank = |ago| match judge(seen(minutes(ago)), &thresholds(5, 60, 120), NOW).status {
                Status::Online => 0,
                Status::Warning => 1,
                _ => 2,
            };
            proptest::prop_assert!(rank(first) <= rank(first + more));
        }
    }
}
