//! The only writer: a task that owns the write connection and commits in groups.
//!
//! A commit with `synchronous=FULL` waits for the disk. Work that arrives while one group is being written joins the
//! next, so many callers share one wait. Each gets its answer only after the commit. A unit of work that fails is rolled
//! back alone (each but the first has a savepoint), and the rest of its group is committed.
//!
//! Guilds take turns: a group has at most one unit of work that is done for a single guild, for each guild. What a guild
//! asks for beyond that waits for the next groups, so it delays nobody else.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{Connection, Executor};
use tokio::sync::{mpsc, oneshot, watch};

use super::cache::Cache;
use super::damage::Damage;
use super::sqlite;
use super::storage_room::{MeasuredRoom, StorageRoom};
use super::watched::WatchedConnection;
use super::write_group::{QUEUE, QueuedWork, WriteGroup, WriteTurn, WriterCommand};
use crate::domain::discord_id::GuildId;
use crate::store::StoreError;
use crate::store::monitors::monitor_state::Pending;

/// A write transaction in progress. Functions that write take one.
#[derive(Debug)]
pub struct Tx<'writer> {
    pub(in crate::store) connection: &'writer mut WatchedConnection,
    pub(in crate::store) cache: &'writer mut Cache,
    pub(in crate::store) pending: &'writer mut Pending,
    pub(in crate::store) wrote_event: bool,
    /// What is still stored.
    pub(in crate::store) room: StorageRoom,
}

/// Called after the commit, or with the error that prevented it.
type Settle = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A finished unit of work: whether it succeeded, and how to answer its caller.
struct Finished {
    succeeded: bool,
    settle: Settle,
}

/// The result of running a unit of work.
struct RunResult {
    succeeded: bool,
    wrote_event: bool,
}

type Work = Box<dyn for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Finished> + Send>;

/// A handle to the writer task.
#[derive(Clone, Debug)]
pub struct Writer {
    commands: mpsc::Sender<WriterCommand<Work>>,
    health: Arc<WriteHealth>,
    damage: Damage,
}

/// Whether transactions can be committed.
#[derive(Debug, Default)]
struct WriteHealth {
    /// Those that could not be committed.
    failures: AtomicU64,
    /// Whether the last one could not.
    is_failing: AtomicBool,
    /// Counts up when a group begins and when it ends, so that it is odd in between.
    steps: AtomicU64,
}

impl Writer {
    pub(in crate::store) fn start(
        connection: WatchedConnection,
        room: MeasuredRoom,
        bell: watch::Sender<u64>,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(QUEUE);
        let damage = connection.damage.clone();
        let task = WriterTask {
            connection,
            room,
            bell,
            cache: Cache::default(),
            pending: Pending::default(),
            data_version: 0,
            held: VecDeque::new(),
            health: Arc::default(),
        };
        let health = Arc::clone(&task.health);
        tokio::spawn(task.run(inbox));
        Self {
            commands,
            health,
            damage,
        }
    }

    /// Runs `work` in a transaction and returns after the commit. If `work` fails, all its changes are rolled back.
    pub async fn transact<T, E>(
        &self,
        work: impl for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.queue(WriteTurn::Any, work).await
    }

    /// Like `transact`, for a request from one guild. It waits for earlier requests from that guild, and for at most one
    /// request from each other guild.
    pub async fn transact_for<T, E>(
        &self,
        guild: GuildId,
        work: impl for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.queue(WriteTurn::Of(guild), work).await
    }

