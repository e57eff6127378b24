//! The first report of a new server, for the person who added it.

use std::time::Duration;

use crate::domain::discord_id::GuildId;
use crate::store::servers::first_reports::FirstReportWait;
use crate::store::servers::server;
use crate::store::{Reader, StoreError};

/// Waits up to `patience` for the first report of a server; whether the server exists and has reported.
///
/// # Errors
/// The store cannot be read afterward.
pub async fn wait(
    reader: &Reader,
    guild: GuildId,
    mut wait: FirstReportWait,
    patience: Duration,
) -> Result<bool, StoreError> {
    // What is stored decides, also after the patience has ended.
    let _ = tokio::time::timeout(patience, wait.ended()).await;
    let found = server::get(reader, guild, wait.server()).await?;
    Ok(found.is_some_and(|server| server.last_seen_at.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::servers::manage_server;
    use crate::actions::testing::{HOME, at, member};
    use crate::clock::Stopwatch;
    use crate::domain::monitor::MonitorId;
    use crate::store::testing::TestStore;

    /// Longer than a test takes.
    const LONG: Duration = Duration::from_secs(60);

    async fn added(store: &TestStore, name: &str) -> MonitorId {
        let added = manage_server::add(store, member(), name.into(), 10, at(0)).await;
        added.unwrap().0
    }

    async fn report(store: &TestStore, id: MonitorId) {
        let done = manage_server::report(store, member().monitor(id), "{}".into(), at(1)).await;
        done.unwrap();
    }

    #[tokio::test]
    async fn the_report_of_the_server_ends_the_wait_and_another_one_does_not() {
        let store = TestStore::open().await;
        let (id, other) = (added(&store, "db-1").await, added(&store, "db-2").await);
        let waiting = store.first_reports.wait_for(id);
        report(&store, other).await;
        let reader = store.reader.clone();
        let stopwatch = Stopwatch::start();
        let waited = tokio::spawn(async move { wait(&reader, HOME, waiting, LONG).await.unwrap() });
        report(&store, id).await;
        assert!(waited.await.unwrap());
        assert!(stopwatch.elapsed() < LONG);
    }

    #[tokio::test]
    async fn a_report_before_the_wait_is_awaited_is_not_missed() {
        let store = TestStore::open().await;
        let id = added(&store, "db-1").await;
        let waiting = store.first_reports.wait_for(id);
        report(&store, id).await;
        let stopwatch = Stopwatch::start();
        assert!(wait(&store.reader, HOME, waiting, LONG).await.unwrap());
        assert!(stopwatch.elapsed() < LONG);
    }

    #[tokio::test]
    async fn a_wait_ends_without_a_report_when_the_server_is_removed_or_the_patience_ends() {
        let store = TestStore::open().await;
        let id = added(&store, "db-1").await;
        let stopwatch = Stopwatch::start();
        let patience = Duration::from_millis(50);
        let waiting = store.first_reports.wait_for(id);
        assert!(!wait(&store.reader, HOME, waiting, patience).await.unwrap());
        assert!(stopwatch.elapsed() >= patience);
        let waiting = store.first_reports.wait_for(id);
        let removed = manage_server::remove(&store, member(), id, at(2)).await;
        removed.unwrap();
        assert!(!wait(&store.reader, HOME, waiting, LONG).await.unwrap());
        assert!(stopwatch.elapsed() < LONG);
    }

    #[tokio::test]
    async fn a_server_of_another_guild_has_not_reported() {
        let store = TestStore::open().await;
        let id = added(&store, "db-1").await;
        let waiting = store.first_reports.wait_for(id);
        report(&store, id).await;
        let waited = wait(&store.reader, GuildId(2), waiting, LONG).await;
        assert!(!waited.unwrap());
    }
}
