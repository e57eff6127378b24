//! Devices, their heartbeats, logs and states.

pub mod device;
pub mod device_log;
pub mod device_state;
pub mod heartbeat;
pub mod known_device;
