//! The bot's own health: is the connection to Discord ready, and if not, for how long and how many checks in a row.

use super::Context;
use crate::domain::text;
use crate::store::StoreError;

pub(super) const NAME: &str = "bot_health";

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let health = &context.health;
    let failed = health.record_gateway_check();
    if failed == 0 {
        return Ok(format!("gateway {}", health.gateway().word()));
    }
    let away = health.gateway_away_for().unwrap_or_default();
    let message = format!(
        "Bot health: not connected to Discord for {}, {} failed in a row",
        text::duration(away),
        text::count(failed.into(), "check")
    );
    if away >= context.gateway.offline_warning {
        tracing::warn!("{message}");
    } else if failed > 1 {
        tracing::info!("{message}");
    } else {
        // Every start begins like this, and most drops are over by the next check.
        tracing::debug!("{message}");
    }
    Ok(message)
}
