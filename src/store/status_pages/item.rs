//! The items of status pages: monitors under public names. Callers have found the page by its guild, or by its public slug.

use sqlx::FromRow;

use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::domain::status_pages::{NewPageItem, StatusPageId};
use crate::store::devices::device::status_of;
use crate::store::status_pages::page::StatusPage;
use crate::store::{Effect, Reader, StoreError, Tx};

/// An item of a page, with how its monitor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageItem {
    pub monitor: MonitorId,
    /// In addresses of badges.
    pub key: String,
    /// The public name.
    pub name: String,
    /// The heading above it; `None`: it has none.
    pub group: Option<String>,
    pub state: ItemState,
}

/// How the monitor of an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    Present {
        status: Status,
        since: Timestamp,
        /// When the maintenance began that it is in; `None`: it is in none.
        maintenance_since: Option<Timestamp>,
    },
    /// `None`: its history has been deleted, too.
    Removed(Option<Timestamp>),
}

#[derive(FromRow)]
struct Row {
    monitor_id: i64,
    key: String,
    name: String,
    group_name: Option<String>,
    status: Option<String>,
    since: Option<i64>,
    maintenance_since: Option<i64>,
    removed_at: Option<i64>,
}

impl Row {
    fn item(self) -> Result<PageItem, StoreError> {
        let state = match self.status.as_deref().zip(self.since) {
            Some((status, since)) => ItemState::Present {
                status: status_of(status)?,
                since: Timestamp::from_millis(since),
                maintenance_since: self.maintenance_since.map(Timestamp::from_millis),
            },
            None => ItemState::Removed(self.removed_at.map(Timestamp::from_millis)),
        };
        Ok(PageItem {
            monitor: MonitorId(self.monitor_id),
            key: self.key,
            name: self.name,
            group: self.group_name,
            state,
        })
    }
}

/// The items of a page, in their order. A monitor that its guild no longer has counts as removed.
pub async fn list(reader: &Reader, page: &StatusPage) -> Result<Vec<PageItem>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT i.monitor_id, i.key, i.name, i.group_name, m.status, m.since, r.removed_at,
             (SELECT MAX(s.began_at) FROM maintenance_spans s WHERE s.monitor_id = m.id AND s.ended_at IS NULL) AS maintenance_since
         FROM status_page_items i
         LEFT JOIN monitors m ON m.id = i.monitor_id AND m.guild_id = $2
         LEFT JOIN removed_monitors r ON r.id = i.monitor_id AND r.guild_id = $2
         WHERE i.page_id = $1 ORDER BY i.position, i.id",
    )
    .bind(page.id.0)
    .bind(page.guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    rows.into_iter().map(Row::item).collect()
}

/// The keys of the items of a page.
pub async fn keys(tx: &mut Tx<'_>, page: StatusPageId) -> Result<Vec<String>, StoreError> {
    let keys = sqlx::query_scalar("SELECT key FROM status_page_items WHERE page_id = $1")
        .bind(page.0)
        .fetch_all(&mut *tx.connection)
        .await?;
    Ok(keys)
}

/// Whether a page has an item for a monitor.
pub async fn has(
    tx: &mut Tx<'_>,
    page: StatusPageId,
    monitor: MonitorId,
) -> Result<bool, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM status_page_items WHERE page_id = $1 AND monitor_id = $2",
    )
    .bind(page.0)
    .bind(monitor.0)
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(count > 0)
}

/// Adds an item after the others. No item of the page has its key or its monitor.
pub async fn insert(
    tx: &mut Tx<'_>,
    page: StatusPageId,
    item: &NewPageItem,
    key: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO status_page_items (page_id, monitor_id, key, name, group_name, position)
         VALUES ($1, $2, $3, $4, $5, (SELECT COALESCE(MAX(position), 0) + 1 FROM status_page_items WHERE page_id = $1))",
    )
    .bind(page.0)
    .bind(item.monitor.0)
    .bind(key)
    .bind(&item.name)
    .bind(&item.group)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Removes the item with this key or this public name from a page.
pub async fn remove(
    tx: &mut Tx<'_>,
    page: StatusPageId,
    named: &str,
) -> Result<Effect, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM status_page_items WHERE page_id = $1 AND id = (
             SELECT i.id FROM status_page_items i WHERE i.page_id = $1 AND (i.key = $2 OR i.name = $2)
             ORDER BY i.key = $2 DESC, i.position LIMIT 1)",
    )
    .bind(page.0)
    .bind(named)
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&deleted))
}
