//! Batches the heartbeats from all sources: those that arrive while others are being recorded wait a moment and are then
//! recorded together. A statement costs about as much for one row as for many, and a commit as much for one heartbeat as
//! for hundreds.

use tokio::sync::{mpsc, oneshot};

use super::check_in::{self, CheckIn, CheckInError, CheckedIn};
use super::heartbeat_turns::{HeartbeatTurns, Placed};
use crate::clock::Clock;
use crate::store::{StoreError, Writer};

/// Heartbeats that may be queued; the senders of further ones wait for a free slot.
const QUEUE: usize = 4096;

/// Maximum number of heartbeats in one transaction.
const MAX_BATCH: usize = 512;

type Answer = oneshot::Sender<Result<CheckedIn, CheckInError>>;

type Waiting = (CheckIn, Answer);

/// Handle to the task that records heartbeats.
#[derive(Clone, Debug)]
pub struct HeartbeatBatcher(mpsc::Sender<Waiting>);

impl HeartbeatBatcher {
    /// Starts the task, which ends with the last handle. A guild may have at most `quota` devices.
    pub fn start(writer: Writer, quota: u64, clock: Clock) -> Self {
        let (sender, heartbeats) = mpsc::channel(QUEUE);
        tokio::spawn(run_batches(heartbeats, writer, quota, clock));
        Self(sender)
    }

    /// Records a heartbeat; returns after the commit.
    pub async fn check_in(&self, heartbeat: CheckIn) -> Result<CheckedIn, CheckInError> {
        let (answer, answered) = oneshot::channel();
        self.0
            .send((heartbeat, answer))
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::NotWritten)?
    }
}

async fn run_batches(
    mut heartbeats: mpsc::Receiver<Waiting>,
    writer: Writer,
    quota: u64,
    clock: Clock,
) {
    let mut turns = HeartbeatTurns::default();
    while let Some(batch) = next_batch(&mut heartbeats, &mut turns).await {
        let (batch, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let now = clock.now();
        let recorded = writer
            .transact(move |tx| {
                Box::pin(async move { check_in::record(tx, &batch, quota, now).await })
            })
            .await;
        match recorded {
            Ok(results) => {
                for (answer, result) in answers.into_iter().zip(results) {
                    // The heartbeat is recorded even if its sender has disconnected.
                    let _ = answer.send(result);
                }
            }
            Err(error) => {
                if matches!(error, StoreError::NotWritten) {
                    refuse_waiting(&mut heartbeats, &mut turns);
                }
                for answer in answers {
                    let _ = answer.send(Err(error.clone().into()));
                }
            }
        }
    }
}

/// Drops what arrived while a transaction could not begin, so that its senders get `NotWritten` now: another process holds the
/// database, and the next transaction would wait for it as long again.
fn refuse_waiting(heartbeats: &mut mpsc::Receiver<Waiting>, turns: &mut HeartbeatTurns<Answer>) {
    *turns = HeartbeatTurns::default();
    while heartbeats.try_recv().is_ok() {}
}

/// The heartbeats of the next transaction; `None` once all handles are dropped.
async fn next_batch(
    heartbeats: &mut mpsc::Receiver<Waiting>,
    turns: &mut HeartbeatTurns<Answer>,
) -> Option<Vec<Waiting>> {
    let mut arrived = Vec::new();
    if turns.is_empty() {
        heartbeats.recv_many(&mut arrived, MAX_BATCH).await;
        if arrived.is_empty() {
            return None;
        }
    } else {
        let more = std::iter::from_fn(|| heartbeats.try_recv().ok());
        arrived.extend(more.take(MAX_BATCH));
    }
    let mut batch = Vec::with_capacity(arrived.len());
    for (heartbeat, answer) in arrived {
        match turns.place(heartbeat, answer) {
            Placed::Now(heartbeat, answer) => batch.push((heartbeat, answer)),
            Placed::Later => {}
            Placed::Refused(answer) => {
                let _ = answer.send(Err(CheckInError::Busy));
            }
        }
    }
    turns.take(&mut batch);
    Some(batch)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::actions::Requester;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::discord_id::GuildId;
    use crate::domain::event::Actor;
    use crate::store::Store;
    use crate::store::testing::TestStore;

    fn heartbeat(number: u8) -> CheckIn {
        CheckIn {
            requester: Requester {
                guild: GuildId(1),
                actor: Actor::System,
            },
            uuid: DeviceUuid::from_random([number; 16]),
            payload: check_in::Payload::Nothing,
            key: None,
        }
    }

    #[tokio::test]
    async fn heartbeats_that_arrive_while_the_database_is_locked_wait_for_it_only_once() {
        let store = TestStore::open().await;
        let batcher = HeartbeatBatcher::start(store.writer.clone(), 10, Clock::SYSTEM);
        let other = Store::open(&store.url()).await.unwrap();
        let (begun, has_begun) = oneshot::channel();
        let (end, has_ended) = oneshot::channel::<()>();
        let lock = other.writer.transact::<(), StoreError>(|_| {
            Box::pin(async move {
                let _ = begun.send(());
                let _ = has_ended.await;
                Ok(())
            })
        });
        let refused = async {
            has_begun.await.unwrap();
            let start = crate::clock::Stopwatch::start();
            let later = async {
                // The first one is on its way to the writer by then.
                tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>())
                    .await
                    .unwrap_err();
                batcher.check_in(heartbeat(2)).await
            };
            let answers = tokio::join!(batcher.check_in(heartbeat(1)), later);
            assert!(answers.0.is_err() && answers.1.is_err(), "{answers:?}");
            assert!(start.elapsed() < Duration::from_secs(6));
            end.send(()).unwrap();
        };
        let (locked, ()) = tokio::join!(lock, refused);
        locked.unwrap();
        batcher.check_in(heartbeat(3)).await.unwrap();
    }

    #[tokio::test]
    async fn heartbeats_are_answered_after_they_are_stored() {
        let store = TestStore::open().await;
        let batcher = HeartbeatBatcher::start(store.writer.clone(), 10, Clock::SYSTEM);
        let all = (0..100).map(|number| batcher.check_in(heartbeat(number % 10)));
        let answered = futures_util::future::join_all(all).await;
        assert!(answered.iter().all(Result::is_ok));
        let made = answered
            .iter()
            .flatten()
            .filter(|result| result.made.is_some());
        assert_eq!(made.count(), 10);
        let rows: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM devices").await;
        assert_eq!(rows, [(10,)]);
    }
}
