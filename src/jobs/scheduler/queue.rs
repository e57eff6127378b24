//! Who is next: one heap of due instants, and behind it two lines for those that are due and wait for a free place.
//!
//! Endpoints whose last look was slow stand in a line of their own and get at most half of the places, so that a
//! thousand hanging targets cannot hold up the others. No clock, no I/O: instants come in.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::store::endpoint::Scheduled;

/// Where an endpoint is between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the heap, with this stamp; entries with an older stamp are stale.
    Scheduled,
    /// In one of the two lines, due since then.
    Waiting(Timestamp),
    InFlight,
    /// Neither: its decision is awaited, or the recheck job has it.
    Parked,
}

#[derive(Debug)]
struct Entry {
    endpoint: Arc<Scheduled>,
    status: Status,
    place: Place,
    stamp: u32,
    is_slow: bool,
    /// The slow one holds a slow place until it lands, whatever it turns out to be.
    holds_slow_place: bool,
    /// Heard of while in flight: applies when it lands.
    due_after_check: Option<Timestamp>,
}

/// The scheduler's memory of every endpoint.
#[derive(Debug)]
pub(super) struct Queue {
    entries: HashMap<MonitorId, Entry>,
    heap: BinaryHeap<Reverse<(Timestamp, MonitorId, u32)>>,
    fast: VecDeque<MonitorId>,
    slow: VecDeque<MonitorId>,
    places: usize,
    in_flight: usize,
    slow_in_flight: usize,
    /// Looks in flight of endpoints that were removed meanwhile, with whether they hold a slow place.
    orphans: HashMap<MonitorId, bool>,
}

impl Queue {
    pub(super) fn new(places: usize) -> Self {
        Self {
            entries: HashMap::new(),
            heap: BinaryHeap::new(),
            fast: VecDeque::new(),
            slow: VecDeque::new(),
            places: places.max(1),
            in_flight: 0,
            slow_in_flight: 0,
            orphans: HashMap::new(),
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many are due and wait for a place.
    pub(super) fn waiting(&self) -> usize {
        self.fast.len() + self.slow.len()
    }

    pub(super) fn status(&self, id: MonitorId) -> Option<Status> {
        self.entries.get(&id).map(|entry| entry.status)
    }

    pub(super) fn set_status(&mut self, id: MonitorId, status: Status) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.status = status;
        }
    }

    /// Adds an endpoint or replaces what is known of it.
    pub(super) fn put(&mut self, endpoint: Scheduled, due: Option<Timestamp>) {
        let (id, status) = (endpoint.id, endpoint.status);
        match self.entries.get_mut(&id) {
            Some(entry) => {
                // Most news is of a status. Replacing what is the same would scatter the roll over the heap.
                let is_same = is_same_check(&entry.endpoint, &endpoint);
                if !is_same {
                    entry.endpoint = Arc::new(endpoint);
                }
                entry.status = status;
                if entry.place == Place::InFlight {
                    // News that is only of a look says nothing about the next one: the look under way will.
                    if !is_same {
                        entry.due_after_check = due;
                    }
                    return;
                }
            }
            None => {
                let orphaned = self.orphans.remove(&id);
                let entry = Entry {
                    endpoint: Arc::new(endpoint),
                    status,
                    place: if orphaned.is_some() {
                        Place::InFlight
                    } else {
                        Place::Parked
                    },
                    stamp: 0,
                    is_slow: false,
                    holds_slow_place: orphaned.unwrap_or(false),
                    due_after_check: orphaned.and(due),
                };
                self.entries.insert(id, entry);
            }
        }
        self.schedule(id, due);
    }

    pub(super) fn remove(&mut self, id: MonitorId) {
        if let Some(entry) = self.entries.remove(&id)
            && entry.place == Place::InFlight
        {
            self.orphans.insert(id, entry.holds_slow_place);
        }
    }

