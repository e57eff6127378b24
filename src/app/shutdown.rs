//! Ends the process: waits for a signal, then drains all tasks.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::AppError;
use crate::discord;

/// Time for all tasks to end after the signal; tasks that take longer are abandoned.
const DRAIN: Duration = Duration::from_secs(8);

/// The two signals that request a shutdown.
pub(super) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, AppError> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| AppError::Other(format!("cannot listen for signals: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits until all tasks have ended.
pub(super) async fn drain(tasks: Vec<JoinHandle<()>>, discord: discord::Handle) {
    let all = async {
        discord.stopped().await;
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task failed during shutdown");
            }
        }
    };
    if tokio::time::timeout(DRAIN, all).await.is_err() {
        tracing::warn!(
            "shutdown timed out; unfinished work was aborted, committed changes are kept"
        );
    }
}
