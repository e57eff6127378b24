//! The way to Discord: serenity's client behind the relay, its framework, and what Rollcall records about both.

pub(in crate::discord) mod client;
mod command_guilds;
mod framework;
mod invite;
mod membership;
mod observer;
mod presence_feed;
mod welcome;
