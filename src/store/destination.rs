//! Who is to be told in a guild: its channel, and its webhooks. Asked at every outage, so the writer remembers it.

use super::{StoreError, Tx, alert_settings};
use crate::domain::monitor::GuildId;
use crate::domain::webhook::WebhookId;

/// Where the incidents of a guild are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destinations {
    pub has_channel: bool,
    /// Whether servers are told of that are silent and not offline yet.
    pub notify_on_warning: bool,
    /// Those that are not switched off.
    pub webhooks: Vec<WebhookId>,
}

impl Destinations {
    /// Whether there is nobody to tell.
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

/// Whatever changes a channel or a webhook says so.
pub(super) fn forget(tx: &mut Tx<'_>, guild: GuildId) {
    tx.cache.destinations.remove(&guild);
}
