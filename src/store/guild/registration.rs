//! Guilds with their own commands registered at Discord, which keeps such commands until they are deleted.

use crate::domain::discord_id::GuildId;
use crate::store::{Reader, StoreError, Tx};

/// Records that a guild has, or is about to get, its own commands.
pub async fn remember(tx: &mut Tx<'_>, guild: GuildId) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO registrations (guild_id) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Records that a guild no longer has its own commands.
pub async fn forget(tx: &mut Tx<'_>, guild: GuildId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM registrations WHERE guild_id = $1")
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Every guild with its own commands, except `home`.
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
    async fn a_guild_is_stored_once_until_it_is_removed() {
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
