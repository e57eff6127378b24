//! Devices: missed heartbeats.

pub(in crate::jobs) mod heartbeat_monitor;
