//! The bot's own health: is the connection to Discord ready, and if not, for how long and how many checks in a row.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Context;
use crate::domain::text;
use crate::store::StoreError;
use crate::vitals::Gateway;

pub(super) const NAME: &str = "bot_health";

/// Checks in a row that found the connection not ready. One process has one connection, so one count does.
static FAILED_IN_A_ROW: AtomicU32 = AtomicU32::new(0);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let stage = context.vitals.gateway();
    if stage != Gateway::Connecting {
        FAILED_IN_A_ROW.store(0, Ordering::Relaxed);
        return Ok(format!("gateway {}", stage.word()));
    }
    let failed = FAILED_IN_A_ROW.fetch_add(1, Ordering::Relaxed) + 1;
    let away = context.vitals.gateway_away_for().unwrap_or_default();
    let told = format!(
        "gateway not ready for {}, {failed} checks in a row",
        text::duration(away)
    );
    if away >= context.gateway.offline_warning {
        tracing::warn!(
            failed_checks = failed,
            away_seconds = away.as_secs(),
            "Bot health: {told}"
        );
    } else {
        tracing::info!(failed_checks = failed, "Bot health: {told}");
    }
    Ok(told)
}
