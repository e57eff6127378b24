//! Decides whether Rollcall itself has network connectivity and can resolve names. When many endpoints stop answering at
//! once, Rollcall's own uplink, router or resolver may be the cause. Rollcall then contacts reference hosts, which are
//! independent of each other and of the monitored endpoints, and resolves reference names. If none of the hosts answers
//! either, connectivity is lost, and check results say nothing about the endpoints. If only the names fail, the results of
//! endpoints that have a name say nothing.

use std::fmt;
use std::time::Duration;

use strum::{EnumString, IntoStaticStr};

use super::failure_tracker::Suspicion;
use super::target::Host;
use crate::timestamp::Timestamp;

/// The longest time that lost connectivity holds alerts back. After it, check results count even if no reference host
/// answers.
pub const LONGEST: Duration = Duration::from_secs(300);

/// The shortest and the longest time between two tests while something is lost.
const SHORTEST_GAP: Duration = Duration::from_secs(1);
const LONGEST_GAP: Duration = Duration::from_secs(5);

/// The longest reference name: there must be room for a label in front of it.
const MAX_NAME_BYTES: usize = 200;

/// What Rollcall itself has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Loss {
    /// The network: no check result says anything.
    Network,
    /// The resolver: the results of endpoints that have an IP address are not affected.
    NameResolution,
}

impl Loss {
    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// The state of Rollcall's own connectivity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    Up,
    Down {
        loss: Loss,
        since: Timestamp,
    },
    /// The reference hosts or names have failed for too long to be trusted; they must answer before they are trusted again.
    Unverified(Loss),
}

/// A change of the connectivity state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectivityChange {
    Lost(Loss, Suspicion),
    /// What was lost works again.
    Restored(Loss),
    /// It still does not work, but alerts are no longer held back.
    GaveUp(Loss),
}

/// Which reference hosts and names work. What is not tested works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceAnswers {
    /// Whether any reference host answers.
    pub hosts: bool,
    /// Whether the reference names resolve.
    pub names: bool,
}

impl ReferenceAnswers {
    fn lost(self) -> Option<Loss> {
        match self {
            Self { hosts: false, .. } => Some(Loss::Network),
            Self { names: false, .. } => Some(Loss::NameResolution),
            Self { .. } => None,
        }
    }

    fn restores(self, loss: Loss) -> bool {
        match loss {
            Loss::Network => self.hosts,
            Loss::NameResolution => self.names,
        }
    }
}

impl Connectivity {
    /// Whether the reference hosts and names must be tested.
    pub fn must_test(self, suspicion: Option<&Suspicion>) -> bool {
        self != Self::Up || suspicion.is_some()
    }

    /// What is lost at the moment.
    pub fn loss(self) -> Option<Loss> {
        match self {
            Self::Down { loss, .. } => Some(loss),
            Self::Up | Self::Unverified(_) => None,
        }
    }

    /// The time until the next test while something is lost or not trusted: as long as the loss has lasted, so that a short one
    /// holds alerts back for a moment only.
    pub fn test_gap(self, now: Timestamp) -> Duration {
        match self {
            Self::Down { since, .. } => now.since(since).clamp(SHORTEST_GAP, LONGEST_GAP),
            Self::Up | Self::Unverified(_) => LONGEST_GAP,
        }
    }

    /// Returns the next state and the change, if there is one.
    pub fn next(
        self,
        suspicion: Option<Suspicion>,
        answers: ReferenceAnswers,
        now: Timestamp,
    ) -> (Self, Option<ConnectivityChange>) {
        match self {
            Self::Up => self.suspected(suspicion, answers.lost(), now),
            Self::Down { loss, .. } if answers.restores(loss) => {
                (Self::Up, Some(ConnectivityChange::Restored(loss)))
            }
            // The network can fail, too, while names do not resolve.
            Self::Down {
                loss: Loss::NameResolution,
                ..
            } if !answers.hosts && suspicion.is_some() => {
                self.suspected(suspicion, Some(Loss::Network), now)
            }
            Self::Down { loss, since } if now.since(since) >= LONGEST => (
                Self::Unverified(loss),
                Some(ConnectivityChange::GaveUp(loss)),
            ),
            Self::Down { .. } => (self, None),
            Self::Unverified(loss) if answers.restores(loss) => (Self::Up, None),
            // The network can fail while the names are not trusted.
            Self::Unverified(Loss::NameResolution) if !answers.hosts => {
                self.suspected(suspicion, Some(Loss::Network), now)
            }
            Self::Unverified(_) => (self, None),
        }
    }

    fn suspected(
        self,
        suspicion: Option<Suspicion>,
        loss: Option<Loss>,
        now: Timestamp,
    ) -> (Self, Option<ConnectivityChange>) {
        match (suspicion, loss) {
            (Some(suspicion), Some(loss)) => (
                Self::Down { loss, since: now },
                Some(ConnectivityChange::Lost(loss, suspicion)),
            ),
            _ => (self, None),
        }
    }
}

