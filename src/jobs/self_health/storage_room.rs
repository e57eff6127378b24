//! Measures the database, so that the writer knows what it may still store; see `StorageRoom`.

use std::time::Duration;

use tokio::sync::watch;

use crate::jobs::JobContext;
use crate::store::{StorageRoom, StoreError};

/// Time between measurements: a few megabytes of reports at most.
const EVERY: Duration = Duration::from_secs(5);

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = measure(&context).await {
            tracing::warn!(%error, "cannot measure the database");
        }
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn measure(context: &JobContext) -> Result<(), StoreError> {
    let (bytes, max_bytes) = (
        context.store.reader.used_bytes().await?,
        context.database_max_bytes,
    );
    let room = StorageRoom::of(bytes, max_bytes);
    if context.store.room.set(room) == room {
        return Ok(());
    }
    match room {
        StorageRoom::Enough => {
            tracing::info!(
                bytes,
                max_bytes,
                "database has room again, storing everything"
            );
        }
        StorageRoom::Little => tracing::error!(
            bytes,
            max_bytes,
            "database is nearly full, no longer storing reports and device logs"
        ),
        StorageRoom::None => tracing::error!(
            bytes,
            max_bytes,
            "database is full, no longer storing reports, device logs and check results"
        ),
    }
    Ok(())
}
