//! Discord: commands, the gateway and the REST API.

mod commands;
mod gateway;
mod permissions;
mod rest;
mod token;
