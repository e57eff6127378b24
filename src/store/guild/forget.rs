//! Deletes every row of a guild, in batches so that no writer waits long.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::store::history::removed_monitor;
use crate::store::monitors::monitor_state;
use crate::store::{Reader, StoreError, Tx};

/// Rows per batch; a batch takes a few milliseconds.
const BATCH: u32 = 1_000;

/// Rows of the log of checks that one batch reads. They are in the order of time, so those of a guild are anywhere in it.
const READ_AT_ONCE: i64 = 20_000;

/// A batch of each table, in this order: rows that others refer to come after those. `monitors` and the log of checks have
/// functions of their own.
const BEFORE_MONITORS: [&str; 23] = [
    "DELETE FROM deliveries WHERE id IN
         (SELECT d.id FROM destinations t JOIN deliveries d ON d.destination_id = t.id WHERE t.guild_id = $1 LIMIT $2)",
    "DELETE FROM destinations WHERE id IN (SELECT id FROM destinations WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM webhooks WHERE id IN (SELECT id FROM webhooks WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM alert_settings WHERE guild_id IN (SELECT guild_id FROM alert_settings WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM alert_overrides WHERE monitor_id IN (SELECT monitor_id FROM alert_overrides WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM outages WHERE id IN (SELECT id FROM outages WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE guild_id = $1 AND kind = 'incident' LIMIT $2)",
    "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE guild_id = $1 AND kind <> 'incident' LIMIT $2)",
    "DELETE FROM calendar_events WHERE id IN (SELECT id FROM calendar_events WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM silences WHERE id IN (SELECT id FROM silences WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM samples WHERE id IN
         (SELECT s.id FROM server_details m JOIN samples s ON s.monitor_id = m.monitor_id WHERE m.guild_id = $1 LIMIT $2)",
    "DELETE FROM server_limits WHERE id IN (SELECT id FROM server_limits WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM status_pages WHERE id IN (SELECT id FROM status_pages WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM objectives WHERE id IN (SELECT id FROM objectives WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM summary_schedules WHERE id IN (SELECT id FROM summary_schedules WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM device_logs WHERE id IN
         (SELECT l.id FROM device_details m JOIN device_logs l ON l.monitor_id = m.monitor_id WHERE m.guild_id = $1 LIMIT $2)",
    "DELETE FROM device_runs WHERE monitor_id IN
         (SELECT r.monitor_id FROM device_details m JOIN device_runs r ON r.monitor_id = m.monitor_id WHERE m.guild_id = $1 LIMIT $2)",
    "DELETE FROM host_additions WHERE id IN (SELECT id FROM host_additions WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM host_allowances WHERE guild_id IN (SELECT guild_id FROM host_allowances WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM registrations WHERE guild_id IN (SELECT guild_id FROM registrations WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM guild_settings WHERE guild_id IN (SELECT guild_id FROM guild_settings WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM device_states WHERE monitor_id IN
         (SELECT s.monitor_id FROM device_details m JOIN device_states s ON s.monitor_id = m.monitor_id WHERE m.guild_id = $1 LIMIT $2)",
];

/// The guild itself comes last: until then, a deletion that was interrupted is continued.
const AFTER_MONITORS: [&str; 4] = [
    "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM guild_usage WHERE guild_id IN (SELECT guild_id FROM guild_usage WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM daily_changes WHERE guild_id IN (SELECT guild_id FROM daily_changes WHERE guild_id = $1 LIMIT $2)",
    "DELETE FROM guilds WHERE guild_id IN (SELECT guild_id FROM guilds WHERE guild_id = $1 LIMIT $2)",
];

/// What the next batch deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionStep {
    Table(usize),
    /// The log of checks, from this row on.
    CheckResults {
        from: i64,
        end: i64,
    },
    Monitors,
    /// The history of the monitors that were removed, now or before.
    Histories,
    LastTable(usize),
    Done,
}

impl DeletionStep {
    /// The first step. A check that is recorded later is dropped, because nothing of the guild is checked.
    pub async fn first(reader: &Reader) -> Result<(Self, Self), StoreError> {
        let (from, end): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT COALESCE(MIN(id), 0) FROM check_results), (SELECT COALESCE(MAX(id), -1) + 1 FROM check_results)",
        )
        .fetch_one(&reader.pool)
        .await?;
        Ok((Self::Table(0), Self::CheckResults { from, end }))
    }
}

