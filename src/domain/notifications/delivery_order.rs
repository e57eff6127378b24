//! Which of the pending deliveries of a destination comes next.
//!
//! New incidents come before changes of others, because a change can wait and an outage that nobody knows of cannot. But what a
//! destination learns about one monitor never runs backward: an older incident with a monitor in common comes first, even if it
//! would have to wait otherwise.

use crate::incidents::grouping::IncidentId;
use crate::monitor::MonitorId;

/// After this many failures in a row, another delivery is tried to find out whether the destination or the message is at fault.
pub const SUSPICIOUS: u32 = 3;

/// A delivery that has not been completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedDelivery {
    /// Higher for an incident that was opened later.
    pub incident: IncidentId,
    /// Whether nothing was delivered for it yet.
    pub is_first: bool,
    /// Whether it may be sent now.
    pub is_due: bool,
    /// Failed attempts in a row.
    pub attempts: u32,
    /// Whether it was set aside because its message is at fault.
    pub is_set_aside: bool,
    /// The monitors of its incident.
    pub monitors: Vec<MonitorId>,
}

impl QueuedDelivery {
    fn shares_a_monitor_with(&self, other: &Self) -> bool {
        let (few, many) = match self.monitors.len() < other.monitors.len() {
            true => (&self.monitors, &other.monitors),
            false => (&other.monitors, &self.monitors),
        };
        few.iter().any(|monitor| many.contains(monitor))
    }
}

/// The position of the delivery that comes next; `None` if none is due.
pub fn next(pending: &[QueuedDelivery]) -> Option<usize> {
    let due = |index: &usize| pending.get(*index).is_some_and(|one| one.is_due);
    let rank = |index: &usize| {
        let one = pending.get(*index);
        one.map(|one| (one.attempts >= SUSPICIOUS, !one.is_first, one.incident))
    };
    let mut chosen = (0..pending.len()).filter(due).min_by_key(rank)?;
    // Each step leads to an older incident, so this ends.
    while let Some(older) = predecessor(pending, chosen) {
        chosen = older;
    }
    Some(chosen)
}

/// The oldest delivery that must come before this one.
fn predecessor(pending: &[QueuedDelivery], chosen: usize) -> Option<usize> {
    let chosen = pending.get(chosen)?;
    let precedes = |one: &QueuedDelivery| {
        one.incident < chosen.incident && !one.is_set_aside && one.shares_a_monitor_with(chosen)
    };
    let older = pending.iter().enumerate().filter(|(_, one)| precedes(one));
    older
        .min_by_key(|(_, one)| one.incident)
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pending(text: &str) -> QueuedDelivery {
        let (incident, rest) = text.split_once(':').unwrap();
        let (flags, monitors) = rest.split_once('@').unwrap();
        QueuedDelivery {
            incident: IncidentId(incident.parse().unwrap()),
            is_first: flags.contains('+'),
            is_due: !flags.contains('.'),
            attempts: if flags.contains('!') { SUSPICIOUS } else { 0 },
            is_set_aside: flags.contains('x'),
            monitors: monitors
                .bytes()
                .map(|byte| MonitorId(byte.into()))
                .collect(),
        }
    }

    /// QueuedDelivery deliveries, each with its incident, flags and monitors: `+` nothing was delivered, `.` not due, `!` three failed
    /// attempts, `x` set aside. Then the incident that comes next, and why.
    const QUEUES: &str = "
                                   |   | nothing is pending
        1:.@a                      |   | nothing is due
        1:@a 2:@b                  | 1 | the oldest change
        1:@a 2:+@b                 | 2 | a new incident before a change of another
        1:@a 2:+@a                 | 1 | but after the change of an older incident with the same monitor
        1:.@a 2:+@a                | 1 | even if that would wait
        1:x@a 2:+@a                | 2 | unless its message is at fault
        1:+@a 2:+@b                | 1 | the oldest new incident
        1:@a 2:@ab 3:+@b           | 1 | the older incident has an older one, too
        1:@a 2:+@b 3:+@a           | 2 | another new incident is first
        1:+!@a 2:@b                | 2 | after three failures, another is tried
        1:+!@a 2:@a                | 1 | unless it shares a monitor
        1:+!@a 2:.@b               | 1 | unless it is not due
    ";

    #[test]
    fn new_incidents_come_first_and_no_monitor_runs_backward() {
        for line in QUEUES.lines().filter(|line| line.contains('|')) {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let queue: Vec<QueuedDelivery> = parts[0].split_whitespace().map(pending).collect();
            let found = next(&queue).map(|index| queue[index].incident.0.to_string());
            assert_eq!(found.unwrap_or_default(), parts[1], "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_pending_is_older_and_shares_a_monitor(
            queue in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_u32..5, 1_u8..16), 0..12)
        ) {
            let queue: Vec<QueuedDelivery> = (1..).zip(queue).map(|(id, (is_first, is_due, attempts, monitors))| QueuedDelivery {
                incident: IncidentId(id), is_first, is_due, attempts, is_set_aside: false,
                monitors: (0..4).filter(|bit| monitors & (1 << bit) != 0).map(MonitorId).collect(),
            }).collect();
            match next(&queue) {
                None => prop_assert!(queue.iter().all(|one| !one.is_due)),
                Some(chosen) => {
                    let chosen = &queue[chosen];
                    let before = queue.iter().filter(|one| one.incident < chosen.incident);
                    prop_assert!(before.clone().all(|one| !one.shares_a_monitor_with(chosen)));
                }
            }
        }
    }
}
