//! Discord: commands, the gateway and the REST API.

mod commands;
mod demo;
mod gateway;
mod left_guilds;
mod permissions;
mod rest;
mod setup;
mod token;
