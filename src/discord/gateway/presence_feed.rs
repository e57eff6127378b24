//! Passes the presence that a job maintains on to the relay.

use discord_gateway_relay::{OnlineStatus, Presence, PresenceUpdate};
use tokio::sync::watch;

use crate::domain::notifications::presence::{self, StatusDot};

/// The presence as the relay sends it.
pub(super) fn translate(update: &presence::PresenceUpdate) -> PresenceUpdate {
    PresenceUpdate {
        presence: Presence {
            status: match update.presence.dot {
                StatusDot::Green => OnlineStatus::Online,
                StatusDot::Idle => OnlineStatus::Idle,
                StatusDot::DoNotDisturb => OnlineStatus::DoNotDisturb,
            },
            text: update.presence.text.clone(),
        },
        refreshes: update.refreshes,
    }
}

/// Passes every change of the presence on to the relay; never ends.
pub(super) async fn pass_on(
    mut from: watch::Receiver<presence::PresenceUpdate>,
    to: watch::Sender<PresenceUpdate>,
) {
    loop {
        to.send_replace(translate(&from.borrow_and_update()));
        if from.changed().await.is_err() {
            // The process is stopping.
            return std::future::pending().await;
        }
    }
}
