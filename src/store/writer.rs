//! The one writer: a task that owns the write connection and commits in groups.
//!
//! A commit with `synchronous=FULL` waits for the disk. Work that arrives while one group is being written joins the
//! next, so many callers share one wait, and each gets its answer only after the commit. A piece of work that fails is
//! rolled back alone (a savepoint for each but the first), the rest of its group stands.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use tokio::sync::{mpsc, oneshot, watch};

use super::cache::Cache;
use super::monitor_state::Pending;
use super::{StoreError, sqlite};

/// Pieces of work that may wait; beyond that, callers wait for a place.
const QUEUE: usize = 1024;

/// The most pieces of work in one commit, so that nobody's answer waits for an endless group.
const GROUP: usize = 256;

/// A write transaction in progress. Functions that write take one.
#[derive(Debug)]
pub struct Tx<'writer> {
    pub(super) connection: &'writer mut SqliteConnection,
    pub(super) cache: &'writer mut Cache,
    pub(super) pending: &'writer mut Pending,
    pub(super) wrote_event: bool,
}

/// Told after the commit, or with the error that prevented it.
type Settle = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What a piece of work leaves behind: whether it stands, and whom to tell.
struct Finished {
    stands: bool,
    settle: Settle,
}

/// How a piece of work went.
struct Ran {
    stands: bool,
    wrote_event: bool,
}

type Work = Box<dyn for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Finished> + Send>;

enum Order {
    Work(Work),
    Close(oneshot::Sender<()>),
}

/// A handle to the writer task.
#[derive(Clone, Debug)]
pub struct Writer {
    orders: mpsc::Sender<Order>,
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection, bell: watch::Sender<u64>) -> Self {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let task = WriterTask {
            connection,
            bell,
            cache: Cache::default(),
            pending: Pending::default(),
            data_version: 0,
        };
        tokio::spawn(task.run(inbox));
        Self { orders }
    }

    /// Runs `work` in a transaction and answers after its commit. Where `work` fails, nothing of it stays.
    pub async fn transact<T, E>(
        &self,
        work: impl for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |tx| {
            Box::pin(async move {
                let result = work(tx).await;
                let stands = result.is_ok();
                let settle: Settle = Box::new(move |committed| {
                    // The caller may have gone away; the change stands all the same.
                    let _ = answer.send(match committed {
                        Ok(()) => result,
                        Err(error) => result.and(Err(E::from(error))),
                    });
                });
                Finished { stands, settle }
            })
        });
        self.orders
            .send(Order::Work(work))
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::NotWritten)?
    }

    /// Pieces of work that wait for their turn.
    pub fn waiting(&self) -> usize {
        self.orders.max_capacity() - self.orders.capacity()
    }

    /// Finishes what is queued, writes what waits in memory, and closes the connection.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.orders.send(Order::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

struct WriterTask {
    connection: SqliteConnection,
    bell: watch::Sender<u64>,
    cache: Cache,
    pending: Pending,
    data_version: i64,
}

