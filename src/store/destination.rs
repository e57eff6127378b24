//! Destinations of a guild's notifications: its channel and its webhooks. Every outage needs them, so the writer caches
//! them.

use super::{StoreError, Tx, alert_settings};
use crate::domain::monitor::GuildId;
use crate::domain::webhook::WebhookId;

/// The destinations of a guild's notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destinations {
    pub has_channel: bool,
    /// Whether overdue servers that are not offline yet cause notifications.
    pub notify_on_warning: bool,
    /// Webhooks that are not disabled.
    pub webhooks: Vec<WebhookId>,
}

impl Destinations {
    /// Whether there is no destination.
    pub fn is_empty(&self) -> bool {
        !self.has_channel && self.webhooks.is_empty()
    }
}

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
        notify_on_warning: settings.is_none_or(|settings| settings.preferences.notify_on_warning),
        webhooks: webhooks.into_iter().map(WebhookId).collect(),
    };
    tx.cache.destinations.insert(guild, found.clone());
    Ok(found)
}

/// Removes a guild from the cache; every change of a channel or a webhook calls it.
pub(super) fn forget(tx: &mut Tx<'_>, guild: GuildId) {
    tx.cache.destinations.remove(&guild);
}
