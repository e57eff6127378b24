//! Devices: their ids, and what a ping says.

pub mod device;
pub mod line_kind;
pub mod ping;
pub mod status_rule;
