//! The subject of a sentence about an incident: its monitors, or the limits that a server exceeds, and their state.

use super::name;
use crate::domain::endpoints::target::Host;
use crate::domain::incidents::grouping::GroupScope;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::text;
use crate::store::incidents::incident::{Incident, Outage};

/// Maximum characters of a host name.
const HOST: usize = 100;

/// The subject of a sentence about monitors. The verb follows its number.
pub(super) enum Who {
    One(String),
    Several(String),
}

impl Who {
    pub(super) fn is(self, state: &str) -> String {
        match self {
            Self::One(who) => format!("{who} is {state}"),
            Self::Several(who) => format!("{who} are {state}"),
        }
    }
}

/// The monitors of an incident that have not recovered.
pub(super) fn still_down(incident: &Incident, escape: fn(&str) -> String) -> Who {
    let (open, count) = (incident.counts.open, incident.counts.monitors);
    if incident.counts.continued > 0 {
        // Its other monitors may be offline, too, in an incident of their own.
        return subject(incident, open, is_steadily_down, escape);
    }
    match who(incident, escape) {
        Who::Several(who) if open == 1 => Who::One(format!("1 of {who}")),
        Who::Several(who) if open < count => Who::Several(format!("{open} of {who}")),
        who => who,
    }
}

/// All monitors of an incident.
pub(super) fn who(incident: &Incident, escape: fn(&str) -> String) -> Who {
    if let (Some(only), 1) = (incident.outages.first(), incident.counts.monitors) {
        return Who::One(escape(name(only)));
    }
    let monitors = text::count(incident.counts.monitors, noun(incident));
    let who = match (&incident.group_key.scope, &incident.group_key.group) {
        (GroupScope::Host(host), _) => format!("{monitors} on {}", host_text(host, escape)),
        (GroupScope::TwoHosts(one, other), _) => {
            let (one, other) = (host_text(one, escape), host_text(other, escape));
            format!("{monitors} on {one} and {other}")
        }
        (GroupScope::Nothing, Some(group)) => format!("{monitors} in the group {}", escape(group)),
        (GroupScope::Subnet(subnet), _) => format!("{monitors} on {subnet}"),
        (GroupScope::Nothing, None) => monitors,
    };
    match incident.counts.monitors {
        1 => Who::One(who),
        _ => Who::Several(who),
    }
}

fn host_text(host: &Host, escape: fn(&str) -> String) -> String {
    escape(&text::cut(&host.to_string(), HOST))
}

/// The `count` monitors of an incident for which `applies` holds: the name of a single one, or their number.
pub(super) fn subject(
    incident: &Incident,
    count: u64,
    applies: impl Fn(&Outage) -> bool,
    escape: fn(&str) -> String,
) -> Who {
    let single = incident.outages.iter().find(|one| applies(one));
    match (count, single) {
        (1, Some(only)) => Who::One(escape(name(only))),
        (1, None) => Who::One(text::count(1, noun(incident))),
        _ => Who::Several(text::count(count, noun(incident))),
    }
}

/// What an incident counts. A server may exceed several limits, and be overdue as well.
fn noun(incident: &Incident) -> &'static str {
    match incident.counts.limits {
        0 => "monitor",
        limits if limits == incident.counts.monitors => "limit",
        _ => "problem",
    }
}

/// The state of what an incident counts. Servers cause an incident when they are overdue, which is before they are offline.
pub(super) fn state(incident: &Incident) -> &'static str {
    let is_overdue = |outage: &Outage| outage.reason == OutageReason::Overdue;
    let are_named = incident.counts.monitors <= incident.outages.len() as u64;
    match (incident.counts.limits, incident.counts.monitors) {
        (0, _) if are_named && incident.outages.iter().all(is_overdue) => "overdue",
        (0, _) => "offline",
        (1, 1) => "beyond a limit",
        (limits, all) if limits == all => "exceeded",
        _ => "open",
    }
}

/// How an incident words that its monitors, or limits, are flapping.
pub(super) struct FlappingWords {
    pub is: &'static str,
    /// What they are at this moment, and what those are that have recovered.
    pub offline: &'static str,
    pub online: &'static str,
}

pub(super) fn flapping_words(incident: &Incident) -> FlappingWords {
    let (is, offline, online) = match (incident.counts.limits, incident.counts.monitors) {
        (0, _) => ("flapping", "offline now", "online now"),
        (1, 1) => ("flapping around a limit", "beyond it now", "within it now"),
        (limits, all) if limits == all => ("flapping", "exceeded now", "met now"),
        _ => ("flapping", "open now", "over for now"),
    };
    FlappingWords {
        is,
        offline,
        online,
    }
}

/// What has joined an incident, and the state of one and of several of them, as in its title.
pub(super) struct JoinedWords {
    pub noun: &'static str,
    pub one: &'static str,
    pub several: &'static str,
}

pub(super) fn joined_words(outages: &[Outage]) -> JoinedWords {
    let all = |applies: fn(OutageReason) -> bool| outages.iter().all(|one| applies(one.reason));
    let (noun, one, several) = if all(|reason| reason == OutageReason::Overdue) {
        ("more monitor", "overdue", "overdue")
    } else if all(OutageReason::is_limit) {
        ("more limit", "beyond a limit", "exceeded")
    } else if all(|reason| !reason.is_limit()) {
        ("more monitor", "offline", "offline")
    } else {
        ("more problem", "open", "open")
    };
    JoinedWords { noun, one, several }
}

/// Whether an outage is open and more than a warning.
pub fn is_serious(outage: &Outage) -> bool {
    outage.ended.is_none() && outage.reason != OutageReason::LimitWarning
}

/// The mark of what has gone wrong: orange if there are warnings only.
pub(super) fn severity_mark(outages: &[Outage]) -> &'static str {
    match outages.is_empty() || outages.iter().any(is_serious) {
        true => "🔴",
        false => "🟠",
    }
}

pub(super) fn is_steadily_down(outage: &Outage) -> bool {
    outage.ended.is_none() && !outage.is_flapping
}
