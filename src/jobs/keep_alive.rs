//! The keep-alive: refreshes the presence, and leaves a line that shows that the bot lives and how well it hears Discord.

use super::{Context, presence};
use crate::store::StoreError;

pub(super) const NAME: &str = "keep_alive";

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let presence = presence::now(context).await?;
    context.presence.send_modify(|shown| {
        shown.presence = presence;
        // Also where nothing has changed: Discord may have lost it.
        shown.refreshes += 1;
    });
    let vitals = &context.vitals;
    let quiet = vitals.quiet_for();
    let latency = vitals.latency().map_or_else(
        || "n/a".to_owned(),
        |latency| format!("{}ms", latency.as_millis()),
    );
    let line = format!(
        "Latency: {latency}, Guilds: {}, Last activity: {}s ago",
        vitals.guilds(),
        quiet.as_secs()
    );
    tracing::debug!("Keep-alive ping - {line}");
    if quiet >= context.gateway.inactivity_warning && vitals.quiet_is_news() {
        tracing::warn!("No activity for {:.1} minutes", quiet.as_secs_f64() / 60.0);
    }
    Ok(format!("gateway {}, {line}", vitals.gateway().word()))
}
