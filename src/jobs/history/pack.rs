//! Packs the log of checks and the runs of devices once an hour, and puts it into the archive once a day.

use std::time::Duration;

use crate::actions::history::span_limit::{self, MOST_SPANS};
use crate::actions::history::{archive, pack, pack_runs};
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "pack";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(3600);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let packed = pack::pack(&context.store).await?;
    let runs = pack_runs::pack_runs(&context.store).await?;
    let archived = archive::archive(&context.store, context.checks.clock.now()).await?;
    span_limit::enforce(&context.store, MOST_SPANS).await?;
    let archived = match archived {
        Some(monitors) => format!(", archived those of {monitors} monitors"),
        None => String::new(),
    };
    Ok(format!("packed {packed} checks and {runs} runs{archived}"))
}
