//! Notifies systemd's watchdog while our own loops run: systemd is to restart a process that runs but does nothing. An outage of
//! Discord or of the database is reported elsewhere, because a restart does not end it.

use std::time::Duration;

use tokio::sync::watch;

use super::presence;
use crate::jobs::JobContext;
use crate::notify::service_manager::{self, AliveReports};

/// How long a notification waits for its text, which comes from the database.
const TEXT_WITHIN: Duration = Duration::from_secs(2);

/// Time between two questions while a loop has stalled.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Runs until `stop` turns true; ends at once without a watchdog.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    let Some(limit) = service_manager::watchdog() else {
        return;
    };
    let mut reports = AliveReports::default();
    loop {
        let runs = context.health.stalled_loops().is_empty();
        if runs {
            reports.send(status(&context).await);
        }
        let pause = match runs {
            // Twice per watchdog interval, as systemd recommends.
            true => limit / 2,
            // After a freeze, the loops may need a moment.
            false => ASK_AGAIN.min(limit / 2),
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The line that `systemctl status` shows.
async fn status(context: &JobContext) -> String {
    let gateway = context.health.gateway().as_str();
    match tokio::time::timeout(TEXT_WITHIN, presence::now(context)).await {
        Ok(Ok(presence)) => format!("{} · Discord {gateway}", presence.text),
        Ok(Err(_)) | Err(_) => format!("database not responding · Discord {gateway}"),
    }
}
