//! Where each guild wants to be told.

use super::{Reader, StoreError, Tx, destination};
use crate::domain::Instant;
use crate::domain::monitor::GuildId;

/// Where a guild wants to be told, and whether that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    pub channel: u64,
    /// Mentioned when a card opens.
    pub role: Option<u64>,
    /// Why the channel cannot be written to, and since when.
    pub broken: Option<(String, Instant)>,
}

type Row = (i64, Option<i64>, Option<String>, Option<i64>);

fn read((channel, role, reason, at): Row) -> AlertSettings {
    AlertSettings {
        channel: GuildId::from_row(channel).0,
        role: role.map(|role| GuildId::from_row(role).0),
        broken: reason.zip(at.map(Instant::from_millis)),
    }
}

/// Discord's ids in a signed column, as those of guilds.
fn to_row(id: u64) -> i64 {
    GuildId(id).to_row()
}

/// A guild's settings; `None` where it wants to hear nothing.
pub async fn get(reader: &Reader, guild: GuildId) -> Result<Option<AlertSettings>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT channel_id, role_id, broken_reason, broken_at FROM alert_settings WHERE guild_id = $1",
    )
    .bind(guild.to_row())
    .fetch_optional(&reader.pool)
    .await?;
    Ok(row.map(read))
}

/// Sets where a guild is told; what was broken counts as mended.
pub async fn set(
    tx: &mut Tx<'_>,
    guild: GuildId,
    (channel, role): (u64, Option<u64>),
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO alert_settings (guild_id, channel_id, role_id) VALUES ($1, $2, $3)
         ON CONFLICT (guild_id) DO UPDATE SET channel_id = excluded.channel_id, role_id = excluded.role_id,
             broken_reason = NULL, broken_at = NULL",
    )
    .bind(guild.to_row())
    .bind(to_row(channel))
    .bind(role.map(to_row))
    .execute(&mut *tx.connection)
    .await?;
    destination::forget(tx, guild);
    Ok(())
}

/// A guild wants to hear nothing any more; `false` where it did not before.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId) -> Result<bool, StoreError> {
    let gone = sqlx::query("DELETE FROM alert_settings WHERE guild_id = $1")
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    destination::forget(tx, guild);
    Ok(gone.rows_affected() > 0)
}

/// Notes that a guild's channel cannot be written to; `false` where that was known.
pub async fn broke(
    tx: &mut Tx<'_>,
    guild: GuildId,
    (channel, reason): (u64, &str),
    now: Instant,
) -> Result<bool, StoreError> {
    let changed = sqlx::query(
        "UPDATE alert_settings SET broken_reason = $3, broken_at = $4
         WHERE guild_id = $1 AND channel_id = $2 AND broken_reason IS NULL",
    )
    .bind(guild.to_row())
    .bind(to_row(channel))
    .bind(reason)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(changed.rows_affected() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_broken_channel_is_noted_once_and_mended_by_setting_it_again() {
        let store = TestStore::open().await;
        let (guild, now) = (GuildId(u64::MAX), Instant::from_millis(7));
        let noted = store
            .write(move |tx| {
                Box::pin(async move {
                    assert!(destination::of(tx, guild).await?.is_empty());
                    set(tx, guild, (5, Some(6))).await?;
                    assert!(destination::of(tx, guild).await?.has_channel);
                    Ok([
                        broke(tx, guild, (9, "elsewhere"), now).await?,
                        broke(tx, guild, (5, "gone"), now).await?,
                        broke(tx, guild, (5, "gone"), now).await?,
                    ])
                })
            })
            .await;
        assert_eq!(noted, [false, true, false]);
        let known = get(&store.reader, guild).await.unwrap().unwrap();
        assert_eq!(known.broken, Some(("gone".to_owned(), now)));
        store
            .write(move |tx| Box::pin(set(tx, guild, (5, None))))
            .await;
        let known = get(&store.reader, guild).await.unwrap().unwrap();
        assert_eq!((known.channel, known.role, known.broken), (5, None, None));
        let gone = store
            .write(move |tx| {
                Box::pin(async move {
                    Ok((
                        remove(tx, guild).await?,
                        destination::of(tx, guild).await?.is_empty(),
                    ))
                })
            })
            .await;
        assert_eq!(gone, (true, true));
        assert_eq!(get(&store.reader, GuildId(2)).await.unwrap(), None);
    }
}
