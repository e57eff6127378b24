//! Decides whether a failure of an endpoint that has a name says something about the endpoint or about Rollcall's own resolver.
//!
//! Reference names are names that are known to exist, asked of the same resolver. While they fail, no failure of an endpoint
//! that has a name counts: its name may be denied wrongly, or may have a wrong address. A name without an answer (silence,
//! SERVFAIL, REFUSED, an I/O error) counts only if other names resolve for minutes meanwhile: then the servers of that name are
//! broken, and not the resolver.
//!
//! Times are monotonic: durations since the start of the process.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::connectivity::LONGEST;

/// How long other names must resolve before a missing answer counts against a name.
pub const PROOF: Duration = Duration::from_secs(180);

/// A name whose last failure is longer ago starts from the beginning.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// Names without an answer that are kept. More are not counted as failures until others are dropped.
const MAX_UNANSWERED: usize = 100_000;

/// Time between two searches for names that can be dropped.
const DROP_EVERY: Duration = Duration::from_secs(60);

/// What a lookup showed about a name, if it did not find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFailure {
    /// The resolver says that the name does not exist or has no address.
    NotFound,
    /// The resolver gave no usable answer.
    NoAnswer,
}

/// What the lookups of the reference names showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceNames {
    Resolve,
    /// The resolver answers, but it denies that they exist, or it gives one address to every name.
    Denied,
    NoAnswer,
}

impl ReferenceNames {
    /// Judges the lookups of a reference name and of an unused subdomain of it. The subdomain cannot come from a cache. It does
    /// not exist, so a resolver that returns the same address for it is not a real one but, for example, a captive portal.
    pub fn shown_by(
        name: &Result<Vec<IpAddr>, NameFailure>,
        unused: &Result<Vec<IpAddr>, NameFailure>,
    ) -> Self {
        match (name, unused) {
            (Err(NameFailure::NoAnswer), _) | (_, Err(NameFailure::NoAnswer)) => Self::NoAnswer,
            (Err(NameFailure::NotFound), _) => Self::Denied,
            (Ok(_), Err(NameFailure::NotFound)) => Self::Resolve,
            (Ok(addresses), Ok(others)) => {
                match addresses.iter().any(|address| others.contains(address)) {
                    true => Self::Denied,
                    false => Self::Resolve,
                }
            }
        }
    }

    /// What several names showed together: one that resolves is enough.
    pub fn of_all(shown: &[Self]) -> Self {
        [Self::Resolve, Self::Denied]
            .into_iter()
            .find(|one| shown.contains(one))
            .unwrap_or(Self::NoAnswer)
    }
}

/// Whether a name without an answer counts against its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameVerdict {
    Counts,
    /// The resolver may be the cause.
    Unknown,
}

/// What recent lookups showed.
#[derive(Debug, Default)]
pub struct NameResolution {
    /// Names without an answer, from the first to the last failed lookup.
    unanswered: HashMap<Box<str>, Period>,
    dropped_at: Option<Duration>,
    /// The time in which names were found and the reference names did not fail.
    working: Option<Period>,
    /// Whether the reference names have ever resolved. In a network without internet they never do, and prove nothing.
    have_resolved: bool,
    /// The time in which they failed that had resolved before.
    failing: Option<Period>,
}

#[derive(Clone, Copy, Debug)]
struct Period {
    since: Duration,
    last: Duration,
}

impl Period {
    /// Goes on until `at`, or begins there if it ended more than `gap` before.
    fn extend(before: Option<Self>, at: Duration, gap: Duration) -> Self {
        let new = Self {
            since: at,
            last: at,
        };
        match before {
            Some(before) if at.saturating_sub(before.last) < gap => Self { last: at, ..before },
            _ => new,
        }
    }
}

impl NameResolution {
    /// Records that a name was found.
    pub fn found(&mut self, name: &str, at: Duration) {
        self.unanswered.remove(name);
        self.works(at);
    }

    /// Records an answer that a name does not exist.
    pub fn absent(&mut self, name: &str) {
        self.unanswered.remove(name);
    }

    /// Records a lookup without an answer, and decides whether it counts.
    pub fn unanswered(&mut self, name: &str, at: Duration) -> NameVerdict {
        let before = self.unanswered.get(name).copied();
        if before.is_none() && !self.has_room(at) {
            return NameVerdict::Unknown;
        }
        let unanswered = Period::extend(before, at, FORGET_AFTER);
        self.unanswered.insert(name.into(), unanswered);
        let is_proved = self.working.is_some_and(|working| {
            let since = working.since.max(unanswered.since);
            working.last.saturating_sub(since) >= PROOF
        });
        match is_proved {
            true => NameVerdict::Counts,
            false => NameVerdict::Unknown,
        }
    }

