//! Messages to the outside: to people (through a messenger), to webhooks, to the service manager that started Rollcall,
//! and to an external dead-man's switch, which raises an alarm when Rollcall stops sending.

pub mod dead_man;
pub mod messenger;
pub mod picture;
pub mod service_manager;
pub mod summary;
pub mod transport;
pub mod webhook;
pub mod wording;

use std::sync::Arc;

use messenger::Messenger;
use picture::renderer::PictureRenderer;
use webhook::WebhookSender;

/// How messages leave.
#[derive(Clone, Debug)]
pub struct Senders {
    /// Sends messages to Discord; `None` without a token.
    pub messenger: Option<Arc<dyn Messenger>>,
    /// Sends to webhooks, also without Discord.
    pub webhooks: WebhookSender,
    /// Draws the pictures in messages.
    pub pictures: PictureRenderer,
}
