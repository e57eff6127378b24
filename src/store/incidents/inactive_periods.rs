//! When endpoints of a guild were inactive: their outages in a range, in short.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::inactive::figures::InactivePeriod;
use crate::domain::history::range::HistoryRange;
use crate::domain::status::transition::OutageEnd;
use crate::store::{Reader, StoreError};

#[derive(sqlx::FromRow)]
struct Row {
    started_at: i64,
    ended_at: Option<i64>,
    ended_by: Option<String>,
    reason: String,
}

/// At most `limit` of the outages of endpoints in a range, the latest first; those of removed endpoints are among them. Reads the
/// outages of the guild by their index.
pub async fn of_guild(
    reader: &Reader,
    guild: GuildId,
    range: HistoryRange,
    limit: u32,
) -> Result<Vec<InactivePeriod>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT started_at, ended_at, ended_by, reason FROM outages
         WHERE guild_id = $1 AND started_at < $3 AND COALESCE(ended_at, $3) > $2
             AND reason NOT IN ('missed_heartbeat', 'run_failed', 'overdue', 'limit_warning', 'limit_outage')
         ORDER BY id DESC LIMIT $4",
    )
    .bind(guild.to_row())
    .bind(range.from.millis())
    .bind(range.to.millis())
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    rows.into_iter().map(period).collect()
}

fn period(row: Row) -> Result<InactivePeriod, StoreError> {
    let damaged = |_| StoreError::Damaged("the reason of an outage".to_owned());
    let to = row.ended_at.map(Timestamp::from_millis);
    let is_recovered = row.ended_by.as_deref() == Some(OutageEnd::Recovered.as_str());
    Ok(InactivePeriod {
        from: Timestamp::from_millis(row.started_at),
        to,
        reason: row.reason.parse().map_err(damaged)?,
        // Outages from before ends were recorded have none.
        is_reactivated: to.is_some() && (is_recovered || row.ended_by.is_none()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn outages_of_endpoints_of_the_guild_are_found() {
        let store = TestStore::open().await;
        store
            .execute_all(
                "INSERT INTO outages (guild_id, monitor_id, started_at, ended_at, ended_by, reason) VALUES
                     (1, 1, 10, 20, 'recovered', 'refused'),
                     (1, 2, 15, 30, 'paused', 'timed_out'),
                     (1, 3, 25, NULL, NULL, 'tls_failed'),
                     (2, 4, 10, 20, 'recovered', 'refused'),
                     (1, 5, 10, 20, 'recovered', 'missed_heartbeat'),
                     (1, 6, 10, 20, 'recovered', 'run_failed'),
                     (1, 7, 10, 20, 'recovered', 'overdue'),
                     (1, 8, 10, 20, 'recovered', 'limit_warning'),
                     (1, 9, 10, 20, 'recovered', 'limit_outage'),
                     (1, 10, 1, 5, 'recovered', 'refused'),
                     (1, 11, 40, NULL, NULL, 'refused')",
            )
            .await;
        let range = HistoryRange {
            from: Timestamp::from_millis(5),
            to: Timestamp::from_millis(40),
        };
        let found = of_guild(&store.reader, GuildId(1), range, 10)
            .await
            .unwrap();
        let all: Vec<(i64, OutageReason, bool)> = found
            .iter()
            .map(|one| (one.from.millis(), one.reason, one.is_reactivated))
            .collect();
        use OutageReason::{Refused, TimedOut, TlsFailed};
        let expected = [
            (25, TlsFailed, false),
            (15, TimedOut, false),
            (10, Refused, true),
        ];
        assert_eq!(all, expected);
        assert_eq!(found[1].to, Some(Timestamp::from_millis(30)));
        let two = of_guild(&store.reader, GuildId(1), range, 2).await.unwrap();
        assert_eq!(two, found[..2]);
    }
}
