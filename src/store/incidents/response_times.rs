//! When people learned of the incidents of a range, and when they acknowledged them.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::summary::IncidentResponse;
use crate::store::{Reader, StoreError};

/// The incidents about outages of a guild that were opened in a range.
pub async fn of_range(
    reader: &Reader,
    guild: GuildId,
    range: HistoryRange,
) -> Result<Vec<IncidentResponse>, StoreError> {
    let rows: Vec<(i64, Option<i64>)> = sqlx::query_as(
        "SELECT created_at, acknowledged_at FROM incidents
         WHERE guild_id = $1 AND kind = 'incident' AND created_at >= $2 AND created_at < $3",
    )
    .bind(guild.to_row())
    .bind(range.from.millis())
    .bind(range.to.millis())
    .fetch_all(&reader.pool)
    .await?;
    let response = |(created_at, acknowledged_at): (i64, Option<i64>)| IncidentResponse {
        created_at: Timestamp::from_millis(created_at),
        acknowledged_at: acknowledged_at.map(Timestamp::from_millis),
    };
    Ok(rows.into_iter().map(response).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn incidents_count_in_the_range_in_which_they_were_opened() {
        let store = TestStore::open().await;
        store
            .execute(
                "INSERT INTO incidents (guild_id, scope, kind, opened_at, created_at, joined_at, acknowledged_at) VALUES
                     (1, '', 'incident', 1, 9, 9, NULL), (1, '', 'incident', 1, 10, 10, 15), (1, '', 'incident', 1, 19, 19, NULL),
                     (1, '', 'incident', 1, 20, 20, NULL), (1, '', 'summary', 1, 12, 12, NULL), (2, '', 'incident', 1, 12, 12, 13)",
            )
            .await;
        let at = Timestamp::from_millis;
        let range = HistoryRange {
            from: at(10),
            to: at(20),
        };
        let mut found = of_range(&store.reader, GuildId(1), range).await.unwrap();
        found.sort_by_key(|one| one.created_at);
        let expected =
            [(10, Some(15)), (19, None)].map(|(created, acknowledged)| IncidentResponse {
                created_at: at(created),
                acknowledged_at: acknowledged.map(at),
            });
        assert_eq!(found, expected);
    }
}
