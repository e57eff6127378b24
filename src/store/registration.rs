//! The servers that have commands of their own with Discord, where they stay until they are taken back.

use super::{Reader, StoreError, Tx};
use crate::domain::monitor::GuildId;

/// Notes that a server has, or is about to get, commands of its own.
pub async fn remember(tx: &mut Tx<'_>, guild: GuildId) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO registrations (guild_id) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Notes that a server has none any more.
pub async fn forget(tx: &mut Tx<'_>, guild: GuildId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM registrations WHERE guild_id = $1")
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Every server that has some, beside `home`.
pub async fn others(reader: &Reader, home: Option<GuildId>) -> Result<Vec<GuildId>, StoreError> {
    let guilds: Vec<i64> =
        sqlx::query_scalar("SELECT guild_id FROM registrations WHERE guild_id IS NOT $1")
            .bind(home.map(GuildId::to_row))
            .fetch_all(&reader.pool)
            .await?;
    Ok(guilds.into_iter().map(GuildId::from_row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_server_is_remembered_once_until_it_is_forgotten() {
        let store = TestStore::open().await;
        let (one, two) = (GuildId(1), GuildId(2));
        store
            .write(move |tx| {
                Box::pin(async move {
                    remember(tx, one).await?;
                    remember(tx, two).await?;
                    remember(tx, one).await
                })
            })
            .await;
        let others = |home| others(&store.reader, home);
        assert_eq!(others(None).await.unwrap().len(), 2);
        assert_eq!(others(Some(one)).await.unwrap(), [two]);
        store
            .write(move |tx| Box::pin(async move { forget(tx, two).await }))
            .await;
        assert_eq!(others(Some(one)).await.unwrap(), []);
    }
}
