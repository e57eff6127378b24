//! Hosts that guilds have added, for the limits of ports and new hosts.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::host_allowance::UsedHosts;
use crate::domain::endpoints::target::Host;
use crate::domain::monitor::MonitorId;
use crate::store::{Reader, StoreError, Tx};

/// The distinct ports of a host among the endpoints of a guild, without those of `except`.
pub async fn ports(
    tx: &mut Tx<'_>,
    guild: GuildId,
    host: &Host,
    except: Option<MonitorId>,
) -> Result<Vec<u16>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT port FROM endpoint_targets WHERE guild_id = $1 AND host = $2 AND monitor_id <> $3",
    )
    .bind(guild.to_row())
    .bind(host.to_string())
    .bind(except.map_or(0, |id| id.0))
    .fetch_all(&mut *tx.connection)
    .await?)
}

/// The distinct ports of a host among the endpoints of a guild, outside a transaction.
pub async fn known_ports(
    reader: &Reader,
    guild: GuildId,
    host: &Host,
) -> Result<Vec<u16>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT port FROM endpoint_targets WHERE guild_id = $1 AND host = $2",
    )
    .bind(guild.to_row())
    .bind(host.to_string())
    .fetch_all(&reader.pool)
    .await?)
}

/// How many new hosts a guild has added: ever among the first ones, and beyond them after `since`.
pub async fn used(
    tx: &mut Tx<'_>,
    guild: GuildId,
    since: Timestamp,
) -> Result<UsedHosts, StoreError> {
    let first: Option<i64> =
        sqlx::query_scalar("SELECT first_hosts FROM host_allowances WHERE guild_id = $1")
            .bind(guild.to_row())
            .fetch_optional(&mut *tx.connection)
            .await?;
    let hourly: i64 = sqlx::query_scalar(
        "SELECT COALESCE(SUM(hosts), 0) FROM host_additions WHERE guild_id = $1 AND at > $2",
    )
    .bind(guild.to_row())
    .bind(since.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(UsedHosts {
        first: first.unwrap_or(0).unsigned_abs(),
        hourly: hourly.unsigned_abs(),
    })
}

/// When the oldest of the hosts that were added after `since` was added.
pub async fn oldest(
    tx: &mut Tx<'_>,
    guild: GuildId,
    since: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> =
        sqlx::query_scalar("SELECT MIN(at) FROM host_additions WHERE guild_id = $1 AND at > $2")
            .bind(guild.to_row())
            .bind(since.millis())
            .fetch_one(&mut *tx.connection)
            .await?;
    Ok(at.map(Timestamp::from_millis))
}

/// Counts new hosts of a guild, and forgets those that are older than `period`.
pub async fn record(
    tx: &mut Tx<'_>,
    guild: GuildId,
    new: UsedHosts,
    now: Timestamp,
    period: Duration,
) -> Result<(), StoreError> {
    if new.first > 0 {
        sqlx::query(
            "INSERT INTO host_allowances (guild_id, first_hosts) VALUES ($1, $2)
             ON CONFLICT (guild_id) DO UPDATE SET first_hosts = first_hosts + $2",
        )
        .bind(guild.to_row())
        .bind(i64::try_from(new.first).unwrap_or(i64::MAX))
        .execute(&mut *tx.connection)
        .await?;
    }
    if new.hourly == 0 {
        return Ok(());
    }
    sqlx::query("DELETE FROM host_additions WHERE guild_id = $1 AND at <= $2")
        .bind(guild.to_row())
        .bind(now.minus(period).millis())
        .execute(&mut *tx.connection)
        .await?;
    sqlx::query("INSERT INTO host_additions (guild_id, at, hosts) VALUES ($1, $2, $3)")
        .bind(guild.to_row())
        .bind(now.millis())
        .bind(i64::try_from(new.hourly).unwrap_or(i64::MAX))
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoints::host_allowance::NEW_HOSTS_PERIOD;
    use crate::store::testing::TestStore;

    const START: Timestamp = Timestamp::from_millis(10_000_000);

    async fn add(store: &TestStore, guild: u64, hourly: u64, now: Timestamp) {
        let new = UsedHosts { first: 1, hourly };
        store
            .write(move |tx| {
                Box::pin(
                    async move { record(tx, GuildId(guild), new, now, NEW_HOSTS_PERIOD).await },
                )
            })
            .await;
    }

    async fn used_at(store: &TestStore, guild: u64, now: Timestamp) -> UsedHosts {
        let since = now.minus(NEW_HOSTS_PERIOD);
        store
            .write(move |tx| Box::pin(async move { used(tx, GuildId(guild), since).await }))
            .await
    }

    #[tokio::test]
    async fn additions_count_for_an_hour_and_the_first_hosts_forever() {
        let store = TestStore::open().await;
        add(&store, 1, 3, START).await;
        add(&store, 1, 4, START.plus(Duration::from_secs(60))).await;
        add(&store, 2, 9, START).await;
        let last = START.plus(NEW_HOSTS_PERIOD).minus(Duration::from_millis(1));
        let expected = |hourly| UsedHosts { first: 2, hourly };
        assert_eq!(used_at(&store, 1, last).await, expected(7));
        let after = START.plus(NEW_HOSTS_PERIOD);
        assert_eq!(used_at(&store, 1, after).await, expected(4));
        add(&store, 1, 1, after).await;
        let rows: Vec<(i64,)> = store
            .rows("SELECT hosts FROM host_additions WHERE guild_id = 1 ORDER BY id")
            .await;
        assert_eq!(rows, [(4,), (1,)]);
    }
}
