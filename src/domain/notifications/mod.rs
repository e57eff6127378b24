//! Notifications: their kinds, where they go, and when they escalate.

pub mod alert_policy;
pub mod destinations;
pub mod notification_kind;
pub mod presence;
pub mod webhook;
