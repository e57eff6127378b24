//! Servers and their reports.

pub mod server;
