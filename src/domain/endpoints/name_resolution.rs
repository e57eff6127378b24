//! Decides whether a name that does not resolve says something about the endpoint or about Rollcall's own resolver.
//!
//! An answer that the name does not exist counts at once, unless the resolver denies the reference names, too. No answer
//! (silence, SERVFAIL, REFUSED, an I/O error) counts only if other names resolve for minutes meanwhile: then the servers of
//! that name are broken, and not the resolver. Reference names are names that are known to exist, asked of the same
//! resolver.
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
    /// What the lookups of a reference name and of a name below it that nobody has used before showed. Only the second
    /// one cannot come from a cache. It does not exist, so a resolver that gives it the same address is no resolver but,
    /// for example, the login page of a network.
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

/// Whether a failed lookup counts against its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameVerdict {
    Counts,
    /// The resolver may be the cause.
    Unknown,
}

/// What recent lookups showed.
#[derive(Debug, Default)]
pub struct NameResolution {
    unanswered: HashMap<Box<str>, UnansweredName>,
    dropped_at: Option<Duration>,
    /// A time in which names were found and the reference names did not fail.
    working: Option<WorkingTime>,
    /// Whether the reference names have ever resolved. In a network without internet they never do, and prove nothing.
    have_resolved: bool,
    /// Since when they fail that have resolved before.
    failing_since: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct UnansweredName {
    first: Duration,
    last: Duration,
}

#[derive(Clone, Copy, Debug)]
struct WorkingTime {
    since: Duration,
    last: Duration,
}

impl NameResolution {
    /// Records that a name was found.
    pub fn found(&mut self, name: &str, at: Duration) {
        self.unanswered.remove(name);
        self.works(at);
    }

    /// Records a failed lookup, and decides whether it counts. Ask for the reference names before a `NotFound`.
    pub fn failed(&mut self, name: &str, failure: NameFailure, at: Duration) -> NameVerdict {
        match failure {
            NameFailure::NotFound => {
                self.unanswered.remove(name);
                match self.reference_names_fail(at) {
                    true => NameVerdict::Unknown,
                    false => NameVerdict::Counts,
                }
            }
            NameFailure::NoAnswer => self.unanswered(name, at),
        }
    }

    /// Records what the reference names showed.
    pub fn references(&mut self, shown: ReferenceNames, at: Duration) {
        self.have_resolved |= shown == ReferenceNames::Resolve;
        let has_begun_to_fail = self.have_resolved && shown != ReferenceNames::Resolve;
        self.failing_since = has_begun_to_fail.then(|| self.failing_since.unwrap_or(at));
        match shown != ReferenceNames::NoAnswer && !has_begun_to_fail {
            true => self.works(at),
            false => self.working = None,
        }
    }

    /// Whether the reference names resolved at some time and do not now. It holds for five minutes at most, as for lost
    /// connectivity: the resolver may have begun to block just these names, and must not hide outages forever.
    pub fn reference_names_fail(&self, at: Duration) -> bool {
        self.failing_since
            .is_some_and(|since| at.saturating_sub(since) < LONGEST)
    }

    /// Whether the reference names have ever resolved.
    pub fn have_resolved(&self) -> bool {
        self.have_resolved
    }

    fn works(&mut self, at: Duration) {
        match &mut self.working {
            Some(working) => working.last = at,
            None => {
                self.working = Some(WorkingTime {
                    since: at,
                    last: at,
                });
            }
        }
    }

