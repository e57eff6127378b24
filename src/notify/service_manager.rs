//! What systemd is told over its socket (`Type=notify`): ready, alive, stopping. Without systemd nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// Everything runs.
pub fn ready() {
    send(&[NotifyState::Ready]);
}

/// The end has begun.
pub fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Still alive, and how things stand in a line.
pub fn alive(status: &str) {
    send(&[NotifyState::Watchdog, NotifyState::Status(status)]);
}

/// After how long without a sign of life systemd restarts us; `None` where it does not watch.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told how we are");
    }
}
