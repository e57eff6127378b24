//! The probable cause of an incident, as far as the evidence goes: DNS, the network path, the subnet, the host, one port, or
//! the service. Each cause carries the evidence that supports it; without evidence there is no cause.

use super::grouping::Subnet;
use crate::endpoints::check_result::FailureClass;
use crate::timestamp::Timestamp;

/// The minimum number of endpoints in a subnet, and of their hosts, for their failures to say anything about the subnet.
const MIN_ENDPOINTS: u64 = 3;
const MIN_HOSTS: u64 = 2;

/// The evidence about an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Why each endpoint of the incident is down.
    pub classes: Vec<FailureClass>,
    /// A server or device on the host that has reported since the outage began, and when.
    pub agent: Option<(String, Timestamp)>,
    /// Another port of the host that has answered since the outage began, and when.
    pub answering: Option<(u16, Timestamp)>,
    /// The number of endpoints on the host, if all of them are down; otherwise 0.
    pub down_on_host: u64,
    pub subnet: Option<SubnetEvidence>,
}

/// The state of the endpoints in one subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetEvidence {
    pub subnet: Subnet,
    pub hosts: u64,
    pub down: u64,
    pub all: u64,
}

/// The probable cause of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The host answers, but the service does not, or not as expected.
    Service(FailureClass),
    /// The name does not resolve.
    Dns,
    /// Only this port does not answer: another one has.
    Port { other: u16, at: Timestamp },
    /// The network path from Rollcall to the host: a server or device on the host has reported.
    NetworkPath { agent: String, at: Timestamp },
    /// None of the `down` endpoints on the host answers.
    Host { down: u64 },
    /// No endpoint in the whole subnet answers.
    Network { subnet: Subnet, down: u64 },
}

impl Cause {
    /// Whether both are the same cause, regardless of when the evidence was recorded.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Port { other: one, .. }, Self::Port { other: two, .. }) => one == two,
            (Self::NetworkPath { agent: one, .. }, Self::NetworkPath { agent: two, .. }) => {
                one == two
            }
            _ => self == other,
        }
    }
}

/// Whether this failure means that the remote side has answered.
fn is_answer(class: FailureClass) -> bool {
    match class {
        FailureClass::Refused
        | FailureClass::TlsFailed
        | FailureClass::UnexpectedStatus
        | FailureClass::KeywordMissing
        | FailureClass::ProtocolError => true,
        FailureClass::TimedOut
        | FailureClass::Unreachable
        | FailureClass::NameFailed
        | FailureClass::NotAllowed => false,
    }
}

/// Returns the probable cause. Evidence from the host itself comes first: a report or an answer shows that the host is up.
pub fn judge(evidence: &Evidence) -> Option<Cause> {
    let first = *evidence.classes.first()?;
    let are_all = |is: fn(FailureClass) -> bool| evidence.classes.iter().all(|class| is(*class));
    if are_all(is_answer) {
        return Some(Cause::Service(first));
    }
    if are_all(|class| class == FailureClass::NameFailed) {
        return Some(Cause::Dns);
    }
    let is_no_answer = |class| matches!(class, FailureClass::TimedOut | FailureClass::Unreachable);
    if !are_all(is_no_answer) {
        return None;
    }
    if let Some((agent, at)) = evidence.agent.clone() {
        return Some(Cause::NetworkPath { agent, at });
    }
    if let Some((other, at)) = evidence.answering {
        return Some(Cause::Port { other, at });
    }
    let is_whole = |found: &&SubnetEvidence| {
        found.down == found.all && found.all >= MIN_ENDPOINTS && found.hosts >= MIN_HOSTS
    };
    if let Some(found) = evidence.subnet.as_ref().filter(is_whole) {
        return Some(Cause::Network {
            subnet: found.subnet,
            down: found.down,
        });
    }
    let down = evidence.down_on_host;
    (down > 1).then_some(Cause::Host { down })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Evidence {
        Evidence {
            classes: vec![FailureClass::TimedOut],
            ..Evidence::default()
        }
    }

    fn subnet(hosts: u64, down: u64, all: u64) -> Option<SubnetEvidence> {
        Some(SubnetEvidence {
            subnet: Subnet::of("10.1.2.3".parse().unwrap()),
            hosts,
            down,
            all,
        })
    }

    fn with(change: impl FnOnce(&mut Evidence)) -> Evidence {
        let mut evidence = down();
        change(&mut evidence);
        evidence
    }

    #[test]
    fn failures_with_an_answer_show_the_cause() {
        use FailureClass::{NameFailed, NotAllowed, Refused, TimedOut, UnexpectedStatus};
        let service = |class| Some(Cause::Service(class));
        for (classes, expected, why) in [
            (vec![], None, "nothing is known"),
            (vec![TimedOut], None, "one endpoint without an answer"),
            (vec![Refused], service(Refused), "refused"),
            (
                vec![UnexpectedStatus, Refused],
                service(UnexpectedStatus),
                "both answer",
            ),
            (vec![Refused, TimedOut], None, "one answers, one does not"),
            (vec![NameFailed], Some(Cause::Dns), "the name fails"),
            (vec![NotAllowed], None, "not checked"),
        ] {
            let evidence = Evidence {
                classes,
                ..Evidence::default()
            };
            assert_eq!(judge(&evidence), expected, "{why}");
        }
    }

    #[test]
    fn without_an_answer_other_evidence_shows_the_cause() {
        let at = Timestamp::from_millis(7);
        let host = |down| Some(Cause::Host { down });
        let network = Some(Cause::Network {
            subnet: subnet(1, 1, 1).unwrap().subnet,
            down: 4,
        });
        let path = Some(Cause::NetworkPath {
            agent: "db-1".into(),
            at,
        });
        let everything = with(|all| {
            all.agent = Some(("db-1".into(), at));
            all.answering = Some((22, at));
            all.down_on_host = 2;
            all.subnet = subnet(2, 4, 4);
        });
        let no_agent = Evidence {
            agent: None,
            ..everything.clone()
        };
        let only_no_answer = Evidence {
            answering: None,
            ..no_agent.clone()
        };
        let not_all = Evidence {
            subnet: subnet(2, 3, 4),
            ..only_no_answer.clone()
        };
        let port = Some(Cause::Port { other: 22, at });
        for (evidence, expected, why) in [
            (everything, path, "an agent on the host comes first"),
            (no_agent, port, "another port answers"),
            (only_no_answer, network, "the whole network"),
            (not_all, host(2), "not the whole network"),
            (
                with(|one| one.subnet = subnet(1, 4, 4)),
                None,
                "one host is not a subnet",
            ),
            (
                with(|two| two.subnet = subnet(2, 2, 2)),
                None,
                "two are too few",
            ),
            (
                with(|one| one.down_on_host = 1),
                None,
                "one endpoint proves nothing",
            ),
        ] {
            assert_eq!(judge(&evidence), expected, "{why}");
        }
    }

    #[test]
    fn the_same_cause_at_another_time_is_alike() {
        let port = |at| Cause::Port {
            other: 22,
            at: Timestamp::from_millis(at),
        };
        assert!(port(1).is_like(&port(2)));
        assert!(!port(1).is_like(&Cause::Dns));
        assert!(!Cause::Host { down: 2 }.is_like(&Cause::Host { down: 3 }));
    }
}
