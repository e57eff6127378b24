//! What is at fault, as far as facts go: the service, the host, its network, or the way there. Each cause carries the facts
//! that it rests on; where they say nothing there is none.

use super::check_result::FailureClass;
use super::grouping::Subnet;
use super::timestamp::Timestamp;

/// Endpoints of a network that must be known before its silence says anything, on how many hosts.
const FEWEST_IN_SUBNET: u64 = 3;
const FEWEST_HOSTS: u64 = 2;

/// What is known about an outage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Why each endpoint on the card is down.
    pub classes: Vec<FailureClass>,
    /// Somebody on the host who has reported since the outage began, and when.
    pub agent: Option<(String, Timestamp)>,
    /// Another port of the host that has answered since, and when.
    pub answering: Option<(u16, Timestamp)>,
    /// Endpoints on the host, if all of them are down.
    pub down_on_host: u64,
    pub subnet: Option<SubnetEvidence>,
}

/// How the endpoints of one network stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetEvidence {
    pub subnet: Subnet,
    pub hosts: u64,
    pub down: u64,
    pub all: u64,
}

/// What is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The host answers, the service does not, or not as it should.
    Service(FailureClass),
    /// The name leads nowhere.
    Dns,
    /// Only this port is silent: another one has answered.
    Port { other: u16, at: Timestamp },
    /// The way from us to the host: somebody on it has reported.
    NetworkPath { agent: String, at: Timestamp },
    /// Nothing on the host answers, so many endpoints of it.
    Host { down: u64 },
    /// Nothing in the whole network answers.
    Network { subnet: Subnet, down: u64 },
}

impl Cause {
    /// Whether it says the same, whenever that was seen.
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

/// Whether something at the other end has answered with this failure.
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

/// Judges the facts. Those who speak for the host come first: whoever hears from it knows that it is up.
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
        found.down == found.all && found.all >= FEWEST_IN_SUBNET && found.hosts >= FEWEST_HOSTS
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
    fn answers_say_what_is_at_fault() {
        use FailureClass::{NameFailed, NotAllowed, Refused, TimedOut, UnexpectedStatus};
        let service = |class| Some(Cause::Service(class));
        for (classes, expected, why) in [
            (vec![], None, "nothing is known"),
            (vec![TimedOut], None, "one silent endpoint says nothing"),
            (vec![Refused], service(Refused), "refused"),
            (
                vec![UnexpectedStatus, Refused],
                service(UnexpectedStatus),
                "both answer",
            ),
            (vec![Refused, TimedOut], None, "one answers, one is silent"),
            (vec![NameFailed], Some(Cause::Dns), "the name"),
            (vec![NotAllowed], None, "we do not look"),
        ] {
            let evidence = Evidence {
                classes,
                ..Evidence::default()
            };
            assert_eq!(judge(&evidence), expected, "{why}");
        }
    }

    #[test]
    fn of_silence_the_facts_around_say_what_is_at_fault() {
        let at = Timestamp::from_millis(7);
        let host = |down| Some(Cause::Host { down });
        let network = Some(Cause::Network {
            subnet: subnet(1, 1, 1).unwrap().subnet,
            down: 4,
        });
        let way = Some(Cause::NetworkPath {
            agent: "db-1".into(),
            at,
        });
        let everything = with(|all| {
            all.agent = Some(("db-1".into(), at));
            all.answering = Some((22, at));
            all.down_on_host = 2;
            all.subnet = subnet(2, 4, 4);
        });
        let but_agent = Evidence {
            agent: None,
            ..everything.clone()
        };
        let only_no_answer = Evidence {
            answering: None,
            ..but_agent.clone()
        };
        let not_all = Evidence {
            subnet: subnet(2, 3, 4),
            ..only_no_answer.clone()
        };
        let port = Some(Cause::Port { other: 22, at });
        for (evidence, expected, why) in [
            (everything, way, "its own agent knows best"),
            (but_agent, port, "another port answers"),
            (only_no_answer, network, "the whole network"),
            (not_all, host(2), "not the whole network"),
            (
                with(|one| one.subnet = subnet(1, 4, 4)),
                None,
                "one host is no network",
            ),
            (
                with(|two| two.subnet = subnet(2, 2, 2)),
                None,
                "two are too few",
            ),
            (
                with(|one| one.down_on_host = 1),
                None,
                "one endpoint is no host",
            ),
        ] {
            assert_eq!(judge(&evidence), expected, "{why}");
        }
    }

    #[test]
    fn the_same_at_another_time_is_no_news() {
        let port = |at| Cause::Port {
            other: 22,
            at: Timestamp::from_millis(at),
        };
        assert!(port(1).is_like(&port(2)));
        assert!(!port(1).is_like(&Cause::Dns));
        assert!(!Cause::Host { down: 2 }.is_like(&Cause::Host { down: 3 }));
    }
}
