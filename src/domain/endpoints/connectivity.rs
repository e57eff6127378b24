//! Decides whether Rollcall itself has network connectivity. When many endpoints stop answering at once, Rollcall's own
//! uplink or router may be the cause. Rollcall then contacts reference hosts, which are independent of each other and of the
//! monitored endpoints. If none of them answers either, connectivity is lost, and check results say nothing about the
//! endpoints.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::monitor::MonitorId;
use crate::timestamp::Timestamp;

/// Failures that began within this time of each other count together.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The minimum number of failing endpoints, and their minimum share of the checked endpoints (in percent), for a suspicion.
const MIN_FAILING: usize = 5;
const MIN_PERCENT: usize = 60;

/// The longest time that lost connectivity holds alerts back. After it, check results count even if no reference host
/// answers.
pub const LONGEST: Duration = Duration::from_secs(300);

/// Recent failures and passes.
#[derive(Debug, Default)]
pub struct FailureTracker {
    /// Failing endpoints, and since when each one fails.
    failing: HashMap<MonitorId, Timestamp>,
    /// Number of passes per second, the newest last.
    passes: VecDeque<(i64, usize)>,
}

/// Many endpoints began to fail within the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// When the first of them began to fail.
    pub began: Timestamp,
    pub failing: u64,
}

impl FailureTracker {
    /// Records a check that passed or failed.
    pub fn record(&mut self, id: MonitorId, has_passed: bool, at: Timestamp) {
        if !has_passed {
            self.failing.entry(id).or_insert(at);
            return;
        }
        self.failing.remove(&id);
        match self.passes.back_mut() {
            Some((second, count)) if *second >= at.seconds() => *count += 1,
            _ => self.passes.push_back((at.seconds(), 1)),
        }
        let oldest = at.minus(WINDOW).seconds();
        while self
            .passes
            .front()
            .is_some_and(|(second, _)| *second < oldest)
        {
            self.passes.pop_front();
        }
    }

    /// Returns a suspicion if at least 5 endpoints, and at least 60 % of those checked since the first failure, have begun
    /// to fail: then the cause may be Rollcall's own network.
    pub fn suspicion(&self, now: Timestamp) -> Option<Suspicion> {
        let is_recent = |since: &&Timestamp| now.since(**since) <= WINDOW;
        let recent = self.failing.values().filter(is_recent);
        let (failing, began) = recent.fold((0, now), |(count, began), since| {
            (count + 1, began.min(*since))
        });
        if failing < MIN_FAILING {
            return None;
        }
        let after = self.passes.iter().rev();
        let after = after.take_while(|(second, _)| *second > began.seconds());
        let passed: usize = after.map(|(_, count)| count).sum();
        let is_most = failing * 100 >= (failing + passed) * MIN_PERCENT;
        is_most.then_some(Suspicion {
            began,
            failing: failing as u64,
        })
    }
}

/// The state of Rollcall's own connectivity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    Up,
    Down {
        since: Timestamp,
    },
    /// The reference hosts have not answered for too long to be trusted; one must answer before they are trusted again.
    Unverified,
}

/// A change of the connectivity state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectivityChange {
    Lost(Suspicion),
    /// A reference host answers.
    Restored,
    /// No reference host answers, but alerts are no longer held back.
    GaveUp,
}

impl Connectivity {
    /// Whether the reference hosts must be contacted.
    pub fn ask(self, suspicion: Option<Suspicion>) -> bool {
        self != Self::Up || suspicion.is_some()
    }

    /// Returns the next state and the change, if there is one; `has_answered` is whether a reference host answers.
    pub fn next(
        self,
        suspicion: Option<Suspicion>,
        has_answered: bool,
        now: Timestamp,
    ) -> (Self, Option<ConnectivityChange>) {
        match (self, suspicion) {
            (Self::Up, Some(suspicion)) if !has_answered => (
                Self::Down { since: now },
                Some(ConnectivityChange::Lost(suspicion)),
            ),
            (Self::Down { .. }, _) if has_answered => {
                (Self::Up, Some(ConnectivityChange::Restored))
            }
            (Self::Down { since }, _) if now.since(since) >= LONGEST => {
                (Self::Unverified, Some(ConnectivityChange::GaveUp))
            }
            (Self::Unverified, _) if has_answered => (Self::Up, None),
            (same, _) => (same, None),
        }
    }
}

/// A host that Rollcall contacts to test its own connectivity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceHost {
    pub host: String,
    pub port: u16,
}