    /// Records what the reference names showed.
    pub fn references(&mut self, shown: ReferenceNames, at: Duration) {
        self.have_resolved |= shown == ReferenceNames::Resolve;
        let fail = self.have_resolved && shown != ReferenceNames::Resolve;
        self.failing = fail.then(|| Period::extend(self.failing, at, LONGEST));
        match fail || shown == ReferenceNames::NoAnswer {
            true => self.working = None,
            false => self.works(at),
        }
    }

    /// Whether the reference names resolved at some time and do not now. It holds for five minutes at most, as for lost
    /// connectivity: the resolver may have begun to block just these names, and must not hide outages forever.
    pub fn reference_names_fail(&self, at: Duration) -> bool {
        self.failing
            .is_some_and(|failing| at.saturating_sub(failing.since) < LONGEST)
    }

    /// Whether the reference names have ever resolved.
    pub fn have_resolved(&self) -> bool {
        self.have_resolved
    }

    fn works(&mut self, at: Duration) {
        self.working = Some(Period::extend(self.working, at, Duration::MAX));
    }

    /// Whether another name can be kept; drops old ones from time to time.
    fn has_room(&mut self, at: Duration) -> bool {
        let is_due = self
            .dropped_at
            .is_none_or(|last| at.saturating_sub(last) >= DROP_EVERY);
        if self.unanswered.len() >= MAX_UNANSWERED && is_due {
            self.unanswered
                .retain(|_, name| at.saturating_sub(name.last) < FORGET_AFTER);
            self.dropped_at = Some(at);
        }
        self.unanswered.len() < MAX_UNANSWERED
    }
}

#[cfg(test)]
mod tests {
    use super::NameFailure::{NoAnswer, NotFound};
    use super::ReferenceNames::{Denied, NoAnswer as Unanswered, Resolve};
    use super::*;
    use Step::{Fail, Failed, Found, References};

