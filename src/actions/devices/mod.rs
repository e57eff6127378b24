//! Devices: heartbeats, and changes by people.

pub mod check_in;
pub mod heartbeat_batcher;
mod heartbeat_turns;
pub mod manage_device;
