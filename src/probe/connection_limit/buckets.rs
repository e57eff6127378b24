//! Decides when the next connection to an address may be opened, and for which guild. No clock and no I/O: times are
//! parameters, as durations since the start.
//!
//! Three gaps hold at the same time: between two connections of one guild to a bucket, of all guilds to a bucket, and of all
//! buckets of a network. A connection that must wait joins the queue of its guild. Guilds take turns: the one that was
//! served longest ago comes first, so a guild with a thousand waiting connections delays another guild's only one by a single gap.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::address_bucket::AddressBucket;
use crate::domain::discord_id::GuildId;

/// The number of known guilds and buckets from which on those without effect are removed.
const SWEEP_AT_LEAST: usize = 1024;

/// The shortest times between two connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gaps {
    /// Of one guild to one bucket.
    pub(super) guild: Duration,
    /// Of all guilds to one bucket.
    pub(super) bucket: Duration,
    /// Of all guilds to all buckets of one network.
    pub(super) network: Duration,
}

/// Something that waits for its turn and may stop waiting.
pub(super) trait Queued {
    fn is_cancelled(&self) -> bool;
}

/// The position in the queue of the guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Before the scheduled checks of the same guild: a check that has begun, or a person who waits for a result.
    Soon,
    Scheduled,
}

/// A waiting connection that may be opened now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReachedTurn<W> {
    pub(super) bucket: AddressBucket,
    pub(super) waiter: W,
    pub(super) waited: Duration,
}

/// A connection that joins the queue of its guild.
pub(super) struct Arrival<W> {
    pub(super) urgency: Urgency,
    pub(super) waiter: W,
    pub(super) at: Duration,
}

pub(super) struct AddressBuckets<W> {
    gaps: Gaps,
    lines: HashMap<AddressBucket, BucketLine<W>>,
    networks: HashMap<IpAddr, NetworkLine>,
    /// When to serve what. Entries whose time differs from that of the bucket or network are outdated.
    wakes: BinaryHeap<Reverse<(Duration, Wake)>>,
    /// Guilds added since the last sweep, and those that it left.
    size: usize,
    sweep_at: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wake {
    Bucket(AddressBucket),
    Network(IpAddr),
}

struct BucketLine<W> {
    free_at: Duration,
    guilds: HashMap<GuildId, GuildLine<W>>,
    /// Guilds with waiting connections; the one that was served longest ago is first.
    turns: VecDeque<GuildId>,
    wake: Option<Duration>,
    is_ready: bool,
}

#[derive(Default)]
struct NetworkLine {
    free_at: Duration,
    /// AddressBuckets whose own gaps have passed, in the order in which they did.
    ready: VecDeque<AddressBucket>,
    wake: Option<Duration>,
}

struct GuildLine<W> {
    free_at: Duration,
    soon: VecDeque<(Duration, W)>,
    scheduled: VecDeque<(Duration, W)>,
}

impl<W: Queued> AddressBuckets<W> {
    pub(super) fn new(gaps: Gaps) -> Self {
        Self {
            gaps,
            lines: HashMap::new(),
            networks: HashMap::new(),
            wakes: BinaryHeap::new(),
            size: 0,
            sweep_at: SWEEP_AT_LEAST,
        }
    }

    /// Counts a connection that is opened now, if no gap and no turn of another connection forbids it.
    pub(super) fn take(&mut self, guild: GuildId, bucket: &AddressBucket, now: Duration) -> bool {
        self.sweep_if_large(now);
        let gaps = self.gaps;
        let network = self.networks.entry(bucket.network()).or_default();
        if network.free_at > now || !network.ready.is_empty() {
            return false;
        }
        let line = self.lines.entry(bucket.clone()).or_default();
        if line.free_at > now || line.has_turn_of_another(guild, now) {
            return false;
        }
        let (own, is_new) = line.guild(guild);
        if own.free_at > now || own.is_waiting() {
            return false;
        }
        own.free_at = now + gaps.guild;
        line.free_at = now + gaps.bucket;
        network.free_at = now + gaps.network;
        self.size += usize::from(is_new);
        true
    }

    /// Adds a connection to the queue of its guild; `serve` returns it when it may be opened.
    pub(super) fn wait(&mut self, guild: GuildId, bucket: &AddressBucket, arrival: Arrival<W>) {
        let line = self.lines.entry(bucket.clone()).or_default();
        let (own, is_new) = line.guild(guild);
        let is_first = !own.is_waiting();
        let queue = match arrival.urgency {
            Urgency::Soon => &mut own.soon,
            Urgency::Scheduled => &mut own.scheduled,
        };
        queue.push_back((arrival.at, arrival.waiter));
        if is_first {
            line.turns.push_back(guild);
        }
        self.size += usize::from(is_new);
        self.wake_bucket(bucket, arrival.at);
    }

