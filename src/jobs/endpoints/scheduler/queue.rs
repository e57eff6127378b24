//! Picks the next endpoint to check: one heap of due times, and two queues of endpoints that are due and wait for a slot.
//!
//! Endpoints whose last check was slow have their own queue and get at most half of the slots, so that a thousand hanging
//! targets cannot delay the others. No clock and no I/O: times are parameters.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use crate::actions::endpoints::check_runner::{ConnectionTurn, QueuePlace, TurnOfEndpoint};
use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::store::endpoints::endpoint::Scheduled;

/// The phase of an endpoint between two checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QueuePhase {
    /// In the heap, with this stamp; entries with an older stamp are stale.
    Scheduled,
    /// In one of the two queues, due since this time.
    Waiting(Timestamp),
    InFlight,
    /// It waits for its turn to connect, without a slot.
    Held,
    /// None of these: it waits for its decision, or the recheck job checks it.
    Parked,
}

/// The turn to connect of an endpoint whose check was postponed.
#[derive(Debug)]
enum Hold {
    Waiting(
        #[expect(dead_code, reason = "dropping it leaves the queue of the address")] QueuePlace,
    ),
    Turn(ConnectionTurn),
}

/// An endpoint to check now.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) endpoint: Arc<Scheduled>,
    /// When it was due.
    pub(super) due: Timestamp,
    /// The turn to connect that it has waited for.
    pub(super) turn: Option<ConnectionTurn>,
}

#[derive(Debug)]
struct QueuedEndpoint {
    endpoint: Arc<Scheduled>,
    status: Status,
    phase: QueuePhase,
    stamp: u32,
    is_slow: bool,
    /// A check from the slow queue holds a slow slot until it finishes, however fast it is.
    holds_slow_slot: bool,
    /// Set by a change while the check is in flight; applies when it finishes.
    due_after_check: Option<Timestamp>,
    /// Set from the postponement of a check to the start of the next one. Boxed, because it is rare.
    hold: Option<Box<Hold>>,
}

/// The scheduler's state of every endpoint.
#[derive(Debug)]
pub(super) struct Queue {
    entries: HashMap<MonitorId, QueuedEndpoint>,
    heap: BinaryHeap<Reverse<(Timestamp, MonitorId, u32)>>,
    fast: VecDeque<MonitorId>,
    slow: VecDeque<MonitorId>,
    slots: usize,
    in_flight: usize,
    slow_in_flight: usize,
    held: usize,
    /// Checks in flight of endpoints that were removed meanwhile, and whether they hold a slow slot.
    orphans: HashMap<MonitorId, bool>,
}

impl Queue {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            entries: HashMap::new(),
            heap: BinaryHeap::new(),
            fast: VecDeque::new(),
            slow: VecDeque::new(),
            slots: slots.max(1),
            in_flight: 0,
            slow_in_flight: 0,
            held: 0,
            orphans: HashMap::new(),
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The number of endpoints that are due and wait for a slot.
    pub(super) fn waiting(&self) -> usize {
        self.fast.len() + self.slow.len()
    }

