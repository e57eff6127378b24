//! Destinations of a guild's notifications: its channel and its webhooks. Every outage needs them, so the writer caches
//! them.

use super::alert_settings;
use crate::domain::discord_id::GuildId;
use crate::domain::notifications::destinations::Destinations;
use crate::domain::notifications::webhook::WebhookId;
use crate::store::{StoreError, Tx};

/// The destinations of a guild, inside a transaction.
pub async fn of(tx: &mut Tx<'_>, guild: GuildId) -> Result<Destinations, StoreError> {
    if let Some(known) = tx.cache.destinations.get(&guild) {
        return Ok(known.clone());
    }
    let settings = alert_settings::find(tx, guild).await?;
    let webhooks: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM webhooks WHERE guild_id = $1 AND disabled_at IS NULL ORDER BY id",
    )
    .bind(guild.to_row())
    .fetch_all(&mut *tx.connection)
    .await?;
    let found = Destinations {
        has_channel: settings.is_some(),
        webhooks: webhooks.into_iter().map(WebhookId).collect(),
    };
    tx.cache.destinations.insert(guild, found.clone());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::{ChannelId, RoleId};
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_channel_that_is_set_or_removed_changes_the_cached_destinations() {
        let store = TestStore::open().await;
        let guild = GuildId(u64::MAX);
        let found = store
            .write(move |tx| {
                Box::pin(async move {
                    let before = of(tx, guild).await?;
                    alert_settings::set(tx, guild, ChannelId(5), Some(RoleId(6))).await?;
                    let with_channel = of(tx, guild).await?;
                    assert_eq!(
                        alert_settings::remove(tx, guild).await?,
                        crate::store::Effect::Changed
                    );
                    Ok([before, with_channel, of(tx, guild).await?])
                })
            })
            .await;
        assert_eq!(found.map(|one| one.has_channel), [false, true, false]);
    }
}