impl WriterTask {
    async fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        while let Some(order) = inbox.recv().await {
            match order {
                Order::Work(first) => {
                    if let Some(done) = self.write_group(first, &mut inbox).await {
                        return self.close(done).await;
                    }
                }
                Order::Close(done) => return self.close(done).await,
            }
        }
    }

    /// One commit for `first` and whatever has queued up behind it. Gives back a close order met on the way.
    async fn write_group(
        &mut self,
        first: Work,
        inbox: &mut mpsc::Receiver<Order>,
    ) -> Option<oneshot::Sender<()>> {
        let mut settles = Vec::new();
        let mut wrote_event = false;
        let mut close = None;
        let mut begun = self.begin().await;
        let mut is_fresh = true;
        let mut next = Some(first);
        while let Some(work) = next.take() {
            if begun.is_ok() && is_fresh {
                // Without a savepoint: for one, SQLite copies every page it touches to a temporary file, and most
                // groups are one piece of work. Failed, it takes the transaction with it, which held nothing else.
                let ran = self.run_work(work, &mut settles).await;
                is_fresh = !ran.stands;
                wrote_event |= ran.wrote_event;
                if is_fresh {
                    begun = self.begin_anew().await;
                }
            } else if begun.is_ok() {
                wrote_event |= self.run_one(work, &mut settles).await;
            }
            if settles.len() < GROUP {
                match inbox.try_recv() {
                    Ok(Order::Work(work)) => next = Some(work),
                    Ok(Order::Close(done)) => close = Some(done),
                    Err(_) => {}
                }
            }
        }
        let committed = match begun {
            Ok(()) => self.commit().await,
            Err(error) => {
                // The work was dropped unrun: its callers hear `NotWritten`.
                tracing::error!(%error, "the database did not begin a transaction");
                Err(error)
            }
        };
        let is_written = committed.is_ok();
        for settle in settles {
            settle(committed.clone());
        }
        if is_written && wrote_event {
            self.bell.send_modify(|rings| *rings += 1);
        }
        close
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.connection.execute("BEGIN IMMEDIATE").await?;
        // Another process may have changed what the cache remembers.
        let version = sqlite::data_version(&mut self.connection).await?;
        if version != self.data_version {
            self.data_version = version;
            self.cache.clear();
        }
        Ok(())
    }

    /// After the first piece of work has failed. Where SQLite has rolled back by itself there is nothing to take back,
    /// and where it could not, the new transaction does not begin.
    async fn begin_anew(&mut self) -> Result<(), StoreError> {
        let _ = self.connection.execute("ROLLBACK").await;
        self.begin().await
    }

    /// Runs a piece of work; taking it back where it does not stand is the caller's matter.
    async fn run_work(&mut self, work: Work, settles: &mut Vec<Settle>) -> Ran {
        let mut tx = Tx {
            connection: &mut self.connection,
            cache: &mut self.cache,
            pending: &mut self.pending,
            wrote_event: false,
        };
        let finished = AssertUnwindSafe(work(&mut tx)).catch_unwind().await;
        let wrote_event = tx.wrote_event;
        let stands = finished.as_ref().is_ok_and(|finished| finished.stands);
        if !stands {
            self.cache.clear();
            self.pending.settle(false);
        }
        // A panic drops the answer's sender: that caller hears `NotWritten`, the rest of the group goes on.
        if let Ok(finished) = finished {
            settles.push(finished.settle);
        }
        Ran {
            stands,
            wrote_event: stands && wrote_event,
        }
    }

    /// Runs one more piece of work, inside a savepoint; says whether it wrote an event.
    async fn run_one(&mut self, work: Work, settles: &mut Vec<Settle>) -> bool {
        if let Err(error) = self.connection.execute("SAVEPOINT work").await {
            tracing::error!(%error, "the database refused a savepoint");
            return false;
        }
        let ran = self.run_work(work, settles).await;
        let end = if ran.stands {
            "RELEASE work"
        } else {
            "ROLLBACK TO work; RELEASE work"
        };
        if let Err(error) = self.connection.execute(end).await {
            tracing::error!(%error, "the database refused to end a savepoint");
        }
        ran.wrote_event
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.connection.execute("COMMIT").await;
        self.pending.settle(committed.is_ok());
        if let Err(error) = committed {
            self.cache.clear();
            // A failed commit leaves the transaction open; without this no later one could begin.
            let _ = self.connection.execute("ROLLBACK").await;
            return Err(error.into());
        }
        Ok(())
    }

    async fn close(mut self, done: oneshot::Sender<()>) {
        if let Err(error) = self.flush_and_checkpoint().await {
            tracing::warn!(%error, "the database could not be tidied up while closing; nothing committed is lost");
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
        let _ = done.send(());
    }

    async fn flush_and_checkpoint(&mut self) -> Result<(), StoreError> {
        self.begin().await?;
        let mut tx = Tx {
            connection: &mut self.connection,
            cache: &mut self.cache,
            pending: &mut self.pending,
            wrote_event: false,
        };
        super::monitor_state::flush(&mut tx).await?;
        self.commit().await?;
        sqlite::checkpoint(&mut self.connection).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    async fn insert(tx: &mut Tx<'_>, name: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO job_runs (name, started_at, finished_at, summary) VALUES ($1, 0, 0, '')",
        )
        .bind(name)
        .execute(&mut *tx.connection)
        .await?;
        Ok(())
    }

    async fn names(store: &TestStore) -> Vec<String> {
        sqlx::query_scalar("SELECT name FROM job_runs ORDER BY name")
            .fetch_all(&store.reader.pool)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn an_answer_means_that_it_is_stored() {
        let store = TestStore::open().await;
        store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "a")))
            .await
            .unwrap();
        assert_eq!(names(&store).await, ["a"]);
    }

    #[tokio::test]
    async fn a_failure_takes_back_its_own_work_only() {
        let store = TestStore::open().await;
        let good = store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "good")));
        let bad = store.writer.transact::<(), StoreError>(|tx| {
            Box::pin(async move {
                insert(tx, "half").await?;
                insert(tx, "half").await
            })
        });
        let also_good = store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "also good")));
        let (first, second, third) = tokio::join!(good, bad, also_good);
        assert!(first.is_ok() && second.is_err() && third.is_ok());
        assert_eq!(names(&store).await, ["also good", "good"]);
    }

    #[tokio::test]
    async fn a_failure_of_the_first_leaves_the_rest_of_its_group() {
        let store = TestStore::open().await;
        let bad = |name: &'static str| {
            store.writer.transact::<(), StoreError>(move |tx| {
                Box::pin(async move {
                    insert(tx, name).await?;
                    insert(tx, name).await
                })
            })
        };
        let good = store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "good")));
        let (first, second, third) = tokio::join!(bad("half"), bad("also half"), good);
        assert!(first.is_err() && second.is_err() && third.is_ok());
        assert_eq!(names(&store).await, ["good"]);
    }

    #[tokio::test]
    async fn a_panic_is_rolled_back_and_the_writer_goes_on() {
        let store = TestStore::open().await;
        let result = store
            .writer
            .transact::<(), StoreError>(|tx| {
                Box::pin(async move {
                    insert(tx, "half").await?;
                    panic!("on purpose");
                })
            })
            .await;
        assert!(matches!(result, Err(StoreError::NotWritten)));
        store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "after")))
            .await
            .unwrap();
        assert_eq!(names(&store).await, ["after"]);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_leaves_no_half_transaction() {
        let store = TestStore::open().await;
        let mut abandoned = Box::pin(
            store
                .writer
                .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "abandoned"))),
        );
        assert!(futures_util::poll!(&mut abandoned).is_pending());
        drop(abandoned);
        store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "next")))
            .await
            .unwrap();
        assert_eq!(names(&store).await, ["abandoned", "next"]);
    }

    #[tokio::test]
    async fn after_closing_nothing_is_taken() {
        let store = TestStore::open().await;
        store.writer.close().await;
        let late = store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "late")))
            .await;
        assert!(matches!(late, Err(StoreError::Closed)));
    }
}
