//! Whether we can see at all. When many endpoints stop answering at once it may be us: our line, our router. Then witnesses
//! are asked, hosts that have nothing to do with each other or with the roll; if none of them answers either, we are blind,
//! and what we see says nothing about the endpoints.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use super::monitor::MonitorId;
use super::timestamp::Timestamp;

/// Failures that begin within this time of each other belong together.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Fewer are not many, and neither is a smaller share of what was looked at (in percent).
const FEWEST: usize = 5;
const SHARE: usize = 60;

/// Nobody is kept waiting longer than this by our doubts: then what we see counts, whatever the witnesses say.
pub const LONGEST: Duration = Duration::from_secs(300);

/// What was seen lately.
#[derive(Debug, Default)]
pub struct FailureTracker {
    /// What fails, and since when.
    failing: HashMap<MonitorId, Timestamp>,
    /// Passes by second, the newest last.
    passes: VecDeque<(i64, usize)>,
}

/// Many that began to fail within the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// When the first of them did.
    pub began: Timestamp,
    pub failing: u64,
}

impl FailureTracker {
    /// Takes note of a look that has passed or failed.
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

    /// Whether so many have begun to fail that it may be us: at least five, and at least 60 % of what has been looked at
    /// since the first of them.
    pub fn suspicion(&self, now: Timestamp) -> Option<Suspicion> {
        let is_recent = |since: &&Timestamp| now.since(**since) <= WINDOW;
        let recent = self.failing.values().filter(is_recent);
        let (failing, began) = recent.fold((0, now), |(count, began), since| {
            (count + 1, began.min(*since))
        });
        if failing < FEWEST {
            return None;
        }
        let after = self.passes.iter().rev();
        let after = after.take_while(|(second, _)| *second > began.seconds());
        let passed: usize = after.map(|(_, count)| count).sum();
        let is_most = failing * 100 >= (failing + passed) * SHARE;
        is_most.then_some(Suspicion {
            began,
            failing: failing as u64,
        })
    }
}

/// How we see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    Open,
    Blind {
        since: Timestamp,
    },
    /// The witnesses have been silent for too long to be believed; one must answer before they are believed again.
    Unverified,
}

/// What has changed about how we see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectivityChange {
    Lost(Suspicion),
    /// A witness answers.
    Restored,
    /// None does, and nobody is kept waiting any longer.
    GaveUp,
}

impl Connectivity {
    /// Whether the witnesses must be asked.
    pub fn ask(self, suspicion: Option<Suspicion>) -> bool {
        self != Self::Open || suspicion.is_some()
    }

    /// How we see from now on, by whether a witness answers.
    pub fn next(
        self,
        suspicion: Option<Suspicion>,
        has_answered: bool,
        now: Timestamp,
    ) -> (Self, Option<ConnectivityChange>) {
        match (self, suspicion) {
            (Self::Open, Some(suspicion)) if !has_answered => (
                Self::Blind { since: now },
                Some(ConnectivityChange::Lost(suspicion)),
            ),
            (Self::Blind { .. }, _) if has_answered => {
                (Self::Open, Some(ConnectivityChange::Restored))
            }
            (Self::Blind { since }, _) if now.since(since) >= LONGEST => {
                (Self::Unverified, Some(ConnectivityChange::GaveUp))
            }
            (Self::Unverified, _) if has_answered => (Self::Open, None),
            (same, _) => (same, None),
        }
    }
}

/// A host that is asked whether we see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceHost {
    pub host: String,
    pub port: u16,
}

impl ReferenceHost {
    /// Reads `1.1.1.1:443, [2606:4700::1111]:443, example.org:443`; an empty text is nobody.
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

    /// `failed` fail one second after another from second 100 on; then `passed` others pass.
    fn seen(failed: i64, passed: i64) -> FailureTracker {
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
    fn many_that_fail_at_once_are_suspicious() {
        for (failed, passed, now, failing, why) in [
            (4, 0, 120, None, "few"),
            (5, 0, 120, Some(5), "five, and nothing else is seen"),
            (6, 4, 120, Some(6), "sixty percent"),
            (6, 5, 120, None, "less than that"),
            (5, 0, 160, Some(5), "a minute"),
            (5, 0, 161, None, "one of them has failed for longer"),
            (50, 0, 400, None, "all of them have"),
        ] {
            let found = seen(failed, passed).suspicion(at(now));
            assert_eq!(found.map(|found| found.failing), failing, "{why}");
            assert!(found.is_none_or(|found| found.began == at(100)), "{why}");
        }
    }

    #[test]
    fn what_passes_again_is_no_longer_suspicious() {
        let mut tracker = seen(5, 0);
        tracker.record(MonitorId(0), true, at(121));
        assert_eq!(tracker.suspicion(at(121)), None);
    }

    #[test]
    fn doubts_end_with_an_answer_or_after_five_minutes() {
        let suspicion = Suspicion {
            began: at(90),
            failing: 5,
        };
        let (blind, some) = (Connectivity::Blind { since: at(100) }, Some(suspicion));
        for (connectivity, seen, has_answered, now, next, change) in [
            (
                Connectivity::Open,
                None,
                false,
                100,
                Connectivity::Open,
                None,
            ),
            (
                Connectivity::Open,
                some,
                true,
                100,
                Connectivity::Open,
                None,
            ),
            (
                Connectivity::Open,
                some,
                false,
                100,
                blind,
                Some(ConnectivityChange::Lost(suspicion)),
            ),
            (blind, some, false, 399, blind, None),
            (
                blind,
                some,
                true,
                399,
                Connectivity::Open,
                Some(ConnectivityChange::Restored),
            ),
            (
                blind,
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
                Connectivity::Open,
                None,
            ),
        ] {
            let found = connectivity.next(seen, has_answered, at(now));
            assert_eq!(found, (next, change), "{connectivity:?} at {now}");
        }
        assert!(
            !Connectivity::Open.ask(None)
                && Connectivity::Open.ask(some)
                && Connectivity::Unverified.ask(None)
        );
    }

    #[test]
    fn witnesses_are_hosts_with_ports() {
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
