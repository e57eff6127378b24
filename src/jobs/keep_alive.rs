//! The keep-alive: refreshes the presence, and leaves a line that shows that the bot lives and how well it hears Discord.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Context, presence};
use crate::store::StoreError;

pub(super) const NAME: &str = "keep_alive";

/// Whether the current quiet spell has been told of. One process has one connection, so one flag does.
static QUIET_IS_TOLD: AtomicBool = AtomicBool::new(false);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let presence = presence::now(context).await?;
    // Also where nothing has changed: Discord may have lost it.
    context.presence.send_replace(presence);
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
    let is_quiet = quiet >= context.gateway.inactivity_warning;
    if is_quiet && !QUIET_IS_TOLD.swap(is_quiet, Ordering::Relaxed) {
        tracing::warn!("No activity for {:.1} minutes", quiet.as_secs_f64() / 60.0);
    }
    QUIET_IS_TOLD.store(is_quiet, Ordering::Relaxed);
    Ok(line)
}
