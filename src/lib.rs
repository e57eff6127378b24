//! Rollcall, the monitor that lives in Discord.
//!
//! The modules, in reading order. Imports point down, and ARCHITECTURE.md follows seven examples through them.
//!
//! - `domain`: pure rules and types, a crate of its own
//! - `system`: `clock`, the only code that reads the time, and `private_files`, which only their owner can read
//! - `store`: the only code with SQL
//! - `probe`: how endpoints are checked
//! - `actions`: what requesters can do, one transaction each
//! - `notify`: messages to people and services outside
//! - `jobs`: background jobs
//! - `metrics`, `health`: metrics, and the health of the components
//! - `discord`, `http`, `cli`: the interfaces
//! - `web`: pages for people, rendered
//! - `settings`, `telemetry`: the environment, typed; the log
//! - `app`: composition: starts, supervises and drains everything
//! - `fuzzing`: what the fuzz targets call; absent from every other build

mod actions;
mod app;
mod cli;
mod discord;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod http;
mod jobs;
mod metrics;
mod notify;
mod probe;
mod settings;
mod store;
mod system;
mod telemetry;
mod web;

use rollcall_domain as domain;
use system::{clock, private_files};

pub use cli::main;
