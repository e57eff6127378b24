//! Notifies systemd's watchdog while the scheduler makes progress: systemd is to restart a process that runs but checks
//! nothing.

use tokio::sync::watch;

use super::presence;
use crate::jobs::JobContext;
use crate::notify::service_manager;

/// Runs until `stop` turns true; ends at once without a watchdog.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    let Some(limit) = service_manager::watchdog() else {
        return;
    };
    loop {
        if context.health.scheduler_is_running() {
            service_manager::alive(&status(&context).await);
        }
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            // Twice per watchdog interval, as systemd recommends.
            () = tokio::time::sleep(limit / 2) => {}
        }
    }
}

/// The line that `systemctl status` shows.
async fn status(context: &JobContext) -> String {
    let gateway = context.health.gateway().as_str();
    match presence::now(context).await {
        Ok(presence) => format!("{} · Discord {gateway}", presence.text),
        Err(_) => format!("database not responding · Discord {gateway}"),
    }
}
