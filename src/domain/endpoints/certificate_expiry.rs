//! When a guild is notified that the certificate of an endpoint is about to expire.
//!
//! Each threshold counts once for a certificate, and only the last one that was crossed. A threshold above a third of the
//! whole validity does not count: a certificate for six days would otherwise be announced for all of its life. Servers may
//! show different certificates in turn, so a certificate that expires no later than an announced one is the same to people.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// The days before the expiry at which a guild is notified, the last one first.
pub const THRESHOLD_DAYS: [u32; 4] = [1, 3, 7, 14];

/// A threshold counts for certificates that are valid for this many times as long.
const SHARE_OF_VALIDITY: u32 = 3;

/// A certificate that a check received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `None`: not known, as that of a certificate which was refused.
    pub starts_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// Where redirects led to it; `None`: it is that of the target itself.
    pub host: Option<Box<str>>,
}

/// The last announcement about the certificates of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryWarning {
    /// The threshold.
    pub days: u32,
    /// The latest expiry of the certificates that it was about.
    pub expires_at: Timestamp,
}

impl Certificate {
    /// The last threshold that was crossed, in days; `None` before the first one, after the expiry, and while the start of
    /// the validity is not known.
    pub fn crossed_threshold(&self, now: Timestamp) -> Option<u32> {
        let validity = self.expires_at.since(self.starts_at?);
        let remaining = self.expires_at.since(now);
        let applies = |days: u32| {
            remaining <= length_of(days) && length_of(days) * SHARE_OF_VALIDITY <= validity
        };
        let is_valid = remaining > Duration::ZERO;
        THRESHOLD_DAYS
            .into_iter()
            .find(|days| is_valid && applies(*days))
    }

    /// The announcement that is due, as it is recorded afterward.
    pub fn due(&self, last: Option<ExpiryWarning>, now: Timestamp) -> Option<ExpiryWarning> {
        let days = self.crossed_threshold(now)?;
        let Some(last) = last else {
            return Some(ExpiryWarning {
                days,
                expires_at: self.expires_at,
            });
        };
        let is_known = self.expires_at <= last.expires_at && days >= last.days;
        (!is_known).then(|| ExpiryWarning {
            days,
            expires_at: self.expires_at.max(last.expires_at),
        })
    }
}

/// The length of a threshold.
pub const fn length_of(days: u32) -> Duration {
    Duration::from_secs(24 * 3600 * days as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRY: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn day(days: u32) -> Duration {
        length_of(days)
    }

    /// A certificate that is valid for this long, up to the expiry.
    fn valid_for(validity: Duration) -> Certificate {
        Certificate {
            starts_at: Some(EXPIRY.minus(validity)),
            expires_at: EXPIRY,
            host: None,
        }
    }

    /// What is due this long before the expiry.
    fn due(validity: Duration, before: Duration, last: Option<u32>) -> Option<u32> {
        let last = last.map(|days| ExpiryWarning {
            days,
            expires_at: EXPIRY,
        });
        let due = valid_for(validity).due(last, EXPIRY.minus(before));
        due.map(|due| due.days)
    }

    #[test]
    fn each_threshold_is_announced_once_at_its_limit() {
        for (before, last, expected) in [
            (day(14) + SECOND, None, None),
            (day(14), None, Some(14)),
            (day(14) - SECOND, None, Some(14)),
            (day(14) - SECOND, Some(14), None),
            (day(7) + SECOND, Some(14), None),
            (day(7), Some(14), Some(7)),
            (day(7), Some(7), None),
            (day(3) + SECOND, Some(7), None),
            (day(3), Some(7), Some(3)),
            (day(1) + SECOND, Some(3), None),
            (day(1), Some(3), Some(1)),
            (SECOND, Some(1), None),
            // Rollcall was off, or the endpoint was silenced: only the last one.
            (day(2), None, Some(3)),
            (day(2), Some(14), Some(3)),
            (SECOND, None, Some(1)),
            // It has expired.
            (Duration::ZERO, None, None),
            (Duration::ZERO, Some(3), None),
        ] {
            assert_eq!(due(day(90), before, last), expected, "{before:?} {last:?}");
        }
    }

    #[test]
    fn a_threshold_counts_up_to_a_third_of_the_validity() {
        for (validity, before, expected) in [
            (day(42), day(14), Some(14)),
            (day(42) - SECOND, day(14), None),
            (day(42) - SECOND, day(7), Some(7)),
            (day(21), day(7), Some(7)),
            (day(21) - SECOND, day(7), None),
            (day(9), day(3), Some(3)),
            (day(6), day(6), None),
            (day(6), day(3), None),
            (day(6), day(1), Some(1)),
            (day(3), day(1), Some(1)),
            (day(3) - SECOND, SECOND, None),
        ] {
            assert_eq!(due(validity, before, None), expected, "{validity:?}");
        }
        let of_unknown_start = Certificate {
            starts_at: None,
            ..valid_for(day(90))
        };
        assert_eq!(of_unknown_start.due(None, EXPIRY.minus(SECOND)), None);
    }

    #[test]
    fn a_renewed_certificate_starts_over_and_an_older_one_does_not() {
        let now = EXPIRY.minus(day(2));
        let last = ExpiryWarning {
            days: 3,
            expires_at: EXPIRY,
        };
        let expiring_in = |length| Certificate {
            expires_at: now.plus(length),
            ..valid_for(day(365))
        };
        let due_in = |length| expiring_in(length).due(Some(last), now);
        let renewed = now.plus(day(13));
        assert_eq!(due_in(day(90)), None);
        let expected = ExpiryWarning {
            days: 14,
            expires_at: renewed,
        };
        assert_eq!(due_in(day(13)), Some(expected));
        assert_eq!(due_in(day(2)), None);
        assert_eq!(due_in(day(2) - SECOND), None);
        // Another one that crosses a later threshold is news, and both count as announced.
        let expected = ExpiryWarning {
            days: 1,
            expires_at: EXPIRY,
        };
        assert_eq!(due_in(day(1)), Some(expected));
    }

    #[test]
    fn certificates_that_take_turns_are_not_announced_again_and_again() {
        let certificates = [day(0), day(1), day(2)].map(|later| Certificate {
            expires_at: EXPIRY.plus(later),
            ..valid_for(day(365))
        });
        let mut last = None;
        let mut announced = 0;
        for hour in 0..24 * 30 {
            let now = EXPIRY.minus(day(20)).plus(Duration::from_secs(3600 * hour));
            let shown = &certificates[usize::try_from(hour % 3).unwrap()];
            if let Some(due) = shown.due(last, now) {
                last = Some(due);
                announced += 1;
            }
        }
        // Each of them at 14 days; the later thresholds once, for the first one to cross them.
        assert_eq!(announced, 3 + 3);
    }
}
