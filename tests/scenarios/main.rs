//! End-to-end tests: the real binary, a real database, real sockets and real signals. Only Discord is replaced, by the
//! sandbox. One file per feature.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario fails at the first unexpected result"
)]

mod alerting;
mod collector;
mod harness;
mod machine_load;

mod board;
mod command_line;
mod connectivity_loss;
mod crashes;
mod discord_commands;
mod discord_devices_servers;
mod discord_gateway;
mod discord_rest;
mod escalation;
mod http_devices;
mod http_devices_servers;
mod http_endpoints;
mod incidents;
mod maintenance;
mod observability;
mod openapi_contract;
mod outage_and_recovery;
mod own_timer;
mod pings;
mod server_agent;
mod soak;
mod start_and_stop;
mod webhooks;