    /// The number of endpoints that wait for their turn to connect.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn status(&self, id: MonitorId) -> Option<Status> {
        self.entries.get(&id).map(|entry| entry.status)
    }

    pub(super) fn endpoint(&self, id: MonitorId) -> Option<&Scheduled> {
        self.entries.get(&id).map(|entry| &*entry.endpoint)
    }

    pub(super) fn set_status(&mut self, id: MonitorId, status: Status) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.status = status;
        }
    }

    /// Adds an endpoint or updates a known one.
    pub(super) fn put(&mut self, endpoint: Scheduled, due: Option<Timestamp>) {
        let (id, status) = (endpoint.id, endpoint.status);
        match self.entries.get_mut(&id) {
            Some(entry) => {
                // Most changes are of a status. Replacing equal endpoints would scatter them over the memory heap.
                let is_same = is_same_check(&entry.endpoint, &endpoint);
                if !is_same {
                    entry.endpoint = Arc::new(endpoint);
                    entry.hold = None;
                }
                entry.status = status;
                // The turn of another target is worth nothing.
                if entry.phase == QueuePhase::Held && !is_same {
                    entry.phase = QueuePhase::Parked;
                    self.held -= 1;
                }
                if entry.phase == QueuePhase::InFlight {
                    // A change that does not affect the check schedules nothing: the result of the one in flight will.
                    if !is_same {
                        entry.due_after_check = due;
                    }
                    return;
                }
            }
            None => {
                let orphaned = self.orphans.remove(&id);
                let entry = QueuedEndpoint {
                    endpoint: Arc::new(endpoint),
                    status,
                    phase: if orphaned.is_some() {
                        QueuePhase::InFlight
                    } else {
                        QueuePhase::Parked
                    },
                    stamp: 0,
                    is_slow: false,
                    holds_slow_slot: orphaned.unwrap_or(false),
                    due_after_check: orphaned.and(due),
                    hold: None,
                };
                self.entries.insert(id, entry);
            }
        }
        self.schedule(id, due);
    }

    pub(super) fn remove(&mut self, id: MonitorId) {
        let Some(entry) = self.entries.remove(&id) else {
            return;
        };
        match entry.phase {
            QueuePhase::InFlight => drop(self.orphans.insert(id, entry.holds_slow_slot)),
            QueuePhase::Held => self.held -= 1,
            QueuePhase::Scheduled | QueuePhase::Waiting(_) | QueuePhase::Parked => {}
        }
    }

    /// Sets when an endpoint is due next; `None` parks it. No effect while it is in flight, queued or waiting for
    /// its turn.
    pub(super) fn schedule(&mut self, id: MonitorId, due: Option<Timestamp>) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        match entry.phase {
            QueuePhase::InFlight | QueuePhase::Waiting(_) | QueuePhase::Held => return,
            QueuePhase::Scheduled | QueuePhase::Parked => {}
        }
        entry.stamp = entry.stamp.wrapping_add(1);
        match due {
            Some(due) => {
                entry.phase = QueuePhase::Scheduled;
                self.heap.push(Reverse((due, id, entry.stamp)));
            }
            None => entry.phase = QueuePhase::Parked,
        }
    }

    /// When the next scheduled endpoint is due, without those already queued.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((due, _, _))| *due)
    }

    /// Moves the endpoints that are due by `now` into the queues.
    pub(super) fn take_due(&mut self, now: Timestamp) {
        while let Some(Reverse((due, id, stamp))) = self.heap.peek().copied() {
            if due > now {
                return;
            }
            self.heap.pop();
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            if entry.phase != QueuePhase::Scheduled || entry.stamp != stamp {
                continue;
            }
            entry.phase = QueuePhase::Waiting(due);
            if entry.is_slow {
                self.slow.push_back(id);
            } else {
                self.fast.push_back(id);
            }
        }
    }

    /// The next endpoint to check, if a slot is free. `lent`: slots of checks that wait within for their turn to connect.
    pub(super) fn launch(&mut self, lent: usize) -> Option<Launch> {
        while self.in_flight < self.slots + lent {
            let is_slow = self.fast.is_empty();
            let slow_slots = self.slots.div_ceil(2);
            let id = match is_slow {
                false => self.fast.pop_front()?,
                true if self.slow_in_flight < slow_slots => self.slow.pop_front()?,
                true => return None,
            };
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            let QueuePhase::Waiting(due) = entry.phase else {
                continue;
            };
            entry.phase = QueuePhase::InFlight;
            entry.holds_slow_slot = is_slow;
            self.in_flight += 1;
            self.slow_in_flight += usize::from(is_slow);
            let turn = match entry.hold.take().map(|hold| *hold) {
                Some(Hold::Turn(turn)) => Some(turn),
                Some(Hold::Waiting(_)) | None => None,
            };
            return Some(Launch {
                endpoint: Arc::clone(&entry.endpoint),
                due,
                turn,
            });
        }
        None
    }

    /// Records that a check has finished and frees its slot.
    pub(super) fn finished(&mut self, id: MonitorId, was_slow: bool) {
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.phase == QueuePhase::InFlight
        {
            entry.is_slow = was_slow;
        }
        self.ended(id);
    }

    /// Records that a check has ended without a result and frees its slot.
    pub(super) fn ended(&mut self, id: MonitorId) {
        let held_slow_slot = match self.entries.get_mut(&id) {
            Some(entry) if entry.phase == QueuePhase::InFlight => {
                entry.phase = QueuePhase::Parked;
                entry.holds_slow_slot
            }
            _ => match self.orphans.remove(&id) {
                Some(held) => held,
                None => return,
            },
        };
        self.in_flight -= 1;
        self.slow_in_flight -= usize::from(held_slow_slot);
        let due = self
            .entries
            .get_mut(&id)
            .and_then(|entry| entry.due_after_check.take());
        if due.is_some() {
            self.schedule(id, due);
        }
    }

    /// Lets an endpoint wait for its turn to connect, unless it was removed or changed while its check was in flight.
    pub(super) fn hold(&mut self, id: MonitorId, place: QueuePlace) {
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.phase == QueuePhase::Parked
        {
            entry.phase = QueuePhase::Held;
            entry.hold = Some(Box::new(Hold::Waiting(place)));
            self.held += 1;
        }
    }

    /// Puts an endpoint whose turn has come before those that wait for a slot.
    pub(super) fn turn_reached(&mut self, reached: TurnOfEndpoint, now: Timestamp) {
        let id = reached.id;
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if entry.phase != QueuePhase::Held {
            return;
        }
        self.held -= 1;
        entry.hold = Some(Box::new(Hold::Turn(reached.turn)));
        entry.phase = QueuePhase::Waiting(now);
        if entry.is_slow {
            self.slow.push_front(id);
        } else {
            self.fast.push_front(id);
        }
    }
}

