//! Notifications: the channel, webhooks and boards.

mod board;
mod broken_destinations;
mod fairness;
mod webhooks;
