//! Messages to systemd over its socket (`Type=notify`): ready, alive, stopping. Without systemd nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// Reports that the start is complete.
pub fn ready() {
    send(&[NotifyState::Ready]);
}

/// Reports that the shutdown has started.
pub fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Reports that Rollcall is alive, with its status in one line.
pub fn alive(status: &str) {
    send(&[NotifyState::Watchdog, NotifyState::Status(status)]);
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