/// Whether both are checked in the same way. The queue handles status and due times itself.
fn is_same_check(known: &Scheduled, update: &Scheduled) -> bool {
    known.target == update.target
        && known.http_check == update.http_check
        && known.interval == update.interval
        && known.has_operator_interval == update.has_operator_interval
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::actions::endpoints::check_runner::ConnectionLimiter;
    use crate::domain::discord_id::GuildId;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn endpoint(id: i64) -> Scheduled {
        Scheduled {
            id: MonitorId(id),
            guild: GuildId(1),
            target: "tcp://192.0.2.1:80".parse().unwrap(),
            http_check: None,
            revision: 0,
            interval: None,
            has_operator_interval: false,
            status: Status::Online,
            is_new: false,
            next_check_at: None,
        }
    }

    fn launched(queue: &mut Queue) -> Vec<i64> {
        std::iter::from_fn(|| queue.launch(0))
            .map(|launch| launch.endpoint.id.0)
            .collect()
    }

    #[test]
    fn endpoints_launch_in_the_order_of_their_due_times() {
        let mut queue = Queue::new(10);
        for (id, due) in [(1, 30), (2, 10), (3, 20)] {
            queue.put(endpoint(id), Some(at(due)));
        }
        assert_eq!(queue.next_due(), Some(at(10)));
        queue.take_due(at(20));
        assert_eq!(launched(&mut queue), [2, 3]);
        assert_eq!(queue.next_due(), Some(at(30)));
    }

    #[test]
    fn checks_in_flight_never_exceed_the_slots() {
        let mut queue = Queue::new(2);
        for id in 1..=5 {
            queue.put(endpoint(id), Some(at(1)));
        }
        queue.take_due(at(1));
        assert_eq!(launched(&mut queue), [1, 2]);
        assert_eq!((queue.in_flight(), queue.waiting()), (2, 3));
        queue.finished(MonitorId(1), false);
        assert_eq!(launched(&mut queue), [3]);
    }

    #[test]
    fn slow_endpoints_get_half_of_the_slots_and_do_not_delay_the_others() {
        let mut queue = Queue::new(4);
        for id in 1..=10 {
            queue.put(endpoint(id), Some(at(1)));
        }
        queue.take_due(at(1));
        for _ in 0..3 {
            for id in launched(&mut queue) {
                queue.finished(MonitorId(id), true);
            }
        }
        for id in 1..=10 {
            queue.schedule(MonitorId(id), Some(at(2)));
        }
        queue.put(endpoint(11), Some(at(3)));
        queue.take_due(at(3));
        assert_eq!(launched(&mut queue), [11, 1, 2]);
        assert_eq!(queue.in_flight(), 3);
    }

    #[test]
    fn an_endpoint_in_flight_is_not_launched_again_after_changes() {
        let mut queue = Queue::new(4);
        queue.put(endpoint(1), Some(at(1)));
        queue.take_due(at(1));
        assert_eq!(launched(&mut queue), [1]);
        queue.put(endpoint(1), Some(at(2)));
        queue.schedule(MonitorId(1), Some(at(2)));
        queue.take_due(at(5));
        assert_eq!(launched(&mut queue), [] as [i64; 0]);
        queue.finished(MonitorId(1), false);
        queue.schedule(MonitorId(1), Some(at(3)));
        queue.take_due(at(5));
        assert_eq!(launched(&mut queue), [1]);
    }

    #[test]
    fn only_an_edit_while_in_flight_schedules_another_check() {
        for (edited, launches) in [(false, 0), (true, 1)] {
            let mut queue = Queue::new(4);
            queue.put(endpoint(1), Some(at(1)));
            queue.take_due(at(1));
            assert_eq!(launched(&mut queue), [1]);
            let mut changes = endpoint(1);
            if edited {
                changes.target = "tcp://192.0.2.2:80".parse().unwrap();
            }
            queue.put(changes, Some(at(2)));
            queue.finished(MonitorId(1), false);
            queue.take_due(at(5));
            assert_eq!(launched(&mut queue).len(), launches);
        }
    }

    #[test]
    fn removing_and_adding_again_in_flight_keeps_the_count_right() {
        let mut queue = Queue::new(1);
        queue.put(endpoint(1), Some(at(1)));
        queue.take_due(at(1));
        assert_eq!(launched(&mut queue), [1]);
        queue.remove(MonitorId(1));
        queue.put(endpoint(1), Some(at(2)));
        queue.take_due(at(9));
        assert_eq!((launched(&mut queue), queue.in_flight()), (vec![], 1));
        queue.finished(MonitorId(1), false);
        queue.take_due(at(9));
        assert_eq!((launched(&mut queue), queue.in_flight()), (vec![1], 1));
        queue.remove(MonitorId(1));
        queue.finished(MonitorId(1), false);
        assert_eq!(queue.in_flight(), 0);
    }

    #[test]
    fn a_finished_check_waits_for_its_decision() {
        let mut queue = Queue::new(4);
        queue.put(endpoint(1), Some(at(1)));
        queue.take_due(at(1));
        assert_eq!(launched(&mut queue), [1]);
        queue.finished(MonitorId(1), false);
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn a_later_due_time_replaces_an_earlier_one() {
        let mut queue = Queue::new(4);
        queue.put(endpoint(1), Some(at(10)));
        queue.schedule(MonitorId(1), Some(at(50)));
        queue.take_due(at(20));
        assert_eq!(launched(&mut queue), [] as [i64; 0]);
        queue.schedule(MonitorId(1), None);
        queue.take_due(at(60));
        assert_eq!(launched(&mut queue), [] as [i64; 0]);
        queue.schedule(MonitorId(1), Some(at(70)));
        queue.take_due(at(70));
        assert_eq!(launched(&mut queue), [1]);
    }

    /// Postpones the check of an endpoint in flight; returns where its turn will arrive.
    fn postpone(
        queue: &mut Queue,
        limiter: &ConnectionLimiter,
        id: i64,
    ) -> mpsc::UnboundedReceiver<TurnOfEndpoint> {
        let bucket = limiter.bucket([192, 0, 2, 1].into(), None);
        let (sender, turns) = mpsc::unbounded_channel();
        queue.ended(MonitorId(id));
        let place = limiter.queue(GuildId(1), &bucket, MonitorId(id), sender);
        queue.hold(MonitorId(id), place);
        turns
    }

    #[tokio::test(start_paused = true)]
    async fn a_postponed_endpoint_holds_no_slot_and_comes_first_when_its_turn_comes() {
        let (mut queue, limiter) = (Queue::new(1), ConnectionLimiter::new(10));
        for id in 1..=3 {
            queue.put(endpoint(id), Some(at(id)));
        }
        queue.take_due(at(5));
        assert_eq!(launched(&mut queue), [1]);
        let mut turns = postpone(&mut queue, &limiter, 1);
        assert_eq!((queue.in_flight(), queue.held()), (0, 1));
        assert_eq!(launched(&mut queue), [2]);
        // Neither a change of its status nor a due time takes its place away.
        queue.put(endpoint(1), Some(at(6)));
        queue.take_due(at(6));
        queue.turn_reached(turns.recv().await.unwrap(), at(7));
        assert_eq!(queue.held(), 0);
        queue.finished(MonitorId(2), false);
        let launch = queue.launch(0).unwrap();
        assert_eq!((launch.endpoint.id.0, launch.due), (1, at(7)));
        assert!(launch.turn.is_some());
        queue.finished(MonitorId(1), false);
        assert_eq!(launched(&mut queue), [3]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_with_a_new_target_waits_no_longer_for_the_old_address() {
        let (mut queue, limiter) = (Queue::new(1), ConnectionLimiter::new(10));
        queue.put(endpoint(1), Some(at(1)));
        queue.take_due(at(1));
        assert_eq!(launched(&mut queue), [1]);
        let mut turns = postpone(&mut queue, &limiter, 1);
        let mut changed = endpoint(1);
        changed.target = "tcp://192.0.2.2:80".parse().unwrap();
        queue.put(changed, Some(at(2)));
        assert_eq!(queue.held(), 0);
        queue.take_due(at(2));
        let launch = queue.launch(0).unwrap();
        assert!(launch.turn.is_none());
        assert!(
            turns.recv().await.is_none(),
            "the place in the queue is given up"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_removed_endpoint_gives_up_its_place() {
        let (mut queue, limiter) = (Queue::new(1), ConnectionLimiter::new(10));
        queue.put(endpoint(1), Some(at(1)));
        queue.take_due(at(1));
        assert_eq!(launched(&mut queue), [1]);
        let mut turns = postpone(&mut queue, &limiter, 1);
        queue.remove(MonitorId(1));
        assert_eq!((queue.held(), queue.in_flight()), (0, 0));
        assert!(turns.recv().await.is_none());
    }

    #[test]
    fn checks_that_wait_within_lend_their_slots() {
        let mut queue = Queue::new(2);
        for id in 1..=5 {
            queue.put(endpoint(id), Some(at(1)));
        }
        queue.take_due(at(1));
        assert_eq!(launched(&mut queue), [1, 2]);
        assert!(queue.launch(1).is_some());
        assert!(queue.launch(1).is_none());
    }
}
