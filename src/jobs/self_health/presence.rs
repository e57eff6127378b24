//! Updates the presence after every change to the monitors, regardless of its source.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::notifications::presence::{Presence, PresenceUpdate, presence};
use crate::jobs::JobContext;
use crate::store::StoreError;
use crate::store::monitors::monitor;

/// Changes within this time are shown together.
const TOGETHER: Duration = Duration::from_millis(500);

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    let mut bell = context.store.bell();
    loop {
        match now(&context).await {
            Ok(presence) => {
                let show = |shown: &mut PresenceUpdate| {
                    let differs = shown.presence != presence;
                    shown.presence.clone_from(&presence);
                    differs
                };
                context.presence.send_if_modified(show);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot count monitors for the presence");
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            rung = bell.changed() => if rung.is_err() { return },
        }
        tokio::time::sleep(TOGETHER).await;
    }
}

/// The presence for the current state of the monitors.
pub(in crate::jobs) async fn now(context: &JobContext) -> Result<Presence, StoreError> {
    let counts = monitor::counts_by_status(&context.store.reader, None).await?;
    Ok(presence(&counts, &context.gateway.presence_template))
}