/// Reads a list of reference names: `one.one.one.one, dns.google`; an empty text means none. `None` if an entry is not a
/// valid name.
pub fn parse_names(text: &str) -> Option<Vec<String>> {
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(|part| match part.parse() {
            Ok(Host::Name(name)) if name.len() <= MAX_NAME_BYTES => Some(name.into()),
            _ => None,
        })
        .collect()
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
    use super::Connectivity::{Unverified, Up};
    use super::ConnectivityChange::{GaveUp, Restored};
    use super::Loss::{NameResolution as Names, Network};
    use super::*;
    use crate::monitor::MonitorId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn down(loss: Loss) -> Connectivity {
        Connectivity::Down {
            loss,
            since: at(100),
        }
    }

    fn suspicion() -> Option<Suspicion> {
        Some(Suspicion {
            began: at(90),
            failing: vec![MonitorId(1)],
        })
    }

    fn lost(loss: Loss) -> Option<ConnectivityChange> {
        suspicion().map(|suspicion| ConnectivityChange::Lost(loss, suspicion))
    }

    const ALL: ReferenceAnswers = ReferenceAnswers {
        hosts: true,
        names: true,
    };
    const NONE: ReferenceAnswers = ReferenceAnswers {
        hosts: false,
        names: false,
    };
    const ONLY_HOSTS: ReferenceAnswers = ReferenceAnswers {
        hosts: true,
        names: false,
    };
    const ONLY_NAMES: ReferenceAnswers = ReferenceAnswers {
        hosts: false,
        names: true,
    };

    #[test]
    fn connectivity_is_lost_when_many_fail_and_nothing_answers() {
        for (before, suspicion, answers, after, change) in [
            (Up, None, NONE, Up, None),
            (Up, suspicion(), ALL, Up, None),
            (Up, suspicion(), NONE, down(Network), lost(Network)),
            (Up, suspicion(), ONLY_NAMES, down(Network), lost(Network)),
            (Up, suspicion(), ONLY_HOSTS, down(Names), lost(Names)),
            (
                Unverified(Names),
                suspicion(),
                NONE,
                down(Network),
                lost(Network),
            ),
            (Unverified(Names), None, NONE, Unverified(Names), None),
            (down(Names), None, NONE, down(Names), None),
            (down(Names), suspicion(), NONE, down(Network), lost(Network)),
            (down(Network), suspicion(), NONE, down(Network), None),
        ] {
            let found = before.next(suspicion, answers, at(100));
            assert_eq!(found, (after, change), "{before:?}, {answers:?}");
        }
        assert!(!Up.must_test(None) && Up.must_test(suspicion().as_ref()));
        assert!(Unverified(Network).must_test(None));
    }

    #[test]
    fn lost_connectivity_ends_with_an_answer_or_after_five_minutes() {
        for (before, answers, now, after, change) in [
            (down(Network), NONE, 399, down(Network), None),
            (down(Network), ONLY_HOSTS, 399, Up, Some(Restored(Network))),
            (down(Names), ONLY_HOSTS, 399, down(Names), None),
            (down(Names), ALL, 399, Up, Some(Restored(Names))),
            (
                down(Network),
                NONE,
                400,
                Unverified(Network),
                Some(GaveUp(Network)),
            ),
            (
                down(Names),
                ONLY_HOSTS,
                400,
                Unverified(Names),
                Some(GaveUp(Names)),
            ),
            (Unverified(Network), NONE, 999, Unverified(Network), None),
            (Unverified(Network), ONLY_HOSTS, 999, Up, None),
            (Unverified(Names), ONLY_HOSTS, 999, Unverified(Names), None),
            (Unverified(Names), ALL, 999, Up, None),
        ] {
            let found = before.next(suspicion(), answers, at(now));
            assert_eq!(found, (after, change), "{before:?} at {now}, {answers:?}");
        }
    }

    #[test]
    fn tests_follow_each_other_slower_the_longer_something_is_lost() {
        for (milliseconds, gap) in [
            (0, 1_000),
            (1_000, 1_000),
            (1_001, 1_001),
            (4_999, 4_999),
            (5_000, 5_000),
            (5_001, 5_000),
            // The clock cannot run backward; if it did, tests would not stop.
            (-1_000, 1_000),
        ] {
            let now = Timestamp::from_millis(at(100).millis() + milliseconds);
            let found = down(Network).test_gap(now);
            assert_eq!(found, Duration::from_millis(gap), "after {milliseconds} ms");
        }
        assert_eq!(Unverified(Names).test_gap(at(100)), LONGEST_GAP);
    }

    #[test]
    fn reference_names_are_parsed() {
        let read = parse_names("one.one.one.one, DNS.google.").unwrap();
        assert_eq!(read, ["one.one.one.one", "dns.google"]);
        assert_eq!(parse_names(" "), Some(Vec::new()));
        let long = |length: usize| "a.".repeat(length / 2 - 1) + "a";
        assert!(parse_names(&long(200)).is_some());
        assert_eq!(parse_names(&long(202)), None);
        for wrong in ["1.1.1.1", "dns.google:443", "https://dns.google", "a b"] {
            assert_eq!(parse_names(wrong), None, "{wrong}");
        }
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
