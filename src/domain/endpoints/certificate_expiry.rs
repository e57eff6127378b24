//! When a guild is notified that the certificate of an endpoint is about to expire.
//!
//! Each threshold counts once for a certificate, and only the last one that was crossed. A threshold above a third of the
//! whole validity does not count: a certificate for six days would otherwise be announced for all of its life.
//!
//! Servers behind one address may show different certificates in turn. What was announced is kept for two of them. A
//! certificate that expires at most a day later than an announced one is the same to people: they renew both.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// The days before the expiry at which a guild is notified, the last one first.
pub const THRESHOLD_DAYS: [u32; 4] = [1, 3, 7, 14];

/// A threshold counts for certificates that are valid for this many times as long.
const SHARE_OF_VALIDITY: u32 = 3;

/// Certificates of one site are often issued one after another.
const SAME_TO_PEOPLE: Duration = length_of(1);

/// A certificate that a check received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `None`: not known, as that of a certificate which was refused.
    pub starts_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// Where redirects led to it; `None`: it is that of the target itself.
    pub host: Option<Box<str>>,
}

/// The last announcement about one certificate of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryWarning {
    /// The threshold.
    pub days: u32,
    /// When the certificate expires.
    pub expires_at: Timestamp,
}

/// The last announcements about two certificates of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiryWarnings(pub [Option<ExpiryWarning>; 2]);

/// An announcement that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueWarning {
    /// The threshold that was crossed.
    pub days: u32,
    /// What is recorded afterward.
    pub recorded: ExpiryWarnings,
}

impl ExpiryWarnings {
    /// Whether people know of a certificate at this threshold, by an announcement about it or about one that they renew
    /// together with it.
    fn cover(&self, warning: ExpiryWarning, now: Timestamp) -> bool {
        let live: Vec<ExpiryWarning> = self.live(now).collect();
        let is_same_to_people = |known: &ExpiryWarning| {
            known.expires_at.plus(SAME_TO_PEOPLE) >= warning.expires_at
                && known.days <= warning.days
        };
        // Certificates beyond two have no place of their own. The last threshold of all of them counts, or they would take
        // each other's place forever.
        let is_full = live.len() == self.0.len();
        let has_no_place = live
            .iter()
            .all(|known| known.expires_at != warning.expires_at);
        let is_crowded_out = is_full
            && has_no_place
            && live
                .iter()
                .any(|known| known.expires_at >= warning.expires_at)
            && live.iter().any(|known| known.days <= warning.days);
        is_crowded_out || live.iter().any(is_same_to_people)
    }

    /// The same after an announcement, in the place of the certificate itself, or of the one that expires first.
    fn with(&self, warning: ExpiryWarning) -> Self {
        let mut recorded = self.0;
        let is_own = |slot: &Option<ExpiryWarning>| {
            slot.is_some_and(|known| known.expires_at == warning.expires_at)
        };
        let own = recorded.iter().position(is_own);
        let first = || {
            let slots = recorded.iter().enumerate();
            let first = slots.min_by_key(|(_, slot)| slot.map(|known| known.expires_at));
            first.map_or(0, |(index, _)| index)
        };
        let place = own.unwrap_or_else(first);
        if let Some(slot) = recorded.get_mut(place) {
            *slot = Some(warning);
        }
        Self(recorded)
    }

    /// Those about certificates that have not expired, or so recently that they stand for another one.
    fn live(&self, now: Timestamp) -> impl Iterator<Item = ExpiryWarning> {
        let known = self.0.into_iter().flatten();
        known.filter(move |warning| warning.expires_at.plus(SAME_TO_PEOPLE) > now)
    }
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

