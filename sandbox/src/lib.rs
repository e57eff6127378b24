//! A local stand-in for Discord: its REST API and its gateway, good enough to test a bot end to end.
//!
//! It knows nothing of the bot. A test starts it, points the bot at `Sandbox::api_url`, and then acts as the members of
//! a guild: it types slash commands, presses buttons and reads the replies. Discord's limits are enforced, everything
//! that arrives is recorded, and faults can be switched on while it runs.
//!
//! ```no_run
//! # async fn example() {
//! let sandbox = discord_sandbox::Sandbox::start().await;
//! // … start the bot with DISCORD_API_URL = sandbox.api_url() and DISCORD_TOKEN = sandbox.token() …
//! sandbox.wait_until_ready().await;
//! let reply = sandbox.slash("/ping").await;
//! assert!(reply.text().contains("Pong"));
//! # }
//! ```

#![recursion_limit = "256"]

mod clock;
mod faults;
mod gateway;
mod limits;
mod outlet;
mod people;
mod record;
mod reply;
mod rest;
mod sandbox;
mod shapes;
mod shared;
mod slash;
mod world;

pub use faults::{CloseWith, Faults, RestFault};
pub use people::As;
pub use record::{Record, Request};
pub use reply::{File, Reply};
pub use sandbox::{Builder, Sandbox};
pub use slash::SlashError;
pub use world::{GuildId, Member, Role};
