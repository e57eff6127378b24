//! What deliveries need, and nothing else, so that tests can build it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::health::{Health, Token};
use crate::jobs::JobContext;
use crate::metrics::Metrics;
use crate::notify::messenger::Messenger;
use crate::notify::picture::renderer::PictureRenderer;
use crate::notify::transport::{Address, Transport};
use crate::store::Store;
use crate::store::notifications::queue::Held;

/// What deliveries need.
pub(super) struct DeliveryContext {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    /// `None` without a token.
    pub(super) discord: Option<Arc<dyn Messenger>>,
    pub(super) webhooks: Arc<dyn Transport>,
    /// The shortest time between two edits of a board.
    pub(super) board_interval: Duration,
    pub(super) pictures: PictureRenderer,
    /// How long single checks are kept.
    pub(super) kept_checks: Duration,
    pub(super) is_connectivity_lost: Box<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for DeliveryContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DeliveryContext").finish_non_exhaustive()
    }
}

impl DeliveryContext {
    pub(super) fn of(context: &JobContext) -> Self {
        let checks = context.checks.clone();
        Self {
            store: context.store.clone(),
            clock: context.checks.clock,
            metrics: Arc::clone(&context.metrics),
            health: Arc::clone(&context.health),
            discord: context.senders.messenger.clone(),
            webhooks: Arc::new(context.senders.webhooks.clone()),
            board_interval: context.board_interval,
            pictures: context.senders.pictures.clone(),
            kept_checks: context.retention.check_archive,
            is_connectivity_lost: Box::new(move || checks.is_connectivity_lost()),
        }
    }

    /// What is not delivered at the moment.
    pub(super) fn held(&self) -> Held {
        Held {
            discord: self.discord.is_none()
                || self.health.token() != Token::Accepted
                || self.health.is_application_in_doubt(),
            // Check results prove nothing while connectivity is lost.
            incidents: (self.is_connectivity_lost)(),
        }
    }

    /// What carries messages to an address; `None` for Discord without a token.
    pub(super) fn transport(&self, to: &Address) -> Option<&dyn Transport> {
        match to {
            Address::Webhook(_) => Some(&*self.webhooks),
            Address::Channel(_) | Address::User(_) => match &self.discord {
                Some(messenger) => Some(&**messenger),
                None => None,
            },
        }
    }
}
