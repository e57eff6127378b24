//! Endpoints: outages and recoveries, and what happens while Rollcall itself has no network.

mod certificates;
mod connection_limits;
mod connectivity_loss;
mod first_check;
mod guild_limits;
mod http_endpoints;
mod name_resolution;
mod outage_and_recovery;
