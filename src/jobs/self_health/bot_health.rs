//! Checks the connection to Discord and logs how long it has been down, and for how many health checks in a row.

use crate::domain::text;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "bot_health";

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let health = &context.health;
    let failed = health.record_gateway_check();
    if failed == 0 {
        return Ok(format!("gateway {}", health.gateway().as_str()));
    }
    let down_for = health.gateway_away_for().unwrap_or_default();
    let message = format!(
        "Bot health: not connected to Discord for {}, {} failed in a row",
        text::duration(down_for),
        text::count(failed.into(), "check")
    );
    if down_for >= context.gateway.offline_warning {
        tracing::warn!("{message}");
    } else if failed > 1 {
        tracing::info!("{message}");
    } else {
        // Normal after a start, and most disconnects are over by the next check.
        tracing::debug!("{message}");
    }
    Ok(message)
}
