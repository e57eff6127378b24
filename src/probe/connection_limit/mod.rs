//! Limits how often connections to one address are opened, so that no target is flooded, however many endpoints, ports,
//! paths and guilds point at it.
//!
//! The limit acts after a name is resolved and before every connection of a check, redirects included. A connection that
//! must wait makes its check late, never failed:
//!
//! - A check that has not connected yet ends as *postponed*. It holds no slot, no memory but its place in the queue, and no
//!   timeout. When its turn comes, it starts again.
//! - A check that has connected already (a redirect, the second address of a name) waits within its future. The wait is
//!   neither part of its timeout nor of its timings, and the scheduler lends its slot to another check.
//!
//! The limits per bucket (`buckets.rs`): one connection a second per guild, `PROBE_ADDRESS_RATE` of all guilds together,
//! and ten times that for all names on an address and all addresses of an IPv6 /64. The last one is for names: a host with
//! certificates for a hundred names would otherwise get a hundred times the rate.

mod address_bucket;
mod buckets;
mod verified_names;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use outbound_policy::reached_host;
use tokio::sync::{Notify, mpsc, oneshot};

pub use self::address_bucket::AddressBucket;
pub use self::buckets::Urgency;
use self::buckets::{AddressBuckets, Arrival, Gaps, Queued};
use self::verified_names::VerifiedNames;
use crate::clock::Stopwatch;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;

/// Time between two connections of one guild to a bucket.
const GUILD_GAP: Duration = Duration::from_secs(1);

/// How much higher the limit of a whole network is than that of one bucket.
const BUCKETS_OF_A_NETWORK: u32 = 10;

/// How long a turn may be used without waiting again. A slow name server could otherwise collect turns and use them at once.
const TURN_KEPT: Duration = Duration::from_secs(1);

/// Checks of one guild that may wait within their futures; further ones are postponed. Bounds their memory.
const MAX_WAITING_WITHIN: u32 = 128;

/// The right to open one connection to a bucket. It is counted already.
#[derive(Debug)]
pub struct ConnectionTurn {
    bucket: AddressBucket,
    at: Duration,
}

impl ConnectionTurn {
    pub fn bucket(&self) -> &AddressBucket {
        &self.bucket
    }
}

/// A place in the queue. Dropping it leaves the queue.
#[derive(Debug)]
pub struct QueuePlace(#[expect(dead_code, reason = "only its lifetime counts")] Arc<()>);

/// A turn of an endpoint that had a `QueuePlace`.
#[derive(Debug)]
pub struct TurnOfEndpoint {
    pub id: MonitorId,
    pub turn: ConnectionTurn,
}

/// Where turns of endpoints are sent.
pub type TurnSender = mpsc::UnboundedSender<TurnOfEndpoint>;

/// WaitingConnection checks, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitTotals {
    /// Checks that wait within their futures now.
    pub within: u64,
    /// Time that connections have waited since the start, in ms.
    pub waited_ms: u64,
}

enum WaitingConnection {
    Within(oneshot::Sender<ConnectionTurn>),
    Endpoint {
        id: MonitorId,
        place: Weak<()>,
        sender: TurnSender,
    },
}

impl Queued for WaitingConnection {
    fn is_cancelled(&self) -> bool {
        match self {
            Self::Within(sender) => sender.is_closed(),
            Self::Endpoint { place, .. } => place.strong_count() == 0,
        }
    }
}

impl WaitingConnection {
    /// Sends the turn. A receiver that has just stopped waiting is ignored.
    fn send(self, turn: ConnectionTurn) {
        match self {
            Self::Within(sender) => drop(sender.send(turn)),
            Self::Endpoint { id, sender, .. } => drop(sender.send(TurnOfEndpoint { id, turn })),
        }
    }
}

/// The limits of all addresses. Clones share them.
#[derive(Clone)]
pub struct ConnectionLimiter {
    shared: Arc<Shared>,
}

struct Shared {
    started: Stopwatch,
    queues: Mutex<Queues>,
    names: Mutex<VerifiedNames>,
    changed: Notify,
    within: AtomicU64,
    waited_ms: AtomicU64,
}

struct Queues {
    buckets: AddressBuckets<WaitingConnection>,
    /// Checks that wait within their futures, by guild.
    within: HashMap<GuildId, u32>,
    /// Whether a task serves the queues; there is one only while something waits.
    is_served: bool,
}

impl ConnectionLimiter {
    /// `rate`: connections a second of all guilds together to one bucket.
    pub fn new(rate: u32) -> Self {
        let bucket = Duration::from_secs(1) / rate.max(1);
        let gaps = Gaps {
            guild: GUILD_GAP,
            bucket,
            network: bucket / BUCKETS_OF_A_NETWORK,
        };
        Self {
            shared: Arc::new(Shared {
                started: Stopwatch::start(),
                queues: Mutex::new(Queues {
                    buckets: AddressBuckets::new(gaps),
                    within: HashMap::new(),
                    is_served: false,
                }),
                names: Mutex::default(),
                changed: Notify::new(),
                within: AtomicU64::new(0),
                waited_ms: AtomicU64::new(0),
            }),
        }
    }

    /// What a connection is counted for. `name`: the host name of an HTTPS check that verifies certificates.
    pub fn bucket(&self, ip: IpAddr, name: Option<&str>) -> AddressBucket {
        let covering = name.and_then(|name| {
            let now = self.shared.started.elapsed();
            self.shared.names().covering(reached_host(ip), name, now)
        });
        AddressBucket::new(ip, covering)
    }