    async fn queue<T, E>(
        &self,
        turn: WriteTurn,
        work: impl for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.damage.error().map_or(Ok(()), Err)?;
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |tx| {
            Box::pin(async move {
                let result = work(tx).await;
                let succeeded = result.is_ok();
                let settle: Settle = Box::new(move |committed| {
                    // The caller may have been dropped; the change is committed nevertheless.
                    let _ = answer.send(match committed {
                        Ok(()) => result,
                        Err(error) => result.and(Err(E::from(error))),
                    });
                });
                Finished { succeeded, settle }
            })
        });
        self.commands
            .send(WriterCommand::Work(QueuedWork { work, turn }))
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::NotWritten)?
    }

    /// Like `transact`, after all work that waits already.
    pub async fn transact_last<T, E>(
        &self,
        work: impl for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.queue(WriteTurn::Last, work).await
    }

    /// Number of transactions since the start that could not be committed: the disk is full, or the database is locked.
    pub fn failures(&self) -> u64 {
        self.health.failures.load(Ordering::Relaxed)
    }

    /// Whether the last transaction could not be committed, or none will be. There is one every few seconds.
    pub fn is_failing(&self) -> bool {
        self.health.is_failing.load(Ordering::Relaxed)
            || self.damage.is_known()
            || self.commands.is_closed()
    }

    /// Counts up when a group of transactions begins and when it has been committed or has failed. It is odd in between.
    pub fn steps(&self) -> u64 {
        self.health.steps.load(Ordering::Relaxed)
    }

    /// Number of queued units of work.
    pub fn waiting(&self) -> usize {
        self.commands.max_capacity() - self.commands.capacity()
    }

    /// Finishes queued work, writes pending rows from memory and closes the connection.
    pub(in crate::store) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.commands.send(WriterCommand::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

struct WriterTask {
    connection: WatchedConnection,
    room: MeasuredRoom,
    bell: watch::Sender<u64>,
    cache: Cache,
    pending: Pending,
    data_version: i64,
    /// Work of guilds that had their turn in an earlier group, in the order in which it arrived.
    held: VecDeque<QueuedWork<Work>>,
    health: Arc<WriteHealth>,
}

impl WriterTask {
    async fn run(mut self, mut inbox: mpsc::Receiver<WriterCommand<Work>>) {
        let mut closing = None;
        loop {
            if self.held.is_empty() {
                if let Some(done) = closing.take() {
                    return self.close(done).await;
                }
                match inbox.recv().await {
                    Some(WriterCommand::Work(first)) => self.held.push_back(first),
                    Some(WriterCommand::Close(done)) => return self.close(done).await,
                    None => return,
                }
            }
            self.health.steps.fetch_add(1, Ordering::Relaxed);
            closing = self.write_group(&mut inbox, closing).await;
            self.health.steps.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Runs what waits, except for what must wait longer, in one commit. Returns a close command found in the queue.
    async fn write_group(
        &mut self,
        inbox: &mut mpsc::Receiver<WriterCommand<Work>>,
        close: Option<oneshot::Sender<()>>,
    ) -> Option<oneshot::Sender<()>> {
        let mut group = WriteGroup::new(inbox, close);
        let mut settles = Vec::new();
        let mut wrote_event = false;
        let mut transaction = self.begin().await;
        let mut is_fresh = true;
        while let Some(work) = group.next(&mut self.held) {
            if transaction.is_ok() && is_fresh {
                // Without a savepoint: with one, SQLite copies every page that it touches to a temporary file, and most
                // groups are one unit of work. If it fails, the whole transaction is rolled back, which has nothing else.
                let ran = self.run_work(work, &mut settles).await;
                is_fresh = !ran.succeeded;
                wrote_event |= ran.wrote_event;
                if is_fresh {
                    transaction = self.restart().await;
                }
            } else if transaction.is_ok() {
                wrote_event |= self.run_one(work, &mut settles).await;
            }
        }
        let committed = match transaction {
            Ok(()) => self.commit().await,
            Err(error) => {
                // The work was dropped without being run: its callers get `NotWritten`. So do those that wait for the next
                // group, which would wait for the same lock as long again.
                tracing::error!(%error, "cannot begin a transaction");
                group.refuse_all(&mut self.held);
                Err(error)
            }
        };
        let is_written = committed.is_ok();
        self.health.is_failing.store(!is_written, Ordering::Relaxed);
        if !is_written {
            self.health.failures.fetch_add(1, Ordering::Relaxed);
        }
        for settle in settles {
            settle(committed.clone());
        }
        if is_written && wrote_event {
            self.bell.send_modify(|commits| *commits += 1);
        }
        group.close
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.connection.damage.error().map_or(Ok(()), Err)?;
        self.connection.execute("BEGIN IMMEDIATE").await?;
        // Another process may have changed cached rows.
        let version = sqlite::data_version(&mut self.connection).await?;
        if version != self.data_version {
            self.data_version = version;
            self.cache.clear();
        }
        Ok(())
    }

    /// Begins a new transaction after the first unit of work has failed. An error of the rollback is ignored: if SQLite has
    /// rolled back by itself, nothing is left to roll back, and if it could not, the new transaction does not begin.
    async fn restart(&mut self) -> Result<(), StoreError> {
        let _ = self.connection.execute("ROLLBACK").await;
        self.begin().await
    }

    /// Runs a unit of work. If it fails, the caller must roll it back.
    async fn run_work(&mut self, work: Work, settles: &mut Vec<Settle>) -> RunResult {
        let mut tx = Tx {
            connection: &mut self.connection,
            cache: &mut self.cache,
            pending: &mut self.pending,
            wrote_event: false,
            room: self.room.get(),
        };
        let finished = AssertUnwindSafe(work(&mut tx)).catch_unwind().await;
        let wrote_event = tx.wrote_event;
        let succeeded = finished.as_ref().is_ok_and(|finished| finished.succeeded);
        if !succeeded {
            self.cache.clear();
            self.pending.settle(false);
        }
        // A panic drops the sender of the answer: that caller gets `NotWritten`, and the rest of the group continues.
        if let Ok(finished) = finished {
            settles.push(finished.settle);
        }
        RunResult {
            succeeded,
            wrote_event: succeeded && wrote_event,
        }
    }

    /// Runs another unit of work inside a savepoint; returns whether it wrote an event.
    async fn run_one(&mut self, work: Work, settles: &mut Vec<Settle>) -> bool {
        if let Err(error) = self.connection.execute("SAVEPOINT work").await {
            tracing::error!(%error, "cannot create a savepoint");
            return false;
        }
        let ran = self.run_work(work, settles).await;
        let end = if ran.succeeded {
            "RELEASE work"
        } else {
            "ROLLBACK TO work; RELEASE work"
        };
        if let Err(error) = self.connection.execute(end).await {
            tracing::error!(%error, "cannot end a savepoint");
        }
        ran.wrote_event
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        let committed = match self.connection.damage.error() {
            Some(error) => Err(error),
            None => self.connection.execute("COMMIT").await.map_err(Into::into),
        };
        self.pending.settle(committed.is_ok());
        if let Err(error) = committed {
            self.cache.clear();
            // A failed commit leaves the transaction open; without a rollback no later one could begin.
            let _ = self.connection.execute("ROLLBACK").await;
            return Err(error);
        }
        Ok(())
    }

    async fn close(mut self, done: oneshot::Sender<()>) {
        if !self.connection.damage.is_known()
            && let Err(error) = self.flush_and_checkpoint().await
        {
            tracing::warn!(%error, "cannot checkpoint the database at shutdown; all commits are kept");
        }
        if let Err(error) = self.connection.connection.close().await {
            tracing::warn!(%error, "cannot close the database");
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
            room: self.room.get(),
        };
        crate::store::monitors::monitor_state::flush(&mut tx).await?;
        self.commit().await?;
        sqlite::checkpoint(&mut self.connection.connection).await
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
    async fn work_is_stored_when_its_caller_gets_the_answer() {
        let store = TestStore::open().await;
        store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "a")))
            .await
            .unwrap();
        assert_eq!(names(&store).await, ["a"]);
    }

    #[tokio::test]
    async fn a_failure_rolls_back_only_its_own_work() {
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
    async fn a_failure_of_the_first_work_keeps_the_rest_of_its_group() {
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
    async fn a_panic_is_rolled_back_and_the_writer_continues() {
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
    async fn work_of_a_dropped_caller_is_committed_as_a_whole() {
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

    const OURS: WriteTurn = WriteTurn::Of(GuildId(1));
    const THEIRS: WriteTurn = WriteTurn::Of(GuildId(2));

    /// Queues all at once; for each, the number of those that were committed before its group began.
    async fn committed_before(store: &TestStore, turns: &[WriteTurn]) -> Vec<i64> {
        let all = turns.iter().enumerate().map(|(number, turn)| {
            let (name, pool) = (format!("{number:03}"), store.reader.pool.clone());
            let work = store.writer.queue(*turn, move |tx| {
                Box::pin(async move {
                    insert(tx, &name).await?;
                    let count = sqlx::query_scalar("SELECT COUNT(*) FROM job_runs");
                    Ok::<i64, StoreError>(count.fetch_one(&pool).await?)
                })
            });
            async { work.await.unwrap() }
        });
        futures_util::future::join_all(all).await
    }

    #[tokio::test]
    async fn a_guild_has_one_unit_of_work_in_a_group() {
        use WriteTurn::{Any, Last};
        for (turns, before) in [
            (
                &[OURS, OURS, OURS, THEIRS, Any, Any][..],
                &[0, 4, 5, 0, 0, 0][..],
            ),
            (
                &[OURS, OURS, THEIRS, THEIRS, WriteTurn::Of(GuildId(3))],
                &[0, 3, 0, 3, 0],
            ),
            (&[Any, Any, Any], &[0, 0, 0]),
            (&[Any, OURS, Last], &[0, 0, 0]),
            (&[OURS, OURS, OURS, Last, Any], &[0, 2, 3, 3, 0]),
            (&[OURS, OURS, Last, Last, OURS], &[0, 1, 1, 1, 4]),
        ] {
            let store = TestStore::open().await;
            assert_eq!(committed_before(&store, turns).await, before, "{turns:?}");
        }
    }

    #[tokio::test]
    async fn all_that_waits_is_refused_when_the_database_is_locked() {
        let store = TestStore::open().await;
        let mut lock = sqlite::open_again(&store.reader.path).await.unwrap();
        lock.execute("BEGIN IMMEDIATE").await.unwrap();
        let start = crate::clock::Stopwatch::start();
        let work = [OURS, OURS, OURS, WriteTurn::Last, WriteTurn::Any].map(|turn| {
            store
                .writer
                .queue::<(), StoreError>(turn, |tx| Box::pin(insert(tx, "refused")))
        });
        let done = futures_util::future::join_all(work).await;
        assert!(done.iter().all(Result::is_err), "{done:?}");
        let waited = start.elapsed();
        assert!(waited < 2 * sqlite::BUSY_TIMEOUT, "{waited:?}");
        assert_eq!(store.writer.failures(), 1);
        assert!(store.writer.is_failing());
        lock.execute("ROLLBACK").await.unwrap();
        store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "after")))
            .await
            .unwrap();
        assert_eq!(names(&store).await, ["after"]);
        assert!(!store.writer.is_failing());
    }

    #[tokio::test]
    async fn a_guild_that_asks_for_much_is_served_completely_and_behind_the_others() {
        let store = TestStore::open().await;
        let mut turns = vec![OURS; 300];
        turns.push(THEIRS);
        let before = committed_before(&store, &turns).await;
        // It arrives last: the first group may have begun by then.
        assert!(before.last() <= Some(&1), "{before:?}");
        // They do not all arrive in their order.
        let mut in_turn = before.get(1..300).unwrap().to_vec();
        in_turn.sort_unstable();
        // Each is in a group of its own, one of them perhaps with the work of the other guild.
        assert!(in_turn.windows(2).all(|two| two[0] < two[1]), "{before:?}");
        assert_eq!(in_turn.last(), Some(&300), "{before:?}");
    }

    #[tokio::test]
    async fn closing_finishes_the_work_that_waits_for_its_turn() {
        let store = TestStore::open().await;
        let work = (0..5).map(|number| {
            let name = number.to_string();
            store
                .writer
                .transact_for::<_, StoreError>(GuildId(1), move |tx| {
                    Box::pin(async move { insert(tx, &name).await })
                })
        });
        let (done, ()) = tokio::join!(futures_util::future::join_all(work), store.writer.close());
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }

    #[tokio::test]
    async fn a_closed_writer_refuses_work() {
        let store = TestStore::open().await;
        store.writer.close().await;
        let late = store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(insert(tx, "late")))
            .await;
        assert!(matches!(late, Err(StoreError::Closed)));
    }
}
