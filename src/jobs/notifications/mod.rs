//! Notifications: one loop delivers them to every kind of destination.

pub(in crate::jobs) mod board_refresh;
pub(in crate::jobs) mod delivery;
pub(in crate::jobs) mod discord_answers;
pub(in crate::jobs) mod storage_limits;
mod webhook_gate;
