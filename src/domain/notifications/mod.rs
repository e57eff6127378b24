//! Notifications: their kinds, where they go, and when they escalate.

pub mod alert_policy;
pub mod backoff;
pub mod delivery_order;
pub mod delivery_plan;
pub mod destination_health;
pub mod destinations;
pub mod notification_kind;
pub mod presence;
pub mod storage_limit;
pub mod webhook;
