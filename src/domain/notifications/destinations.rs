//! Where the notifications of a guild go.

use super::webhook::WebhookId;

/// The destinations of a guild's notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destinations {
    pub has_channel: bool,
    /// Webhooks that are not disabled.
    pub webhooks: Vec<WebhookId>,
}

impl Destinations {
    /// Whether there is no destination.
    pub fn is_empty(&self) -> bool {
        !self.has_channel && self.webhooks.is_empty()
    }
}
