//! Moves the local monitors into a guild, with their history, their keys and their silences. No bot may run meanwhile, because it
//! knows the guild of each monitor.

use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorKind;
use crate::domain::monitor::name::{NameKey, NameScope};
use crate::store::monitors::monitor_name;
use crate::store::{StoreError, Tx};

/// Tables whose rows belong to a monitor, or tell its history.
const TABLES: [&str; 20] = [
    "UPDATE endpoint_targets SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE device_details SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE server_details SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE server_limits SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE samples SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE device_logs SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE outages SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE maintenance_spans SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE removed_monitors SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE status_pages SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE incidents SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE incident_notes SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE events SET guild_id = $1 WHERE guild_id = $2",
    // Keys for the whole local list would open everything that the guild has.
    "UPDATE api_keys SET guild_id = $1 WHERE guild_id = $2 AND monitor_id IS NOT NULL",
    "UPDATE alert_overrides SET guild_id = $1 WHERE guild_id = $2",
    "UPDATE host_additions SET guild_id = $1 WHERE guild_id = $2",
    // Those for a group or for every monitor would silence others there.
    "UPDATE silences SET guild_id = $1 WHERE guild_id = $2 AND scope = 'some'",
    // The monitors of a group join the group of that name in the guild, whose objective stays.
    "UPDATE objectives SET guild_id = $1 WHERE guild_id = $2 AND (monitor_id IS NOT NULL OR group_name NOT IN (
         SELECT o.group_name FROM objectives o WHERE o.guild_id = $1 AND o.group_name IS NOT NULL))",
    "DELETE FROM objectives WHERE guild_id = $2 AND group_name IN (SELECT o.group_name FROM objectives o WHERE o.guild_id = $1)",
    // Local webhooks stay, and must not hear of the guild.
    "DELETE FROM deliveries WHERE incident_id IN (SELECT id FROM incidents WHERE guild_id = $1)
         AND destination_id IN (SELECT id FROM destinations WHERE guild_id = $2)",
];

/// Endpoints with the same target, and devices with the same UUID or slug, that both the local list and a guild have: their
/// names, at most `limit`. A slug of two devices would name neither.
pub async fn in_both(
    tx: &mut Tx<'_>,
    guild: GuildId,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let names = sqlx::query_scalar(
        "SELECT m.name FROM endpoint_targets l
         JOIN endpoint_targets o ON o.guild_id = $1 AND o.target = l.target
         JOIN monitors m ON m.id = l.monitor_id WHERE l.guild_id = $2
         UNION ALL
         SELECT m.name FROM device_details l
         JOIN device_details o ON o.guild_id = $1 AND (o.uuid = l.uuid OR o.slug = l.slug)
         JOIN monitors m ON m.id = l.monitor_id WHERE l.guild_id = $2
         LIMIT $3",
    )
    .bind(guild.to_row())
    .bind(GuildId::LOCAL.to_row())
    .bind(limit)
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(names)
}

/// How many monitors of a kind a guild has.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId, kind: MonitorKind) -> Result<u64, StoreError> {
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM monitors WHERE guild_id = $1 AND kind = $2")
            .bind(guild.to_row())
            .bind(kind.as_str())
            .fetch_one(&mut *tx.connection)
            .await?;
    Ok(count.unsigned_abs())
}

/// A monitor that got another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenamedMonitor {
    pub before: String,
    pub now: String,
}

/// Moves everything. A monitor whose name is taken there gets the next free form of it.
pub async fn move_to(tx: &mut Tx<'_>, guild: GuildId) -> Result<Vec<RenamedMonitor>, StoreError> {
    let local = GuildId::LOCAL.to_row();
    let monitors: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT id, kind, name FROM monitors WHERE guild_id = $1 ORDER BY id")
            .bind(local)
            .fetch_all(&mut *tx.connection)
            .await?;
    let mut renamed = Vec::new();
    for (id, kind, before) in monitors {
        let kind = kind
            .parse::<MonitorKind>()
            .map_err(|_| StoreError::Damaged("the kind of a monitor".into()))?;
        let now = monitor_name::free_form(tx, NameScope { guild, kind }, &before).await?;
        take(tx, id, guild, &now).await?;
        if now != before {
            renamed.push(RenamedMonitor { before, now });
        }
    }
    for sql in TABLES {
        sqlx::query(sql)
            .bind(guild.to_row())
            .bind(local)
            .execute(&mut *tx.connection)
            .await?;
    }
    add_usage(tx, guild).await?;
    Ok(renamed)
}

/// One statement, because the name may be taken in one of the two guilds. It changes the name, so boards notice it.
async fn take(tx: &mut Tx<'_>, id: i64, guild: GuildId, name: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE monitors SET guild_id = $2, name = $3, name_key = $4 WHERE id = $1")
        .bind(id)
        .bind(guild.to_row())
        .bind(name)
        .bind(NameKey::of(name).as_str())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// The triggers count rows that are stored and deleted, and not those that change their guild.
async fn add_usage(tx: &mut Tx<'_>, guild: GuildId) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes)
         SELECT $1, kind, stored_rows, stored_bytes FROM guild_usage WHERE guild_id = $2
         ON CONFLICT (guild_id, kind) DO UPDATE
         SET stored_rows = stored_rows + excluded.stored_rows, stored_bytes = stored_bytes + excluded.stored_bytes",
    )
    .bind(guild.to_row())
    .bind(GuildId::LOCAL.to_row())
    .execute(&mut *tx.connection)
    .await?;
    for sql in [
        "DELETE FROM guild_usage WHERE guild_id = $1",
        "DELETE FROM host_allowances WHERE guild_id = $1",
    ] {
        sqlx::query(sql)
            .bind(GuildId::LOCAL.to_row())
            .execute(&mut *tx.connection)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn objectives_move_with_their_monitors_and_a_guild_keeps_its_own() {
        let store = TestStore::open().await;
        store
            .add_endpoint(GuildId::LOCAL, "tcp://192.0.2.1:80")
            .await;
        store
            .execute(
                "INSERT INTO objectives (guild_id, monitor_id, group_name, milli_percent, window_days, created_at) VALUES
                     (0, 1, NULL, 51000, 1, 0), (0, NULL, 'web', 52000, 1, 0), (0, NULL, 'db', 53000, 1, 0),
                     (7, NULL, 'web', 54000, 1, 0), (8, NULL, 'db', 55000, 1, 0)",
            )
            .await;
        store.write(|tx| Box::pin(move_to(tx, GuildId(7)))).await;
        let rows: Vec<(i64, i64)> = store
            .rows("SELECT guild_id, milli_percent FROM objectives ORDER BY milli_percent")
            .await;
        assert_eq!(rows, [(7, 51_000), (7, 53_000), (7, 54_000), (8, 55_000)]);
    }
}
