//! What everybody who takes calls shares: calls that arrive while others are being recorded wait a moment and are recorded
//! together. A statement costs about as much for one row as for many, and a commit as much for one call as for hundreds.

use tokio::sync::{mpsc, oneshot};

use super::check_in::{self, CheckIn, CheckInError, CheckedIn};
use crate::clock::Clock;
use crate::store::{StoreError, Writer};

/// Calls that may wait; further ones wait for a place, and their callers with them.
const QUEUE: usize = 4096;

/// The most calls in one transaction.
const TOGETHER: usize = 512;

type Waiting = (CheckIn, oneshot::Sender<Result<CheckedIn, CheckInError>>);

/// A handle to the task that records calls.
#[derive(Clone, Debug)]
pub struct HeartbeatBatcher(mpsc::Sender<Waiting>);

impl HeartbeatBatcher {
    /// Starts the task; it ends with the last handle. A guild may have `quota` devices.
    pub fn start(writer: Writer, quota: u64, clock: Clock) -> Self {
        let (sender, heartbeats) = mpsc::channel(QUEUE);
        tokio::spawn(run_batches(heartbeats, writer, quota, clock));
        Self(sender)
    }

    /// Records a call; the answer comes after the commit.
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
    let mut waiting = Vec::new();
    while heartbeats.recv_many(&mut waiting, TOGETHER).await > 0 {
        let (together, answers): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        let now = clock.now();
        let recorded = writer
            .transact(move |tx| {
                Box::pin(async move { check_in::record(tx, &together, quota, now).await })
            })
            .await;
        match recorded {
            Ok(results) => {
                for (answer, result) in answers.into_iter().zip(results) {
                    // A caller that has hung up is checked in all the same.
                    let _ = answer.send(result);
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(error.clone().into()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Requester;
    use crate::domain::device::DeviceUuid;
    use crate::domain::event::Actor;
    use crate::domain::monitor::GuildId;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn an_answer_means_that_the_call_is_stored() {
        let store = TestStore::open().await;
        let listening = HeartbeatBatcher::start(store.writer.clone(), 10, Clock::SYSTEM);
        let heartbeat = |number| CheckIn {
            requester: Requester {
                guild: GuildId(1),
                actor: Actor::System,
            },
            uuid: DeviceUuid::from_random([number; 16]),
            payload: check_in::Payload::Nothing,
            key: None,
        };
        let all = (0..100).map(|number| listening.check_in(heartbeat(number % 10)));
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