impl ReferenceHost {
    /// Reads `1.1.1.1:443, [2606:4700::1111]:443, example.org:443`; an empty text means no hosts. `None` if an entry is not
    /// valid.
    pub fn parse_list(text: &str) -> Option<Vec<Self>> {
        let parts = text.split(',').map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(Self::parse)
            .collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        // An IPv6 address without brackets would lose its last part to the port.
        let is_right = !host.is_empty()
            && host.chars().all(is_host)
            && (bare.is_some() || !host.contains(':'));
        let port = port.parse().ok().filter(|port| *port != 0)?;
        is_right.then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for ReferenceHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    /// `failed` endpoints fail one second apart, starting at second 100; then `passed` other endpoints pass.
    fn tracker_with(failed: i64, passed: i64) -> FailureTracker {
        let mut tracker = FailureTracker::default();
        for number in 0..50 {
            tracker.record(MonitorId(number), true, at(90));
        }
        for number in 0..failed {
            tracker.record(MonitorId(number), false, at(100 + number));
            tracker.record(MonitorId(number), false, at(110 + number));
        }
        for number in 0..passed {
            tracker.record(MonitorId(1_000 + number), true, at(120));
        }
        tracker
    }

    #[test]
    fn many_simultaneous_failures_raise_a_suspicion() {
        for (failed, passed, now, failing, why) in [
            (4, 0, 120, None, "too few"),
            (5, 0, 120, Some(5), "five, and no other check"),
            (6, 4, 120, Some(6), "sixty percent"),
            (6, 5, 120, None, "less than that"),
            (5, 0, 160, Some(5), "after a minute"),
            (5, 0, 161, None, "one of them has failed for longer"),
            (50, 0, 400, None, "all have failed for longer"),
        ] {
            let found = tracker_with(failed, passed).suspicion(at(now));
            assert_eq!(found.map(|found| found.failing), failing, "{why}");
            assert!(found.is_none_or(|found| found.began == at(100)), "{why}");
        }
    }

    #[test]
    fn a_passing_check_withdraws_the_suspicion() {
        let mut tracker = tracker_with(5, 0);
        tracker.record(MonitorId(0), true, at(121));
        assert_eq!(tracker.suspicion(at(121)), None);
    }

    #[test]
    fn lost_connectivity_ends_with_an_answer_or_after_five_minutes() {
        let suspicion = Suspicion {
            began: at(90),
            failing: 5,
        };
        let (lost, some) = (Connectivity::Down { since: at(100) }, Some(suspicion));
        for (connectivity, suspected, has_answered, now, next, change) in [
            (Connectivity::Up, None, false, 100, Connectivity::Up, None),
            (Connectivity::Up, some, true, 100, Connectivity::Up, None),
            (
                Connectivity::Up,
                some,
                false,
                100,
                lost,
                Some(ConnectivityChange::Lost(suspicion)),
            ),
            (lost, some, false, 399, lost, None),
            (
                lost,
                some,
                true,
                399,
                Connectivity::Up,
                Some(ConnectivityChange::Restored),
            ),
            (
                lost,
                None,
                false,
                400,
                Connectivity::Unverified,
                Some(ConnectivityChange::GaveUp),
            ),
            (
                Connectivity::Unverified,
                some,
                false,
                999,
                Connectivity::Unverified,
                None,
            ),
            (
                Connectivity::Unverified,
                some,
                true,
                999,
                Connectivity::Up,
                None,
            ),
        ] {
            let found = connectivity.next(suspected, has_answered, at(now));
            assert_eq!(found, (next, change), "{connectivity:?} at {now}");
        }
        assert!(
            !Connectivity::Up.ask(None)
                && Connectivity::Up.ask(some)
                && Connectivity::Unverified.ask(None)
        );
    }

    #[test]
    fn reference_hosts_are_parsed_with_ports() {
        let read =
            ReferenceHost::parse_list("1.1.1.1:443, [2606:4700::1111]:53,example.org:80").unwrap();
        let written: Vec<String> = read.iter().map(ToString::to_string).collect();
        assert_eq!(
            written,
            ["1.1.1.1:443", "[2606:4700::1111]:53", "example.org:80"]
        );
        assert_eq!(ReferenceHost::parse_list(" "), Some(Vec::new()));
        for wrong in [
            "1.1.1.1",
            "example.org:0",
            ":443",
            "http://example.org:80",
            "2606::1:443",
        ] {
            assert_eq!(ReferenceHost::parse_list(wrong), None, "{wrong}");
        }
    }
}
