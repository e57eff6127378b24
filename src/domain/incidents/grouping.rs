//! Groups outages into incidents: outages that start together, or share a host or a subnet, become one incident.
//!
//! An outage joins an open incident about its host or subnet within an hour of that incident's beginning: a host that fails
//! slowly is one incident, but people no longer read the message about an older one. Otherwise the outage joins the incident
//! that grew last, if that was a few seconds ago: outages that start at the same time are reported together. Otherwise it
//! opens a new incident, which mentions the on-call role.
//!
//! An incident is about a subnet once three hosts of it have failed: two neighbors may fail for reasons of their own.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::discord_id::GuildId;
use crate::endpoints::target::Host;
use crate::timestamp::Timestamp;

/// An outage that starts within this time of an incident's latest outage joins it.
pub const TOGETHER: Duration = Duration::from_secs(5);

/// An outage that shares a host or subnet with an incident joins it within this time of its beginning.
pub const RELATED: Duration = Duration::from_secs(3600);

/// An outage that joins an incident of this age is announced by a message of its own: people no longer read the first one.
pub const ANNOUNCED: Duration = Duration::from_secs(300);

/// The shortest time between two such messages about one incident.
pub const ANNOUNCEMENT_GAP: Duration = Duration::from_secs(60);

/// The subnet of an address, of the usual size: /24 for IPv4, /64 for IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subnet(IpAddr);

impl Subnet {
    pub fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Ipv4Addr::new(a, b, c, 0).into()
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }

    /// Returns the subnet of a host that is an address; a name has none that is known without resolving it.
    pub fn of_host(host: &Host) -> Option<Self> {
        match host {
            Host::Ip(address) => Some(Self::of(*address)),
            Host::Name(_) => None,
        }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = if self.0.is_ipv4() { 24 } else { 64 };
        write!(out, "{}/{length}", self.0)
    }
}

/// The scope that all outages of an incident share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupScope {
    Host(Host),
    /// Two hosts of one subnet.
    TwoHosts(Host, Host),
    Subnet(Subnet),
    /// Only the time.
    Nothing,
}

impl GroupScope {
    /// Returns the scope of an incident with one outage: its host, if it has one.
    pub fn of(host: Option<&Host>) -> Self {
        host.map_or(Self::Nothing, |host| Self::Host(host.clone()))
    }

    /// Whether an outage on this host is within the scope.
    fn covers(&self, host: Option<&Host>) -> bool {
        match (self, host) {
            (Self::Host(own), Some(host)) => own == host,
            (Self::TwoHosts(one, other), Some(host)) => one == host || other == host,
            (Self::Subnet(own), Some(host)) => Subnet::of_host(host) == Some(*own),
            _ => false,
        }
    }

    /// Returns the scope that remains when an outage on this host joins.
    fn with(&self, host: Option<&Host>) -> Self {
        if self.covers(host) {
            return self.clone();
        }
        let (Self::Host(own) | Self::TwoHosts(own, _), Some(host)) = (self, host) else {
            return Self::Nothing;
        };
        let subnet = Subnet::of_host(own);
        match (self, subnet) {
            (_, Some(subnet)) if Subnet::of_host(host) != Some(subnet) => Self::Nothing,
            (Self::Host(_), Some(_)) => Self::TwoHosts(own.clone(), host.clone()),
            (_, Some(subnet)) => Self::Subnet(subnet),
            (_, None) => Self::Nothing,
        }
    }
}

impl fmt::Display for GroupScope {
    /// The form in storage.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(out, "host={host}"),
            Self::TwoHosts(one, other) => write!(out, "hosts={one},{other}"),
            Self::Subnet(Subnet(address)) => write!(out, "subnet={address}"),
            Self::Nothing => Ok(()),
        }
    }
}

impl GroupScope {
    /// Reads the form in storage; unreadable text is `Nothing`.
    pub fn parse(text: &str) -> Self {
        let host = |text: &str| match text.parse() {
            Ok(address) => Host::Ip(address),
            Err(_) => Host::Name(text.into()),
        };
        match text.split_once('=') {
            Some(("host", name)) => Self::Host(host(name)),
            Some(("hosts", names)) => match names.split_once(',') {
                Some((one, other)) => Self::TwoHosts(host(one), host(other)),
                None => Self::Nothing,
            },
            Some(("subnet", address)) => match address.parse() {
                Ok(address) => Self::Subnet(Subnet::of(address)),
                Err(_) => Self::Nothing,
            },
            _ => Self::Nothing,
        }
    }
}