    /// Sets when an endpoint is due next; `None` parks it. One in flight or in line keeps its place.
    pub(super) fn schedule(&mut self, id: MonitorId, due: Option<Timestamp>) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if matches!(entry.place, Place::InFlight | Place::Waiting(_)) {
            return;
        }
        entry.stamp = entry.stamp.wrapping_add(1);
        match due {
            Some(due) => {
                entry.place = Place::Scheduled;
                self.heap.push(Reverse((due, id, entry.stamp)));
            }
            None => entry.place = Place::Parked,
        }
    }

    /// When the next one is due that does not wait already.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((due, _, _))| *due)
    }

    /// Moves everything that is due by `now` into the lines.
    pub(super) fn take_due(&mut self, now: Timestamp) {
        while let Some(Reverse((due, id, stamp))) = self.heap.peek().copied() {
            if due > now {
                return;
            }
            self.heap.pop();
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            if entry.place != Place::Scheduled || entry.stamp != stamp {
                continue;
            }
            entry.place = Place::Waiting(due);
            if entry.is_slow {
                self.slow.push_back(id);
            } else {
                self.fast.push_back(id);
            }
        }
    }

    /// The next one to look at and since when it was due, if there is a free place.
    pub(super) fn launch(&mut self) -> Option<(Arc<Scheduled>, Timestamp)> {
        while self.in_flight < self.places {
            let is_slow = self.fast.is_empty();
            let slow_places = self.places.div_ceil(2);
            let id = match is_slow {
                false => self.fast.pop_front()?,
                true if self.slow_in_flight < slow_places => self.slow.pop_front()?,
                true => return None,
            };
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            let Place::Waiting(due) = entry.place else {
                continue;
            };
            entry.place = Place::InFlight;
            entry.holds_slow_place = is_slow;
            self.in_flight += 1;
            self.slow_in_flight += usize::from(is_slow);
            return Some((Arc::clone(&entry.endpoint), due));
        }
        None
    }

    /// A look has ended: frees its place.
    pub(super) fn finished(&mut self, id: MonitorId, was_slow: bool) {
        let held_slow_place = match self.entries.get_mut(&id) {
            Some(entry) if entry.place == Place::InFlight => {
                entry.place = Place::Parked;
                entry.is_slow = was_slow;
                entry.holds_slow_place
            }
            _ => match self.orphans.remove(&id) {
                Some(held) => held,
                None => return,
            },
        };
        self.in_flight -= 1;
        self.slow_in_flight -= usize::from(held_slow_place);
        let due = self
            .entries
            .get_mut(&id)
            .and_then(|entry| entry.due_after_check.take());
        if due.is_some() {
            self.schedule(id, due);
        }
    }
}

/// Whether both are looked at alike. Status and due instants are the queue's own matter.
fn is_same_check(known: &Scheduled, heard: &Scheduled) -> bool {
    known.target == heard.target
        && known.http_check == heard.http_check
        && known.interval == heard.interval
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn endpoint(id: i64) -> Scheduled {
        Scheduled {
            id: MonitorId(id),
            target: "tcp://192.0.2.1:80".parse().unwrap(),
            http_check: None,
            revision: 0,
            interval: None,
            status: Status::Online,
            is_new: false,
            next_check_at: None,
        }
    }

    fn launched(queue: &mut Queue) -> Vec<i64> {
        std::iter::from_fn(|| queue.launch())
            .map(|(endpoint, _)| endpoint.id.0)
            .collect()
    }

    #[test]
    fn they_come_in_the_order_in_which_they_are_due() {
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
    fn no_more_are_in_flight_than_there_are_places() {
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
    fn slow_ones_get_half_of_the_places_and_the_others_do_not_wait() {
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
    fn one_in_flight_is_not_launched_again_whatever_is_heard_of_it() {
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
    fn news_of_an_edit_while_in_flight_brings_a_check_after_it_and_other_news_does_not() {
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
    fn removed_and_added_again_while_in_flight_keeps_the_count_right() {
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
    fn one_that_has_landed_waits_for_its_decision() {
        let mut queue = Queue::new(4);
        queue.put(endpoint(1), Some(at(1)));
        queue.take_due(at(1));
        assert_eq!(launched(&mut queue), [1]);
        queue.finished(MonitorId(1), false);
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn a_later_word_replaces_an_earlier_one() {
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
}
