//! Notifications: webhooks and boards.

pub mod discord_refused;
pub mod manage_board;
pub mod storage_limit;
pub mod webhook;