    /// Counts a connection that is opened now, if it need not wait.
    pub fn take(&self, guild: GuildId, bucket: &AddressBucket) -> Option<ConnectionTurn> {
        let mut queues = self.shared.queues();
        // Read under the lock: times must not run backward.
        let at = self.shared.started.elapsed();
        let is_free = queues.buckets.take(guild, bucket, at);
        is_free.then(|| ConnectionTurn {
            bucket: bucket.clone(),
            at,
        })
    }

    /// Whether a turn is recent enough to be used.
    pub fn is_fresh(&self, turn: &ConnectionTurn) -> bool {
        self.shared.started.elapsed() <= turn.at + TURN_KEPT
    }

    /// Queues an endpoint; its turn is sent to `sender`.
    pub fn queue(
        &self,
        guild: GuildId,
        bucket: &AddressBucket,
        id: MonitorId,
        sender: TurnSender,
    ) -> QueuePlace {
        let place = Arc::new(());
        let waiter = WaitingConnection::Endpoint {
            id,
            place: Arc::downgrade(&place),
            sender,
        };
        self.wait(guild, bucket, Urgency::Scheduled, waiter);
        QueuePlace(place)
    }

    /// Waits for the turn of a check that has begun; `None` if too many of the guild wait in this way.
    pub fn wait_within(
        &self,
        guild: GuildId,
        bucket: &AddressBucket,
    ) -> Option<impl Future<Output = ConnectionTurn> + Send + use<>> {
        {
            let mut queues = self.shared.queues();
            let within = queues.within.entry(guild).or_default();
            if *within >= MAX_WAITING_WITHIN {
                return None;
            }
            *within += 1;
        }
        self.shared.within.fetch_add(1, Ordering::Relaxed);
        let counted = CountedWait {
            shared: Arc::clone(&self.shared),
            guild,
        };
        let (limiter, bucket) = (self.clone(), bucket.clone());
        Some(async move {
            let _counted = counted;
            limiter.turn(guild, &bucket, Urgency::Soon).await
        })
    }

    /// Waits for a turn.
    pub async fn turn(
        &self,
        guild: GuildId,
        bucket: &AddressBucket,
        urgency: Urgency,
    ) -> ConnectionTurn {
        loop {
            let (sender, turn) = oneshot::channel();
            self.wait(guild, bucket, urgency, WaitingConnection::Within(sender));
            // The sender stays in the queue until it is used, so there is no other result.
            if let Ok(turn) = turn.await {
                return turn;
            }
        }
    }

    /// Remembers that an address has shown a verified certificate for a name. `covering` is the name in the certificate.
    pub fn learn(&self, ip: IpAddr, name: &str, covering: &str) {
        let now = self.shared.started.elapsed();
        self.shared
            .names()
            .learn(reached_host(ip), name, covering, now);
    }

    /// Forgets what `learn` remembered, after a handshake that failed.
    pub fn forget(&self, ip: IpAddr, name: &str) {
        self.shared.names().forget(reached_host(ip), name);
    }

    pub fn totals(&self) -> WaitTotals {
        WaitTotals {
            within: self.shared.within.load(Ordering::Relaxed),
            waited_ms: self.shared.waited_ms.load(Ordering::Relaxed),
        }
    }

    fn wait(
        &self,
        guild: GuildId,
        bucket: &AddressBucket,
        urgency: Urgency,
        waiter: WaitingConnection,
    ) {
        let mut queues = self.shared.queues();
        let arrival = Arrival {
            urgency,
            waiter,
            at: self.shared.started.elapsed(),
        };
        queues.buckets.wait(guild, bucket, arrival);
        if queues.is_served {
            self.shared.changed.notify_one();
        } else {
            queues.is_served = true;
            tokio::spawn(serve(Arc::clone(&self.shared)));
        }
    }
}

/// Serves the queues until nothing waits.
async fn serve(shared: Arc<Shared>) {
    loop {
        let next = {
            let mut queues = shared.queues();
            let now = shared.started.elapsed();
            for served in queues.buckets.serve(now) {
                let waited = u64::try_from(served.waited.as_millis()).unwrap_or(u64::MAX);
                shared.waited_ms.fetch_add(waited, Ordering::Relaxed);
                served.waiter.send(ConnectionTurn {
                    bucket: served.bucket,
                    at: now,
                });
            }
            let Some(next) = queues.buckets.next() else {
                queues.is_served = false;
                return;
            };
            next
        };
        tokio::select! {
            () = tokio::time::sleep_until(shared.started.after(next)) => {}
            () = shared.changed.notified() => {}
        }
    }
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> MutexGuard<'_, VerifiedNames> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a check while it waits within its future.
struct CountedWait {
    shared: Arc<Shared>,
    guild: GuildId,
}

impl Drop for CountedWait {
    fn drop(&mut self) {
        self.shared.within.fetch_sub(1, Ordering::Relaxed);
        let mut queues = self.shared.queues();
        if let Some(within) = queues.within.get_mut(&self.guild) {
            *within -= 1;
            if *within == 0 {
                queues.within.remove(&self.guild);
            }
        }
    }
}

#[cfg(test)]
mod tests;
