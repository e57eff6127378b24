//! A set of moments, as intervals that neither overlap nor touch: when Rollcall observed, and when maintenance was. How much of
//! it lies between two timestamps is found in the logarithm of its size, because a year of history asks thousands of times.

use std::time::Duration;

use crate::silences::maintenance::TimeWindow;
use crate::timestamp::Timestamp;

/// An interval, and how much of the set lies before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    starts_at: Timestamp,
    ends_at: Timestamp,
    before: Duration,
}

/// A set of moments. Intervals contain their start and not their end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeSet(Vec<Interval>);

impl TimeSet {
    /// The union of the windows, which may overlap and come in any order.
    pub fn of(windows: impl IntoIterator<Item = TimeWindow>) -> Self {
        let mut windows: Vec<TimeWindow> = windows.into_iter().collect();
        windows.sort_unstable_by_key(|one| one.starts_at);
        let (mut set, mut before) = (Vec::<Interval>::new(), Duration::ZERO);
        for window in windows {
            if window.ends_at <= window.starts_at {
                continue;
            }
            match set.last_mut() {
                Some(last) if window.starts_at <= last.ends_at => {
                    let ends_at = last.ends_at.max(window.ends_at);
                    before += ends_at.since(last.ends_at);
                    last.ends_at = ends_at;
                }
                _ => {
                    set.push(Interval {
                        starts_at: window.starts_at,
                        ends_at: window.ends_at,
                        before,
                    });
                    before += window.ends_at.since(window.starts_at);
                }
            }
        }
        Self(set)
    }

    /// Its intervals, in order.
    pub fn windows(&self) -> impl Iterator<Item = TimeWindow> {
        self.0.iter().map(|one| TimeWindow {
            starts_at: one.starts_at,
            ends_at: one.ends_at,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much of the set lies between two timestamps; zero if they are in the wrong order.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        self.until(to).saturating_sub(self.until(from))
    }

    /// The moments that are in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::new();
        while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
            both.push(TimeWindow {
                starts_at: one.starts_at.max(two.starts_at),
                ends_at: one.ends_at.min(two.ends_at),
            });
            match one.ends_at <= two.ends_at {
                true => left.next(),
                false => right.next(),
            };
        }
        Self::of(both)
    }

    /// The moments that are in this set and not in the other one.
    pub fn without(&self, other: &Self) -> Self {
        let mut rest = Vec::new();
        for one in &self.0 {
            let mut from = one.starts_at;
            let begun = other.0.partition_point(|cut| cut.ends_at <= one.starts_at);
            let cuts = other.0.iter().skip(begun);
            for cut in cuts.take_while(|cut| cut.starts_at < one.ends_at) {
                rest.push(TimeWindow {
                    starts_at: from,
                    ends_at: cut.starts_at,
                });
                from = cut.ends_at;
            }
            rest.push(TimeWindow {
                starts_at: from,
                ends_at: one.ends_at,
            });
        }
        Self::of(rest)
    }

    /// How much of the set lies before a timestamp.
    fn until(&self, at: Timestamp) -> Duration {
        let begun = self.0.partition_point(|one| one.starts_at < at);
        let last = begun.checked_sub(1).and_then(|index| self.0.get(index));
        last.map_or(Duration::ZERO, |last| {
            last.before + last.ends_at.min(at).since(last.starts_at)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(starts_at: i64, ends_at: i64) -> TimeWindow {
        TimeWindow {
            starts_at: Timestamp::from_millis(starts_at),
            ends_at: Timestamp::from_millis(ends_at),
        }
    }

    fn set(windows: &[(i64, i64)]) -> TimeSet {
        TimeSet::of(windows.iter().map(|(from, to)| window(*from, *to)))
    }

    #[test]
    fn overlapping_and_adjacent_windows_are_one_interval() {
        let one = set(&[(30, 40), (0, 10), (5, 20), (20, 25), (7, 7), (50, 45)]);
        assert_eq!(one, set(&[(0, 25), (30, 40)]));
        for (from, to, length) in [(0, 100, 35), (10, 35, 20), (25, 30, 0), (40, 0, 0)] {
            let at = Timestamp::from_millis;
            let found = one.between(at(from), at(to));
            assert_eq!(found, Duration::from_millis(length), "{from}..{to}");
        }
        assert!(set(&[(3, 3)]).is_empty());
    }

    fn windows() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec((0_i64..60, 0_i64..12), 0..8).prop_map(|list| {
            list.into_iter()
                .map(|(at, length)| (at, at + length))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn it_measures_what_counting_finds(
            one in windows(), other in windows(), from in 0_i64..70, length in 0_i64..70,
        ) {
            let is_in = |windows: &[(i64, i64)], at| {
                windows.iter().any(|(from, to)| (*from..*to).contains(&at))
            };
            let moments = from..from + length;
            let at = Timestamp::from_millis;
            let measure = |set: TimeSet| set.between(at(from), at(from + length)).as_millis();
            let counted = moments.clone().filter(|at| is_in(&one, *at)).count();
            prop_assert_eq!(measure(set(&one)), counted as u128);
            let both = moments.filter(|at| is_in(&one, *at) && is_in(&other, *at)).count();
            prop_assert_eq!(measure(set(&one).intersection(&set(&other))), both as u128);
        }
    }
}