    fn unanswered(&mut self, name: &str, at: Duration) -> NameVerdict {
        let is_kept = |name: &UnansweredName| at.saturating_sub(name.last) < FORGET_AFTER;
        if !self.unanswered.contains_key(name) {
            let is_due = self
                .dropped_at
                .is_none_or(|last| at.saturating_sub(last) >= DROP_EVERY);
            if self.unanswered.len() >= MAX_UNANSWERED && is_due {
                self.unanswered.retain(|_, name| is_kept(name));
                self.dropped_at = Some(at);
            }
            if self.unanswered.len() >= MAX_UNANSWERED {
                return NameVerdict::Unknown;
            }
        }
        let new = UnansweredName {
            first: at,
            last: at,
        };
        let unanswered = self.unanswered.entry(name.into()).or_insert(new);
        if !is_kept(unanswered) {
            *unanswered = new;
        }
        unanswered.last = at;
        let is_proved = self.working.is_some_and(|working| {
            let since = working.since.max(unanswered.first);
            working.last.saturating_sub(since) >= PROOF
        });
        match is_proved {
            true => NameVerdict::Counts,
            false => NameVerdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NameFailure::{NoAnswer, NotFound};
    use super::ReferenceNames::{Denied, NoAnswer as Unanswered, Resolve};
    use super::*;
    use Step::{Failed, Found, References};

    const COUNTS: NameVerdict = NameVerdict::Counts;
    const UNKNOWN: NameVerdict = NameVerdict::Unknown;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    /// What happens, in order, each at a second.
    enum Step {
        Found(&'static str),
        Failed(&'static str, NameFailure, NameVerdict),
        References(ReferenceNames),
    }

    /// Takes the steps of each case.
    fn assert_steps(cases: Vec<(&str, Vec<(u64, Step)>)>) {
        for (why, steps) in cases {
            let mut names = NameResolution::default();
            for (second, step) in steps {
                match step {
                    Found(name) => names.found(name, at(second)),
                    References(shown) => names.references(shown, at(second)),
                    Failed(name, failure, expected) => {
                        let verdict = names.failed(name, failure, at(second));
                        assert_eq!(verdict, expected, "{why}, at {second} s");
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
                vec![
                    (0, Failed("a", NoAnswer, UNKNOWN)),
                    (9_999, Failed("a", NoAnswer, UNKNOWN)),
                ],
            ),
            (
                "one second too early, then long enough",
                vec![
                    (0, Failed("a", NoAnswer, UNKNOWN)),
                    (1, References(Resolve)),
                    (180, References(Resolve)),
                    (180, Failed("a", NoAnswer, UNKNOWN)),
                    (181, References(Resolve)),
                    (181, Failed("a", NoAnswer, COUNTS)),
                ],
            ),
            (
                "names that resolved before do not count",
                vec![
                    (0, References(Resolve)),
                    (500, References(Resolve)),
                    (500, Failed("a", NoAnswer, UNKNOWN)),
                    (680, Failed("a", NoAnswer, UNKNOWN)),
                    (680, Found("b")),
                    (681, Failed("a", NoAnswer, COUNTS)),
                ],
            ),
            (
                "an answer for the name itself starts again",
                vec![
                    (0, Failed("a", NoAnswer, UNKNOWN)),
                    (1, Found("a")),
                    (100, Failed("a", NoAnswer, UNKNOWN)),
                    (250, References(Resolve)),
                    (250, Failed("a", NoAnswer, UNKNOWN)),
                ],
            ),
            (
                "a name that was not checked for an hour starts again",
                vec![
                    (0, Failed("a", NoAnswer, UNKNOWN)),
                    (1, References(Resolve)),
                    (3_599, Failed("a", NoAnswer, UNKNOWN)),
                    (3_600, References(Resolve)),
                    (7_198, Failed("a", NoAnswer, COUNTS)),
                    (10_798, Failed("a", NoAnswer, UNKNOWN)),
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
                    (0, Failed("a", NoAnswer, UNKNOWN)),
                    (1, References(Resolve)),
                    (170, References(Unanswered)),
                    (175, References(Resolve)),
                    (354, References(Resolve)),
                    (354, Failed("a", NoAnswer, UNKNOWN)),
                    (355, References(Resolve)),
                    (355, Failed("a", NoAnswer, COUNTS)),
                ],
            ),
            (
                "a name in the hosts file proves nothing while the reference names get no answer",
                vec![
                    (0, Failed("a", NoAnswer, UNKNOWN)),
                    (100, Found("localhost")),
                    (200, References(Unanswered)),
                    (300, Found("localhost")),
                    (350, References(Unanswered)),
                    (500, Found("localhost")),
                    (500, Failed("a", NoAnswer, UNKNOWN)),
                ],
            ),
            (
                "a network without internet: the resolver answers, and that is enough",
                vec![
                    (0, Failed("a", NoAnswer, UNKNOWN)),
                    (1, References(Denied)),
                    (181, References(Denied)),
                    (181, Failed("a", NoAnswer, COUNTS)),
                    (182, Failed("b", NotFound, COUNTS)),
                ],
            ),
        ]);
    }

    #[test]
    fn a_name_that_does_not_exist_counts_unless_the_reference_names_fail() {
        assert_steps(vec![
            (
                "a name that does not exist counts at once",
                vec![
                    (0, Failed("a", NotFound, COUNTS)),
                    (1, References(Resolve)),
                    (1, Failed("a", NotFound, COUNTS)),
                ],
            ),
            (
                "a resolver that denies everything",
                vec![
                    (0, References(Resolve)),
                    (9, References(Denied)),
                    (9, Failed("a", NotFound, UNKNOWN)),
                    (308, References(Denied)),
                    (308, Failed("a", NotFound, UNKNOWN)),
                    (309, Failed("a", NotFound, COUNTS)),
                    (1_000, References(Resolve)),
                    (1_000, Failed("a", NotFound, COUNTS)),
                ],
            ),
            (
                "a resolver that denies some names and does not answer for others",
                vec![
                    (0, References(Resolve)),
                    (9, References(Unanswered)),
                    (9, Failed("a", NotFound, UNKNOWN)),
                ],
            ),
        ]);
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
            names.failed(&number.to_string(), NoAnswer, at(0));
        }
        assert_eq!(names.unanswered.len(), MAX_UNANSWERED);
        names.references(ReferenceNames::Resolve, at(1));
        names.references(ReferenceNames::Resolve, at(181));
        let last = MAX_UNANSWERED.to_string();
        assert_eq!(names.failed(&last, NoAnswer, at(181)), UNKNOWN);
        assert_eq!(names.failed("7", NoAnswer, at(181)), COUNTS);
        // After an hour there is room again.
        assert_eq!(names.failed(&last, NoAnswer, at(3_600)), UNKNOWN);
        assert_eq!(names.unanswered.len(), 2);
    }
}
