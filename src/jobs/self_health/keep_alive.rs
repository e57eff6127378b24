//! Refreshes the presence and logs the keep-alive line with latency and last activity.

use super::presence;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "keep_alive";

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let presence = presence::now(context).await?;
    context.presence.send_modify(|shown| {
        shown.presence = presence;
        // Also when nothing has changed: Discord may have lost the presence.
        shown.refreshes += 1;
    });
    let health = &context.health;
    let inactive = health.inactive_for();
    let latency = health.latency().map_or_else(
        || "n/a".to_owned(),
        |latency| format!("{}ms", latency.as_millis()),
    );
    let line = format!(
        "Latency: {latency}, Guilds: {}, Last activity: {}s ago",
        health.guilds(),
        inactive.as_secs()
    );
    tracing::debug!("Keep-alive ping - {line}");
    if inactive >= context.gateway.inactivity_warning && health.take_inactivity_warning() {
        tracing::warn!(
            "No activity for {:.1} minutes",
            inactive.as_secs_f64() / 60.0
        );
    }
    Ok(format!("gateway {}, {line}", health.gateway().as_str()))
}