/// Deletes one batch, and returns the number of rows and the next step. `log`: the step that reads the log of checks.
pub async fn batch(
    tx: &mut Tx<'_>,
    guild: GuildId,
    step: DeletionStep,
    log: DeletionStep,
) -> Result<(u64, DeletionStep), StoreError> {
    match step {
        DeletionStep::Table(index) => match BEFORE_MONITORS.get(index) {
            Some(sql) => {
                let deleted = delete(tx, sql, guild).await?;
                let next = if deleted == 0 { index + 1 } else { index };
                Ok((deleted, DeletionStep::Table(next)))
            }
            None => Ok((0, log)),
        },
        DeletionStep::CheckResults { from, end } if from < end => {
            let next = from + READ_AT_ONCE;
            let deleted = check_results(tx, guild, from, next).await?;
            Ok((deleted, DeletionStep::CheckResults { from: next, end }))
        }
        DeletionStep::CheckResults { .. } => Ok((0, DeletionStep::Monitors)),
        DeletionStep::Monitors => match monitors(tx, guild).await? {
            0 => Ok((0, DeletionStep::Histories)),
            deleted => Ok((deleted, DeletionStep::Monitors)),
        },
        DeletionStep::Histories => match removed_monitor::forget_next(tx, guild).await? {
            0 => Ok((0, DeletionStep::LastTable(0))),
            deleted => Ok((deleted, DeletionStep::Histories)),
        },
        DeletionStep::LastTable(index) => match AFTER_MONITORS.get(index) {
            Some(sql) => {
                let deleted = delete(tx, sql, guild).await?;
                let next = if deleted == 0 { index + 1 } else { index };
                Ok((deleted, DeletionStep::LastTable(next)))
            }
            None => Ok((0, DeletionStep::Done)),
        },
        DeletionStep::Done => Ok((0, DeletionStep::Done)),
    }
}

async fn delete(tx: &mut Tx<'_>, sql: &'static str, guild: GuildId) -> Result<u64, StoreError> {
    let deleted = sqlx::query(sql)
        .bind(guild.to_row())
        .bind(BATCH)
        .execute(&mut *tx.connection)
        .await?;
    tx.cache.forget_destinations(guild);
    Ok(deleted.rows_affected())
}

async fn check_results(
    tx: &mut Tx<'_>,
    guild: GuildId,
    from: i64,
    end: i64,
) -> Result<u64, StoreError> {
    // The last row keeps its number, or it would be given again.
    sqlx::query(
        "UPDATE check_results SET monitor_id = 0 WHERE id = (SELECT MAX(id) FROM check_results)
         AND id >= $2 AND id < $3 AND monitor_id IN (SELECT monitor_id FROM endpoint_targets WHERE guild_id = $1)",
    )
    .bind(guild.to_row())
    .bind(from)
    .bind(end)
    .execute(&mut *tx.connection)
    .await?;
    let deleted = sqlx::query(
        "DELETE FROM check_results WHERE id >= $2 AND id < $3
         AND monitor_id IN (SELECT monitor_id FROM endpoint_targets WHERE guild_id = $1)",
    )
    .bind(guild.to_row())
    .bind(from)
    .bind(end)
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes monitors with what only they have.
async fn monitors(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM monitors WHERE guild_id = $1 LIMIT $2")
        .bind(guild.to_row())
        .bind(BATCH / 4)
        .fetch_all(&mut *tx.connection)
        .await?;
    for id in &ids {
        monitor_state::remove(tx, MonitorId(*id)).await?;
        // Its history is deleted later, because it may be long.
        removed_monitor::keep(tx, MonitorId(*id), Timestamp::default()).await?;
        sqlx::query("DELETE FROM monitors WHERE id = $1")
            .bind(id)
            .execute(&mut *tx.connection)
            .await?;
    }
    if !ids.is_empty() {
        tx.cache.clear();
    }
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    /// Tables without statements of their own: they have a function, or a row for each monitor or note that goes with it.
    const WITH_OTHERS: [&str; 7] = [
        "monitors",
        "endpoint_targets",
        "device_details",
        "server_details",
        "incident_notes",
        "removed_monitors",
        "maintenance_spans",
    ];

    #[tokio::test]
    async fn each_table_with_rows_of_a_guild_is_deleted_in_batches() {
        let store = TestStore::open().await;
        let tables: Vec<(String,)> = store
            .rows(
                "SELECT t.name FROM sqlite_master t JOIN pragma_table_info(t.name) c ON c.name = 'guild_id'
                 WHERE t.type = 'table' ORDER BY t.name",
            )
            .await;
        assert!(tables.len() > WITH_OTHERS.len());
        for (table,) in tables {
            let start = format!("DELETE FROM {table} ");
            let mut statements = BEFORE_MONITORS.iter().chain(&AFTER_MONITORS);
            let is_deleted = statements.any(|sql| sql.starts_with(&start));
            assert_ne!(is_deleted, WITH_OTHERS.contains(&table.as_str()), "{table}");
        }
    }
}
