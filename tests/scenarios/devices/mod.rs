//! Devices: heartbeats, state and logs over HTTP, pings, pushes, and their commands.

mod device_add;
mod discord_devices_servers;
mod healthchecks_api;
mod http_devices;
pub mod http_devices_servers;
pub mod job_pings;
mod job_signals;
mod ping_keys;
mod pings;
mod push_tokens;