    /// Takes the connections that may be opened now, of every bucket.
    pub(super) fn serve(&mut self, now: Duration) -> Vec<ReachedTurn<W>> {
        let mut served = Vec::new();
        while self.wakes.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((at, wake))) = self.wakes.pop() else {
                break;
            };
            match wake {
                Wake::Bucket(bucket) => self.ready(bucket, at),
                Wake::Network(network) => self.serve_network(network, at, now, &mut served),
            }
        }
        served
    }

    /// When `serve` has something to do next; `None` while no connection waits.
    pub(super) fn next(&self) -> Option<Duration> {
        self.wakes.peek().map(|Reverse((at, _))| *at)
    }

    /// Puts a bucket whose gaps have passed at the end of the queue of its network.
    fn ready(&mut self, bucket: AddressBucket, at: Duration) {
        let Some(line) = self.lines.get_mut(&bucket) else {
            return;
        };
        if line.wake != Some(at) {
            return;
        }
        line.wake = None;
        line.is_ready = true;
        let ip = bucket.network();
        let network = self.networks.entry(ip).or_default();
        network.ready.push_back(bucket);
        if network.wake.is_none() {
            let at = network.free_at.max(at);
            network.wake = Some(at);
            self.wakes.push(Reverse((at, Wake::Network(ip))));
        }
    }

    /// Serves the first bucket of a network that has something to serve.
    fn serve_network(
        &mut self,
        ip: IpAddr,
        at: Duration,
        now: Duration,
        served: &mut Vec<ReachedTurn<W>>,
    ) {
        let Some(network) = self.networks.get_mut(&ip) else {
            return;
        };
        if network.wake != Some(at) {
            return;
        }
        network.wake = None;
        let mut visited = Vec::new();
        while network.free_at <= now
            && let Some(bucket) = network.ready.pop_front()
        {
            if let Some(line) = self.lines.get_mut(&bucket) {
                line.is_ready = false;
                if let Some((since, waiter)) = line.serve(now, self.gaps.guild) {
                    line.free_at = now + self.gaps.bucket;
                    network.free_at = now + self.gaps.network;
                    served.push(ReachedTurn {
                        bucket: bucket.clone(),
                        waiter,
                        waited: now.saturating_sub(since),
                    });
                }
            }
            visited.push(bucket);
        }
        if !network.ready.is_empty() {
            network.wake = Some(network.free_at);
            self.wakes
                .push(Reverse((network.free_at, Wake::Network(ip))));
        }
        for bucket in visited {
            self.wake_bucket(&bucket, now);
        }
    }

    /// Plans when the gaps of a bucket with waiting connections have passed.
    fn wake_bucket(&mut self, bucket: &AddressBucket, now: Duration) {
        let Some(line) = self.lines.get_mut(bucket).filter(|line| !line.is_ready) else {
            return;
        };
        let Some(turn_at) = line.next_turn() else {
            return;
        };
        let at = turn_at.max(line.free_at).max(now);
        if line.wake.is_none_or(|known| at < known) {
            line.wake = Some(at);
            self.wakes.push(Reverse((at, Wake::Bucket(bucket.clone()))));
        }
    }

    /// Forgets what no longer has an effect. Its cost is spread over as many connections as it visits entries.
    fn sweep_if_large(&mut self, now: Duration) {
        if self.size < self.sweep_at {
            return;
        }
        self.size = 0;
        for line in self.lines.values_mut() {
            line.guilds
                .retain(|_, guild| guild.free_at > now || guild.is_waiting());
            self.size += line.guilds.len();
        }
        self.lines
            .retain(|_, line| !line.guilds.is_empty() || line.free_at > now || line.is_ready);
        self.networks
            .retain(|_, network| network.free_at > now || !network.ready.is_empty());
        self.sweep_at = (self.size * 2).max(SWEEP_AT_LEAST);
    }
}

impl<W> Default for BucketLine<W> {
    fn default() -> Self {
        Self {
            free_at: Duration::ZERO,
            guilds: HashMap::new(),
            turns: VecDeque::new(),
            wake: None,
            is_ready: false,
        }
    }
}

impl<W: Queued> BucketLine<W> {
    /// The queue of a guild, and whether it is new.
    fn guild(&mut self, guild: GuildId) -> (&mut GuildLine<W>, bool) {
        match self.guilds.entry(guild) {
            Entry::Occupied(known) => (known.into_mut(), false),
            Entry::Vacant(vacant) => {
                let new = GuildLine {
                    free_at: Duration::ZERO,
                    soon: VecDeque::new(),
                    scheduled: VecDeque::new(),
                };
                (vacant.insert(new), true)
            }
        }
    }

    /// Whether another guild has a waiting connection that may be opened now.
    fn has_turn_of_another(&self, guild: GuildId, now: Duration) -> bool {
        let may_go = |other: &GuildId| {
            self.guilds
                .get(other)
                .is_some_and(|line| line.free_at <= now)
        };
        self.turns
            .iter()
            .any(|other| *other != guild && may_go(other))
    }

    /// Takes the waiting connection whose turn it is, and since when it waits.
    fn serve(&mut self, now: Duration, gap: Duration) -> Option<(Duration, W)> {
        let mut index = 0;
        while let Some(guild) = self.turns.get(index).copied() {
            let Some(line) = self.guilds.get_mut(&guild) else {
                self.turns.remove(index);
                continue;
            };
            if line.free_at > now {
                index += 1;
                continue;
            }
            let served = line.pop();
            self.turns.remove(index);
            if line.is_waiting() {
                self.turns.push_back(guild);
            }
            if served.is_some() {
                line.free_at = now + gap;
                return served;
            }
        }
        None
    }

    fn next_turn(&self) -> Option<Duration> {
        self.turns
            .iter()
            .filter_map(|guild| self.guilds.get(guild))
            .map(|line| line.free_at)
            .min()
    }
}

impl<W: Queued> GuildLine<W> {
    fn is_waiting(&self) -> bool {
        !self.soon.is_empty() || !self.scheduled.is_empty()
    }

    /// Takes the first that still waits; drops those before it that have stopped.
    fn pop(&mut self) -> Option<(Duration, W)> {
        for queue in [&mut self.soon, &mut self.scheduled] {
            while let Some((since, waiter)) = queue.pop_front() {
                if !waiter.is_cancelled() {
                    return Some((since, waiter));
                }
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "buckets_tests.rs"]
mod tests;
