//! A real database in a temporary folder, for tests.

use futures_util::future::BoxFuture;
use sqlx::FromRow;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::domain::status::transition::OutageEnd;
use crate::store::devices::device::UnsavedDevice;
use crate::store::endpoints::endpoint::{self, Description};
use crate::store::incidents::incident::{Counts, Outage};
use crate::store::monitors::status::{self, NewStatus};
use crate::store::notifications::alert_settings;

/// A device to add, online and without a type or a slug.
pub fn new_device<'a>(guild: GuildId, uuid: &'a DeviceUuid, name: &'a str) -> UnsavedDevice<'a> {
    UnsavedDevice {
        guild,
        uuid,
        name,
        device_type: None,
        slug: None,
        threshold: None,
        status: Status::Online,
    }
}

/// A store whose files are deleted when it is dropped.
pub struct TestStore {
    store: Store,
    folder: tempfile::TempDir,
}

impl std::ops::Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/rollcall.db", folder.path().display()))
            .await
            .unwrap();
        Self { store, folder }
    }

    /// The database URL, for a second process to open.
    pub fn url(&self) -> String {
        url_in(&self.folder)
    }

    /// Sets the status of a monitor and nothing that follows from it.
    pub async fn set_status(&self, id: MonitorId, from: Status, to: Status, since: Timestamp) {
        let status = NewStatus {
            id,
            from,
            to,
            since,
        };
        self.write(move |tx| Box::pin(async move { status::set(tx, &[status]).await }))
            .await;
    }

    /// Writes and waits for the commit.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<T, StoreError>>
        + Send
        + 'static,
    ) -> T {
        self.writer.transact(work).await.unwrap()
    }

    /// Adds an endpoint to a guild, named after its target.
    pub async fn add_endpoint(&self, guild: GuildId, target: &str) -> MonitorId {
        let description = Description {
            name: target.to_owned(),
            target: target.parse().unwrap(),
            http_check: None,
            interval: None,
        };
        let now = Timestamp::from_millis(0);
        self.write(move |tx| {
            Box::pin(async move { endpoint::insert(tx, guild, &description, now).await })
        })
        .await
        .unwrap()
    }

    /// Sets an alert channel for a guild.
    pub async fn add_channel(&self, guild: GuildId) {
        self.write(move |tx| Box::pin(alert_settings::set(tx, guild, ChannelId(5), None)))
            .await;
    }

    /// Runs a change of the test.
    pub async fn execute(&self, sql: &'static str) {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(sql).execute(&mut *tx.connection).await?;
                Ok(())
            })
        })
        .await;
    }

    /// Runs several statements of the test.
    pub async fn execute_all(&self, sql: &'static str) {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::raw_sql(sql).execute(&mut *tx.connection).await?;
                Ok(())
            })
        })
        .await;
    }

    /// The incidents that wait to be delivered to a channel, oldest first.
    pub async fn pending_incidents(&self) -> Vec<IncidentId> {
        let rows: Vec<(i64,)> = self
            .rows(
                "SELECT d.incident_id FROM deliveries d JOIN destinations t ON t.id = d.destination_id
                 WHERE t.kind = 'channel' AND d.delivered_revision < d.wanted_revision ORDER BY d.incident_id",
            )
            .await;
        rows.into_iter().map(|(id,)| IncidentId(id)).collect()
    }

    /// Runs a query of the test.
    pub async fn rows<R: for<'row> FromRow<'row, SqliteRow> + Send + Unpin>(
        &self,
        sql: &'static str,
    ) -> Vec<R> {
        sqlx::query_as(sql)
            .fetch_all(&self.reader.pool)
            .await
            .unwrap()
    }
}

fn url_in(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}/rollcall.db", folder.path().display())
}

/// The counts of an incident whose outages are all named.
pub fn counts_of(outages: &[Outage]) -> Counts {
    let count =
        |applies: fn(&Outage) -> bool| outages.iter().filter(|one| applies(one)).count() as u64;
    let is_recovery =
        |outage: &Outage| outage.ended.map(|(_, end)| end) == Some(OutageEnd::Recovered);
    Counts {
        monitors: outages.len() as u64,
        open: count(|outage| outage.ended.is_none()),
        flapping: count(|outage| outage.is_flapping),
        flapping_open: count(|outage| outage.is_flapping && outage.ended.is_none()),
        recovered: outages.iter().filter(|outage| is_recovery(outage)).count() as u64,
        continued: count(|outage| outage.continued_by.is_some()),
        limits: count(|outage| outage.reason.is_limit()),
    }
}