/// An incident's ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IncidentId(pub i64);

/// An incident of a guild, before it is known whether the guild has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IncidentRef {
    pub guild: GuildId,
    pub id: IncidentId,
}

/// The properties that all outages of an incident share: their scope and their user-defined group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    pub scope: GroupScope,
    pub group: Option<String>,
}

/// One monitor's host and user-defined group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    pub host: Option<Host>,
    pub group: Option<String>,
}

impl GroupKey {
    /// Returns the key of an incident with one outage.
    pub fn of(one: &Location) -> Self {
        Self {
            scope: GroupScope::of(one.host.as_ref()),
            group: one.group.clone(),
        }
    }

    fn with(&self, one: &Location) -> Self {
        Self {
            scope: self.scope.with(one.host.as_ref()),
            group: self
                .group
                .clone()
                .filter(|own| one.group.as_ref() == Some(own)),
        }
    }
}

/// An incident that has not been resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIncident<Id> {
    pub id: Id,
    pub group_key: GroupKey,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When an outage last joined.
    pub joined_at: Timestamp,
}

impl<Id> OpenIncident<Id> {
    /// Whether people no longer read its message.
    pub fn is_old(&self, now: Timestamp) -> bool {
        now.since(self.created_at) > ANNOUNCED
    }
}

/// Returns the incident that an outage joins, and its new key; `None` if the outage opens a new incident. Takes incidents in
/// any order.
pub fn choose<'a, Id>(
    incidents: &'a [OpenIncident<Id>],
    one: &Location,
    now: Timestamp,
) -> Option<(&'a OpenIncident<Id>, GroupKey)> {
    let is_related = |incident: &&OpenIncident<Id>| {
        now.since(incident.created_at) <= RELATED
            && incident.group_key.scope.covers(one.host.as_ref())
    };
    if let Some(incident) = incidents.iter().find(is_related) {
        return Some((incident, incident.group_key.with(one)));
    }
    let together = incidents
        .iter()
        .filter(|incident| now.since(incident.joined_at) <= TOGETHER);
    // Among the incidents that are still growing, prefer one of the same user-defined group.
    let is_same_group =
        |incident: &OpenIncident<Id>| one.group.is_some() && incident.group_key.group == one.group;
    let chosen = together.max_by_key(|incident| (is_same_group(incident), incident.joined_at))?;
    Some((chosen, chosen.group_key.with(one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        match text.parse() {
            Ok(address) => Host::Ip(address),
            Err(_) => Host::Name(text.into()),
        }
    }

    fn at_host(at: Option<&str>) -> Location {
        Location {
            host: at.map(host),
            group: None,
        }
    }

    fn incident(id: u8, scope: &str, second: i64) -> OpenIncident<u8> {
        OpenIncident {
            id,
            group_key: GroupKey {
                scope: GroupScope::parse(scope),
                group: None,
            },
            created_at: Timestamp::from_millis(second * 1000),
            joined_at: Timestamp::from_millis(second * 1000),
        }
    }

    /// Open incidents by scope and second of their beginning and, if another, of their latest outage; the host of an outage in
    /// second 3700; the incident that it joins, with the scope after that; and why.
    const OUTAGES: &str = "
                                          | 10.1.2.3    |                    | the first outage
        host=10.1.2.3@100                 | 10.1.2.3    | 1 host=10.1.2.3    | the same host, an hour ago
        host=10.1.2.3@99                  | 10.1.2.3    |                    | the same host, more than an hour ago
        subnet=10.1.2.0@100               | 10.1.2.9    | 1 subnet=10.1.2.0  | the same subnet, an hour ago
        subnet=10.1.2.0@99                | 10.1.2.9    |                    | the same subnet, more than an hour ago
        host=10.1.2.3@99 host=10.1.2.3@150 | 10.1.2.3   | 2 host=10.1.2.3    | the incident that began within the hour
        host=10.1.2.3@99-3690             | 10.1.2.3    |                    | the same host, but the hour counts from the beginning
        hosts=10.1.2.3,10.1.2.4@100       | 10.1.2.4    | 1 hosts=10.1.2.3,10.1.2.4 | one of two hosts, an hour ago
        hosts=10.1.2.3,10.1.2.4@100       | 10.1.2.9    |                    | a neighbor of two hosts, too late
        hosts=10.1.2.3,10.1.2.4@99-3695   | 10.1.2.9    | 1 subnet=10.1.2.0  | a third host of the subnet, just in time
        hosts=10.1.2.3,10.1.2.4@3699      | 10.1.3.9    | 1                  | a host of another subnet at the same time
        host=10.1.2.3@3694                | 10.1.2.9    |                    | a neighboring address, too late
        host=10.1.2.3@3695                | 10.1.2.9    | 1 hosts=10.1.2.3,10.1.2.9 | a neighboring address, just in time
        host=2001:db8::1@3695             | 2001:db8::2 | 1 hosts=2001:db8::1,2001:db8::2 | the same with IPv6
        host=10.1.2.3@3699                | 10.9.9.9    | 1                  | an unrelated host at the same time
        host=shop.example.org@3699        |             | 1                  | a device at the same time
        subnet=10.1.2.0@3699 @3700        | 10.1.2.9    | 1 subnet=10.1.2.0  | its own subnet before the latest incident
        subnet=2001:db8::@3699            | 2001:db8::7 | 1 subnet=2001:db8:: | IPv6
        @0                                |             |                    | nothing in common
    ";

    #[test]
    fn outages_join_related_or_simultaneous_incidents() {
        for line in OUTAGES.lines().filter(|line| line.contains('|')) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [open, at, expected, why] = cells[..] else {
                panic!("{line}");
            };
            let open = open.split_whitespace().zip(1..).map(|(one, id)| {
                let (scope, seconds) = one.split_once('@').unwrap();
                let (began, joined) = seconds.split_once('-').unwrap_or((seconds, seconds));
                OpenIncident {
                    joined_at: Timestamp::from_millis(joined.parse::<i64>().unwrap() * 1000),
                    ..incident(id, scope, began.parse().unwrap())
                }
            });
            let open: Vec<OpenIncident<u8>> = open.collect();
            let at = at_host(Some(at).filter(|at| !at.is_empty()));
            let found = choose(&open, &at, Timestamp::from_millis(3_700_000));
            let found = found.map(|(incident, key)| format!("{} {}", incident.id, key.scope));
            assert_eq!(found.unwrap_or_default().trim(), expected, "{why}");
        }
    }

    #[test]
    fn an_incident_keeps_its_group_only_while_all_outages_share_it() {
        let now = Timestamp::from_millis(100_000);
        let of = |group: Option<&str>| Location {
            host: None,
            group: group.map(str::to_owned),
        };
        let incident = |id: u8, group: Option<&str>, second: i64| OpenIncident {
            group_key: GroupKey::of(&of(group)),
            ..incident(id, "", second)
        };
        for (incidents, group, expected, why) in [
            (
                vec![incident(1, Some("web"), 96), incident(2, None, 99)],
                Some("web"),
                Some((1, Some("web"))),
                "its own group before the latest incident",
            ),
            (
                vec![incident(1, Some("web"), 90)],
                Some("web"),
                None,
                "too late",
            ),
            (
                vec![incident(1, Some("web"), 99)],
                Some("db"),
                Some((1, None)),
                "another group at the same time",
            ),
            (
                vec![incident(1, Some("web"), 99)],
                None,
                Some((1, None)),
                "no group at the same time",
            ),
            (
                vec![incident(1, None, 99)],
                Some("web"),
                Some((1, None)),
                "an incident without a group gets none",
            ),
        ] {
            let found = choose(&incidents, &of(group), now);
            let found = found
                .as_ref()
                .map(|(incident, group_key)| (incident.id, group_key.group.as_deref()));
            assert_eq!(found, expected, "{why}");
        }
    }

    #[test]
    fn an_incident_is_old_after_five_minutes() {
        let incident = incident(1, "", 0);
        for (second, is_old) in [(0, false), (300, false), (301, true)] {
            let now = Timestamp::from_millis(second * 1000);
            assert_eq!(incident.is_old(now), is_old, "{second}");
        }
    }

    #[test]
    fn scopes_round_trip() {
        for text in [
            "",
            "host=shop.example.org",
            "host=2001:db8::1",
            "subnet=10.1.2.0",
            "hosts=10.1.2.3,10.1.2.4",
            "hosts=2001:db8::1,2001:db8::2",
        ] {
            assert_eq!(GroupScope::parse(text).to_string(), text);
        }
        let subnet = Subnet::of("2001:db8:1:2:3::4".parse().unwrap());
        assert_eq!(subnet.to_string(), "2001:db8:1:2::/64");
    }
}
