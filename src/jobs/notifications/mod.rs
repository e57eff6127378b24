//! Notifications: deliveries to channels and webhooks, and the boards.

pub(in crate::jobs) mod board;
pub(in crate::jobs) mod channel_delivery;
pub(in crate::jobs) mod webhook_delivery;
