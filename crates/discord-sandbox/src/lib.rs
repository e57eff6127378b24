#![doc = include_str!("../README.md")]
#![recursion_limit = "256"]

mod client;
mod clock;
mod faults;
mod gateway;
mod guilds;
mod outlet;
mod people;
mod record;
mod reply;
mod rest;
mod sandbox;
mod shapes;
mod shared;
mod terminal;
mod world;

pub use client::WebClient;
pub use faults::{CloseWith, Faults, RestFault};
pub use people::{As, Form, FormError, SlashError};
pub use record::{Record, Request};
pub use reply::{File, Reply};
pub use sandbox::{Builder, Sandbox};

pub use terminal::{Names, View};
pub use world::{Channel, GuildId, Member, Role};