    const COUNTS: NameVerdict = NameVerdict::Counts;
    const UNKNOWN: NameVerdict = NameVerdict::Unknown;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    /// What happens, in order, each at a second.
    enum Step {
        Found(&'static str),
        Failed(&'static str, NameVerdict),
        References(ReferenceNames),
        /// Whether the reference names fail.
        Fail(bool),
    }

    /// Takes the steps of each case.
    fn assert_steps(cases: Vec<(&str, Vec<(u64, Step)>)>) {
        for (why, steps) in cases {
            let mut names = NameResolution::default();
            for (second, step) in steps {
                match step {
                    Found(name) => names.found(name, at(second)),
                    References(shown) => names.references(shown, at(second)),
                    Failed(name, expected) => {
                        let verdict = names.unanswered(name, at(second));
                        assert_eq!(verdict, expected, "{why}, at {second} s");
                    }
                    Fail(expected) => {
                        let fail = names.reference_names_fail(at(second));
                        assert_eq!(fail, expected, "{why}, at {second} s");
                    }
                }
            }
        }
    }

    #[test]
    fn a_missing_answer_counts_when_other_names_resolve_for_minutes() {
        assert_steps(vec![
            (
                "without any other name",
                vec![(0, Failed("a", UNKNOWN)), (9_999, Failed("a", UNKNOWN))],
            ),
            (
                "one second too early, then long enough",
                vec![
                    (0, Failed("a", UNKNOWN)),
                    (1, References(Resolve)),
                    (180, References(Resolve)),
                    (180, Failed("a", UNKNOWN)),
                    (181, References(Resolve)),
                    (181, Failed("a", COUNTS)),
                ],
            ),
            (
                "names that resolved before do not count",
                vec![
                    (0, References(Resolve)),
                    (500, References(Resolve)),
                    (500, Failed("a", UNKNOWN)),
                    (680, Failed("a", UNKNOWN)),
                    (680, Found("b")),
                    (681, Failed("a", COUNTS)),
                ],
            ),
            (
                "an answer for the name itself starts again",
                vec![
                    (0, Failed("a", UNKNOWN)),
                    (1, Found("a")),
                    (100, Failed("a", UNKNOWN)),
                    (250, References(Resolve)),
                    (250, Failed("a", UNKNOWN)),
                ],
            ),
            (
                "a name that was not checked for an hour starts again",
                vec![
                    (0, Failed("a", UNKNOWN)),
                    (1, References(Resolve)),
                    (3_599, Failed("a", UNKNOWN)),
                    (3_600, References(Resolve)),
                    (7_198, Failed("a", COUNTS)),
                    (10_798, Failed("a", UNKNOWN)),
                ],
            ),
        ]);
    }

    #[test]
    fn a_failure_of_the_reference_names_may_be_the_cause_of_a_missing_answer() {
        assert_steps(vec![
            (
                "a failure of the reference names starts again",
                vec![
                    (0, Failed("a", UNKNOWN)),
                    (1, References(Resolve)),
                    (170, References(Unanswered)),
                    (175, References(Resolve)),
                    (354, References(Resolve)),
                    (354, Failed("a", UNKNOWN)),
                    (355, References(Resolve)),
                    (355, Failed("a", COUNTS)),
                ],
            ),
            (
                "a name in the hosts file proves nothing while the reference names get no answer",
                vec![
                    (0, Failed("a", UNKNOWN)),
                    (100, Found("localhost")),
                    (200, References(Unanswered)),
                    (300, Found("localhost")),
                    (350, References(Unanswered)),
                    (500, Found("localhost")),
                    (500, Failed("a", UNKNOWN)),
                ],
            ),
            (
                "a network without internet: the resolver answers, and that is enough",
                vec![
                    (0, Failed("a", UNKNOWN)),
                    (1, References(Denied)),
                    (181, References(Denied)),
                    (181, Failed("a", COUNTS)),
                    (182, Fail(false)),
                ],
            ),
        ]);
    }

    #[test]
    fn reference_names_fail_for_five_minutes_at_most() {
        assert_steps(vec![
            (
                "they never resolved",
                vec![(0, Fail(false)), (1, References(Denied)), (1, Fail(false))],
            ),
            (
                "a resolver that denies everything",
                vec![
                    (0, References(Resolve)),
                    (9, References(Denied)),
                    (9, Fail(true)),
                    (308, References(Denied)),
                    (308, Fail(true)),
                    (309, Fail(false)),
                    (1_000, References(Resolve)),
                    (1_001, References(Unanswered)),
                    (1_001, Fail(true)),
                ],
            ),
            (
                "a failure long ago says nothing about one now",
                vec![
                    (0, References(Resolve)),
                    (9, References(Denied)),
                    (309, References(Denied)),
                    (309, Fail(true)),
                    (608, References(Denied)),
                    (608, Fail(true)),
                    (609, Fail(false)),
                ],
            ),
        ]);
    }

    #[test]
    fn an_answer_that_a_name_does_not_exist_is_an_answer() {
        let mut names = NameResolution::default();
        names.unanswered("a", at(0));
        names.references(Resolve, at(1));
        names.references(Resolve, at(200));
        names.absent("a");
        assert_eq!(names.unanswered("a", at(200)), UNKNOWN);
        names.references(Resolve, at(380));
        assert_eq!(names.unanswered("a", at(380)), COUNTS);
    }

    #[test]
    fn a_reference_name_resolves_only_with_an_address_of_its_own_and_an_uncached_answer() {
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for (name, unused, expected) in [
            (Ok(vec![one]), Err(NotFound), Resolve),
            (Ok(vec![one]), Ok(vec![other]), Resolve),
            (Ok(vec![one, other]), Ok(vec![other]), Denied),
            (Ok(vec![one]), Err(NoAnswer), Unanswered),
            (Err(NotFound), Err(NotFound), Denied),
            (Err(NotFound), Ok(vec![one]), Denied),
            (Err(NotFound), Err(NoAnswer), Unanswered),
            (Err(NoAnswer), Err(NotFound), Unanswered),
        ] {
            let shown = ReferenceNames::shown_by(&name, &unused);
            assert_eq!(shown, expected, "{name:?}, {unused:?}");
        }
        assert_eq!(
            ReferenceNames::of_all(&[Unanswered, Denied, Resolve]),
            Resolve
        );
        assert_eq!(ReferenceNames::of_all(&[Unanswered, Denied]), Denied);
        assert_eq!(ReferenceNames::of_all(&[Unanswered]), Unanswered);
    }

    #[test]
    fn the_number_of_names_without_an_answer_is_limited() {
        let mut names = NameResolution::default();
        for number in 0..=MAX_UNANSWERED {
            names.unanswered(&number.to_string(), at(0));
        }
        assert_eq!(names.unanswered.len(), MAX_UNANSWERED);
        names.references(ReferenceNames::Resolve, at(1));
        names.references(ReferenceNames::Resolve, at(181));
        let last = MAX_UNANSWERED.to_string();
        assert_eq!(names.unanswered(&last, at(181)), UNKNOWN);
        assert_eq!(names.unanswered("7", at(181)), COUNTS);
        // After an hour there is room again.
        assert_eq!(names.unanswered(&last, at(3_600)), UNKNOWN);
        assert_eq!(names.unanswered.len(), 2);
    }
}
