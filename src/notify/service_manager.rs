//! Messages to systemd over its socket (`Type=notify`): ready, alive, stopping. Without systemd nothing happens.

use std::thread::JoinHandle;
use std::time::Duration;

use sd_notify::NotifyState;

/// Reports that the start is complete.
pub fn ready() {
    send(&[NotifyState::Ready]);
}

/// Reports that the shutdown has started, without waiting for the service manager.
pub fn stopping() {
    std::thread::spawn(|| send(&[NotifyState::Stopping]));
}

/// Reports that Rollcall is alive, from threads of their own: sending blocks while the service manager reads nothing, and that
/// must not stop the runtime.
#[derive(Debug, Default)]
pub struct AliveReports(Option<JoinHandle<()>>);

impl AliveReports {
    /// Sends a report with the status in one line, unless the last one is still being sent.
    pub fn send(&mut self, status: String) {
        if self.0.as_ref().is_none_or(JoinHandle::is_finished) {
            self.0 = Some(std::thread::spawn(move || {
                send(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
            }));
        }
    }
}

/// Time without a watchdog message after which systemd restarts Rollcall; `None` if the watchdog is off.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "cannot notify the service manager");
    }
}
