//! The first check of a new endpoint, for the person who added it.
//!
//! The scheduler runs it, within the limits that hold for every check. This only waits until its result is stored.

use std::time::Duration;

use crate::clock::Stopwatch;
use crate::domain::status::Status;
use crate::store::endpoints::endpoint::{self, Endpoint};
use crate::store::{Reader, StoreError};

/// The pause before the second read. Each later pause is twice as long: a check takes milliseconds, or seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause between two reads. The store signals every event of every guild, and many requesters may wait; so each
/// reads once a second instead of at every signal.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What is known about the first check of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstCheck {
    /// The endpoint with the result.
    Done(Box<Endpoint>),
    /// Not finished yet.
    Running,
    /// The endpoint was changed, paused or removed before.
    Canceled,
}

/// Waits up to `patience` for the first check of an endpoint that was added just now.
pub async fn wait(
    reader: &Reader,
    added: &Endpoint,
    patience: Duration,
) -> Result<FirstCheck, StoreError> {
    let deadline = Stopwatch::start().after(patience);
    let mut pause = FIRST_PAUSE;
    loop {
        let is_last = Stopwatch::start().after(Duration::ZERO) >= deadline;
        let found = endpoint::get(reader, added.guild_id, added.id).await?;
        let found = found.filter(|found| found.description == added.description);
        match found.filter(|found| found.state.status != Status::Paused) {
            None => return Ok(FirstCheck::Canceled),
            Some(found) if found.last_check_at.is_some() => {
                return Ok(FirstCheck::Done(Box::new(found)));
            }
            Some(_) if is_last => return Ok(FirstCheck::Running),
            Some(_) => {}
        }
        let next = Stopwatch::start().after(pause).min(deadline);
        tokio::time::sleep_until(next).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::endpoints::manage_endpoint;
    use crate::actions::testing::{HOME, at, down, member, up};
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;
    use crate::store::testing::TestStore;

    /// Longer than a test takes.
    const LONG: Duration = Duration::from_secs(60);

    async fn added(store: &TestStore) -> Endpoint {
        let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
        get(store, id).await
    }

    async fn get(store: &TestStore, id: MonitorId) -> Endpoint {
        let found = endpoint::get(&store.reader, HOME, id).await.unwrap();
        found.unwrap()
    }

    /// Stores what a check leaves behind.
    async fn checked(store: &TestStore) {
        let sql = "UPDATE monitor_state SET last_check_at = 1000, latency_us = 4000";
        store.execute(sql).await;
    }

    #[tokio::test]
    async fn a_result_that_is_stored_during_the_wait_ends_it() {
        let store = TestStore::open().await;
        let endpoint = added(&store).await;
        let (reader, waiting) = (store.reader.clone(), endpoint.clone());
        let wait = tokio::spawn(async move { wait(&reader, &waiting, LONG).await.unwrap() });
        up(&store, endpoint.id, 1).await;
        checked(&store).await;
        let FirstCheck::Done(found) = wait.await.unwrap() else {
            panic!("the wait ended without the result");
        };
        assert_eq!(found.state.status, Status::Online);
        assert_eq!(found.latency, Some(Duration::from_millis(4)));
    }

    #[tokio::test]
    async fn a_wait_ends_without_a_result_when_the_patience_ends() {
        let store = TestStore::open().await;
        let endpoint = added(&store).await;
        let stopwatch = Stopwatch::start();
        let patience = Duration::from_millis(50);
        let waited = wait(&store.reader, &endpoint, patience).await.unwrap();
        assert_eq!(waited, FirstCheck::Running);
        assert!(stopwatch.elapsed() >= patience);
    }

    #[tokio::test]
    async fn a_change_a_pause_and_a_removal_end_the_wait() {
        let store = TestStore::open().await;
        let renamed = added(&store).await;
        store.execute("UPDATE monitors SET name = 'other'").await;
        assert_canceled(&store, &renamed).await;

        let paused = get(&store, renamed.id).await;
        let done = manage_endpoint::pause(&store, member(), paused.id, at(1)).await;
        done.unwrap();
        assert_canceled(&store, &paused).await;

        let done = manage_endpoint::remove(&store, member(), paused.id, at(2)).await;
        done.unwrap();
        assert_canceled(&store, &paused).await;
    }

    async fn assert_canceled(store: &TestStore, endpoint: &Endpoint) {
        let waited = wait(&store.reader, endpoint, LONG).await.unwrap();
        assert_eq!(waited, FirstCheck::Canceled);
    }

    #[tokio::test]
    async fn the_endpoint_of_another_guild_is_not_read() {
        let store = TestStore::open().await;
        let endpoint = added(&store).await;
        down(&store, endpoint.id, 1).await;
        checked(&store).await;
        let foreign = Endpoint {
            guild_id: GuildId(2),
            ..endpoint
        };
        let waited = wait(&store.reader, &foreign, LONG).await.unwrap();
        assert_eq!(waited, FirstCheck::Canceled);
    }
}
