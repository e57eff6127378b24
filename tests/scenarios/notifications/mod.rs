//! Notifications: webhooks and boards.

mod board;
mod webhooks;
