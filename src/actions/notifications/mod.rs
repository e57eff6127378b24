//! Notifications: webhooks and boards.

pub mod manage_board;
pub mod webhook;
