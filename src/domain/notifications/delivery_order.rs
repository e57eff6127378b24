//! Which of the pending deliveries of a destination comes next.
//!
//! New incidents come before changes of others, because a change can wait and an outage that nobody knows of cannot. But what a
//! destination learns about one monitor never runs backward: an incident with an older outage of the same monitor comes first,
//! even if it would have to wait otherwise.

use std::collections::BTreeMap;

use crate::incidents::grouping::IncidentId;
use crate::servers::metric_limit::OutageSource;

/// After this many failures in a row, another delivery is tried to find out whether the destination or the message is at fault.
pub const SUSPICIOUS: u32 = 3;

/// Whether a delivery can be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Due,
    /// It waits so that there are not too many messages; it may be sent earlier.
    Paced,
    /// It failed while others did not, and is tried again later.
    SetAside,
    /// The same, so often that others no longer wait for it.
    Hopeless,
}

/// A delivery that has not been completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedDelivery {
    /// Higher for an incident that was opened later.
    pub incident: IncidentId,
    /// Whether nothing was delivered for it yet.
    pub is_first: bool,
    pub readiness: Readiness,
    /// Failed attempts in a row.
    pub attempts: u32,
    /// The monitors and limits of its incident, each with its latest outage in it: a number that is higher for a later outage.
    pub sources: BTreeMap<OutageSource, i64>,
}

impl QueuedDelivery {
    /// Whether it must be delivered before another one: it has an older outage of the same monitor.
    fn precedes(&self, other: &Self) -> bool {
        let is_older = |(source, outage): (&OutageSource, &i64)| {
            other
                .sources
                .get(source)
                .is_some_and(|newer| outage < newer)
        };
        self.sources.iter().any(is_older)
    }

    /// New incidents first, then the oldest; last of all what fails again and again.
    fn rank(&self) -> (bool, bool, IncidentId) {
        (self.attempts >= SUSPICIOUS, !self.is_first, self.incident)
    }
}

/// The position of the delivery that comes next; `None` if none can be sent now: none is due, or those that are wait for others
/// that are set aside.
pub fn next(queue: &[QueuedDelivery]) -> Option<usize> {
    let mut due: Vec<(usize, &QueuedDelivery)> = queue.iter().enumerate().collect();
    due.retain(|(_, one)| one.readiness == Readiness::Due);
    due.sort_by_key(|(_, one)| one.rank());
    let first = due
        .into_iter()
        .map(|(index, _)| oldest_before(queue, index));
    first
        .into_iter()
        .find(|index| queue.get(*index).map(|one| one.readiness) != Some(Readiness::SetAside))
}

/// The delivery that must be sent before this one can be, which may be this one.
fn oldest_before(queue: &[QueuedDelivery], mut chosen: usize) -> usize {
    // Two incidents may each have an older outage of another monitor. Then either may come first.
    for _ in 0..queue.len() {
        match predecessor(queue, chosen) {
            Some(older) => chosen = older,
            None => break,
        }
    }
    chosen
}

/// The oldest delivery that must come before this one.
fn predecessor(queue: &[QueuedDelivery], chosen: usize) -> Option<usize> {
    let chosen = queue.get(chosen)?;
    let precedes =
        |one: &QueuedDelivery| one.readiness != Readiness::Hopeless && one.precedes(chosen);
    let older = queue.iter().enumerate().filter(|(_, one)| precedes(one));
    older
        .min_by_key(|(_, one)| one.incident)
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::monitor::MonitorId;

    /// A monitor with its latest outage, such as `a3`.
    fn by_status(monitor: i64) -> OutageSource {
        OutageSource {
            monitor: MonitorId(monitor),
            limit: None,
        }
    }

    fn outage(text: &str) -> (OutageSource, i64) {
        let (monitor, outage) = text.split_at(1);
        (
            by_status(monitor.as_bytes()[0].into()),
            outage.parse().unwrap(),
        )
    }

    fn queued(text: &str) -> QueuedDelivery {
        let (incident, rest) = text.split_once(':').unwrap();
        let (flags, monitors) = rest.split_once('@').unwrap();
        QueuedDelivery {
            incident: IncidentId(incident.parse().unwrap()),
            is_first: flags.contains('+'),
            readiness: match flags.trim_matches(['+', '!']) {
                "" => Readiness::Due,
                "." => Readiness::Paced,
                "s" => Readiness::SetAside,
                _ => Readiness::Hopeless,
            },
            attempts: if flags.contains('!') { SUSPICIOUS } else { 0 },
            sources: monitors.split_terminator(',').map(outage).collect(),
        }
    }

    /// Pending deliveries, each with its incident, flags and outages of monitors: `+` nothing was delivered, `!` three failed
    /// attempts, `.` paced, `s` set aside, `x` hopeless. Then the incident that comes next, and why.
    const QUEUES: &str = "
                                   |   | nothing is pending
        1:.@a1                     |   | nothing is due
        1:@a1 2:@b2                | 1 | the oldest change
        1:@a1 2:+@b2               | 2 | a new incident before a change of another
        1:@a1 2:+@a2               | 1 | but after an older outage of the same monitor
        1:@a3 2:+@a2               | 2 | before a newer one, which reopened an older incident
        1:+@a3 2:@a2               | 2 | the same, if that is still to be posted
        1:.@a1 2:+@a2              | 1 | even if the older one would wait
        1:s@a1 2:+@a2              |   | not while the older one is set aside
        1:s@a1 2:+@a2 3:@b3        | 3 | but others go on
        1:x@a1 2:+@a2              | 2 | until it is hopeless
        1:+@a1 2:+@b2              | 1 | the oldest new incident
        1:@a1 2:@a2,b2 3:+@b3      | 1 | the older outage has an older one, too
        1:@a1 2:+@b2 3:+@a3        | 2 | another new incident is first
        1:+!@a1 2:@b2              | 2 | after three failures, another is tried
        1:+!@a1 2:@a2              | 1 | unless it has a newer outage of the same monitor
        1:+!@a1 2:.@b2             | 1 | unless it is not due
        1:@a1,b4 2:@a2,b3          | 1 | each has an older outage: either may come first
    ";

    #[test]
    fn new_incidents_come_first_and_no_monitor_runs_backward() {
        for line in QUEUES.lines().filter(|line| line.contains('|')) {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let queue: Vec<QueuedDelivery> = parts[0].split_whitespace().map(queued).collect();
            let found = next(&queue).map(|index| queue[index].incident.0.to_string());
            assert_eq!(found.unwrap_or_default(), parts[1], "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_pending_has_an_older_outage_of_the_same_monitor(
            queue in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_u32..5, 1_u8..16), 0..12)
        ) {
            // Later incidents have later outages, so that no two wait for each other.
            let queue: Vec<QueuedDelivery> = (1..).zip(queue).map(|(id, (is_first, is_due, attempts, monitors))| QueuedDelivery {
                incident: IncidentId(id), is_first, attempts,
                readiness: if is_due { Readiness::Due } else { Readiness::Paced },
                sources: (0..4).filter(|bit| monitors & (1 << bit) != 0).map(|bit| (by_status(bit), id)).collect(),
            }).collect();
            match next(&queue) {
                None => prop_assert!(queue.iter().all(|one| one.readiness != Readiness::Due)),
                Some(chosen) => {
                    let chosen = &queue[chosen];
                    prop_assert!(queue.iter().all(|one| !one.precedes(chosen)));
                }
            }
        }
    }
}