    /// The announcement that is due.
    pub fn due(&self, known: &ExpiryWarnings, now: Timestamp) -> Option<DueWarning> {
        let days = self.crossed_threshold(now)?;
        let warning = ExpiryWarning {
            days,
            expires_at: self.expires_at,
        };
        (!known.cover(warning, now)).then(|| DueWarning {
            days,
            recorded: known.with(warning),
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
        let known = ExpiryWarnings([last, None]);
        let due = valid_for(validity).due(&known, EXPIRY.minus(before));
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
        assert_eq!(
            of_unknown_start.due(&ExpiryWarnings::default(), EXPIRY.minus(SECOND)),
            None
        );
    }

    /// What is known of certificates that expire this long after a date.
    fn known(now: Timestamp, slots: [Option<(u32, Duration)>; 2]) -> ExpiryWarnings {
        ExpiryWarnings(slots.map(|slot| {
            slot.map(|(days, length)| ExpiryWarning {
                days,
                expires_at: now.plus(length),
            })
        }))
    }

    /// The threshold that is due for a certificate with this expiry, and what is recorded of it.
    fn due_for(
        expires_at: Timestamp,
        known: &ExpiryWarnings,
        now: Timestamp,
    ) -> (Option<u32>, Option<ExpiryWarnings>) {
        let certificate = Certificate {
            expires_at,
            ..valid_for(day(365))
        };
        let due = certificate.due(known, now);
        (due.map(|due| due.days), due.map(|due| due.recorded))
    }

    #[test]
    fn a_certificate_is_announced_unless_people_know_of_it_or_of_one_like_it() {
        let now = EXPIRY.minus(day(30));
        let two = |days| Some((days, day(2)));
        for (slots, length, expected, recorded) in [
            ([two(3), None], day(90), None, None),
            (
                [two(3), None],
                day(13),
                Some(14),
                Some([two(3), Some((14, day(13)))]),
            ),
            // One that expires with an announced one, up to a day later.
            ([two(3), None], day(2) - SECOND, None, None),
            ([two(3), None], day(3), None, None),
            (
                [two(7), None],
                day(3),
                Some(3),
                Some([two(7), Some((3, day(3)))]),
            ),
            (
                [two(3), None],
                day(3) + SECOND,
                Some(7),
                Some([two(3), Some((7, day(3) + SECOND))]),
            ),
            ([two(7), None], day(2), Some(3), Some([two(3), None])),
            ([two(3), None], day(2), None, None),
            (
                [Some((14, day(10))), two(7)],
                day(2),
                Some(3),
                Some([Some((14, day(10))), two(3)]),
            ),
            // The other one has crossed a later threshold, and says nothing about this one.
            (
                [Some((14, day(7))), two(3)],
                day(7),
                Some(7),
                Some([Some((7, day(7))), two(3)]),
            ),
            // A third one takes the place of the one that expires first, unless people expect it.
            (
                [Some((7, day(5))), two(3)],
                day(12),
                Some(14),
                Some([Some((7, day(5))), Some((14, day(12)))]),
            ),
            ([Some((14, day(12))), two(3)], day(6), None, None),
            (
                [Some((14, day(12))), Some((7, day(6)))],
                day(2),
                Some(3),
                Some([Some((14, day(12))), two(3)]),
            ),
        ] {
            let recorded = recorded.map(|slots| known(now, slots));
            let found = due_for(now.plus(length), &known(now, slots), now);
            assert_eq!(found, (expected, recorded), "{slots:?} {length:?}");
        }
    }

    #[test]
    fn an_expired_certificate_takes_no_place() {
        let now = EXPIRY;
        let expired = Some(ExpiryWarning {
            days: 1,
            expires_at: now.minus(SAME_TO_PEOPLE),
        });
        let live = Some(ExpiryWarning {
            days: 14,
            expires_at: now.plus(day(12)),
        });
        let shorter = Certificate {
            expires_at: now.plus(day(6)),
            ..valid_for(day(365))
        };
        let due = shorter.due(&ExpiryWarnings([expired, live]), now).unwrap();
        let own = Some(ExpiryWarning {
            days: 7,
            expires_at: shorter.expires_at,
        });
        assert_eq!((due.days, due.recorded), (7, ExpiryWarnings([own, live])));
    }

    /// The thresholds that are announced while certificates take turns, one each hour.
    fn announced_in_turn(later: &[Duration]) -> Vec<u32> {
        let certificates: Vec<Certificate> = later
            .iter()
            .map(|later| Certificate {
                expires_at: EXPIRY.plus(*later),
                ..valid_for(day(365))
            })
            .collect();
        let mut known = ExpiryWarnings::default();
        let mut announced = Vec::new();
        let start = EXPIRY.minus(day(20));
        for (hour, shown) in (0..24 * 60).zip(certificates.iter().cycle()) {
            let now = start.plus(Duration::from_secs(3600 * hour));
            if let Some(due) = shown.due(&known, now) {
                known = due.recorded;
                announced.push(due.days);
            }
        }
        announced
    }

    #[test]
    fn certificates_that_take_turns_are_announced_once_for_each_threshold() {
        let hour = Duration::from_secs(3600);
        assert_eq!(announced_in_turn(&[day(0)]), [14, 7, 3, 1]);
        // Issued one after another: people renew both.
        assert_eq!(announced_in_turn(&[day(0), hour]), [14, 7, 3, 1]);
        assert_eq!(announced_in_turn(&[day(0), day(1)]), [14, 7, 3, 1]);
        // Neither hides a threshold of the other, nor repeats it.
        let of_both = [14, 14, 7, 3, 7, 1, 3, 1];
        assert_eq!(announced_in_turn(&[day(0), day(5)]), of_both);
        assert_eq!(announced_in_turn(&[day(5), day(0)]), of_both);
        let apart = [14, 7, 3, 1, 14, 7, 3, 1];
        assert_eq!(announced_in_turn(&[day(0), day(20)]), apart);
    }

    #[test]
    fn more_than_two_certificates_are_not_announced_again_and_again() {
        for later in [
            vec![day(0), day(2), day(4)],
            vec![day(0), day(5), day(10)],
            vec![day(10), day(0), day(5), day(15)],
        ] {
            let announced = announced_in_turn(&later);
            // One that lost its place to another may be announced once more.
            assert!(
                announced.len() <= 5 * later.len(),
                "{later:?} {announced:?}"
            );
            assert!(announced.contains(&1), "{later:?} {announced:?}");
        }
    }
}
