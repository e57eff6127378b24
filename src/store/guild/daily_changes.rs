//! What people and API keys changed in each guild today. The audit log keeps every record of it, so the number of changes is
//! limited instead.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::store::{StoreError, Tx};

/// Changes of a guild on one day (UTC): twice the monitors that it may have, so that all can be replaced in one day.
pub const MOST: u32 = 20_000;

const DAY: i64 = 24 * 3600 * 1000;

/// Counts changes of a guild.
///
/// # Errors
/// `TooManyChanges` if there are more than it may make today. The transaction must then be rolled back.
pub async fn add(
    tx: &mut Tx<'_>,
    guild: GuildId,
    changes: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let total: u32 = sqlx::query_scalar(
        "INSERT INTO daily_changes (guild_id, day, changes) VALUES ($1, $2, $3)
         ON CONFLICT (guild_id) DO UPDATE SET
             changes = CASE WHEN day = excluded.day THEN changes + excluded.changes ELSE excluded.changes END,
             day = excluded.day
         RETURNING changes",
    )
    .bind(guild.to_row())
    .bind(now.millis().div_euclid(DAY))
    .bind(changes)
    .fetch_one(&mut *tx.connection)
    .await?;
    match total > MOST {
        true => Err(too_many(now)),
        false => Ok(()),
    }
}

/// Checks that a guild may make this many changes now.
///
/// # Errors
/// `TooManyChanges` if it may not.
pub async fn require(
    tx: &mut Tx<'_>,
    guild: GuildId,
    changes: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let today: Option<u32> =
        sqlx::query_scalar("SELECT changes FROM daily_changes WHERE guild_id = $1 AND day = $2")
            .bind(guild.to_row())
            .bind(now.millis().div_euclid(DAY))
            .fetch_optional(&mut *tx.connection)
            .await?;
    match today.unwrap_or(0) + changes > MOST {
        true => Err(too_many(now)),
        false => Ok(()),
    }
}

fn too_many(now: Timestamp) -> StoreError {
    let left = DAY - now.millis().rem_euclid(DAY);
    StoreError::TooManyChanges {
        limit: MOST,
        // Less than a day.
        retry_after_seconds: u32::try_from(left / 1000 + 1).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const MORNING: Timestamp = Timestamp::from_millis(100 * DAY + 6 * 3_600_000);

    async fn changes(store: &TestStore, guild: u64, count: u32, now: Timestamp) -> Option<u32> {
        let added = store
            .writer
            .transact::<_, StoreError>(move |tx| {
                Box::pin(async move {
                    require(tx, GuildId(guild), count, now).await?;
                    add(tx, GuildId(guild), count, now).await
                })
            })
            .await;
        match added {
            Ok(()) => None,
            Err(StoreError::TooManyChanges {
                retry_after_seconds,
                ..
            }) => Some(retry_after_seconds),
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn a_guild_may_make_20000_changes_a_day() {
        let store = TestStore::open().await;
        let next_day = Timestamp::from_millis(101 * DAY);
        let before = Timestamp::from_millis(101 * DAY - 1);
        for (guild, count, now, refused) in [
            (1, MOST - 1, MORNING, None),
            (1, 2, MORNING, Some(18 * 3600 + 1)),
            (1, 1, MORNING, None),
            (1, 1, before, Some(1)),
            (2, 1, before, None),
            (1, MOST, next_day, None),
            (1, 1, next_day, Some(24 * 3600 + 1)),
        ] {
            assert_eq!(
                changes(&store, guild, count, now).await,
                refused,
                "{guild} {count}"
            );
        }
    }

    #[tokio::test]
    async fn counting_refuses_by_itself() {
        let store = TestStore::open().await;
        let refused = store
            .writer
            .transact::<_, StoreError>(|tx| {
                Box::pin(async move { add(tx, GuildId(1), MOST + 1, MORNING).await })
            })
            .await;
        assert!(matches!(refused, Err(StoreError::TooManyChanges { .. })));
        assert_eq!(
            changes(&store, 1, MOST, MORNING).await,
            None,
            "nothing was counted"
        );
    }
}
