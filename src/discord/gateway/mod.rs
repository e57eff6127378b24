//! The way to Discord: the relay that holds the gateway connection, the REST client, and the registration of commands.

pub(in crate::discord) mod client;
mod framework;
pub(in crate::discord) mod registration;
pub(in crate::discord) mod relay;
pub(in crate::discord) mod rest;
