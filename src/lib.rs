//! Rollcall, the monitor that lives in Discord.
//!
//! The rooms, in the order in which to read them; everything points down, and ARCHITECTURE.md walks through four stories.
//!
//! - `domain`: what Rollcall knows, pure rules and words
//! - `clock`: the one place that reads the time
//! - `store`: the only SQL
//! - `probe`: how we look
//! - `actions`: what anyone may ask for, one transaction each
//! - `notify`: what machines outside are told
//! - `jobs`: what happens by itself
//! - `metrics`, `health`: what is counted, and what the parts say of themselves
//! - `discord`, `http`, `cli`: the doors
//! - `settings`, `telemetry`: the environment, typed; the log
//! - `app`: composition, which starts, supervises and drains

mod actions;
mod app;
mod cli;
mod clock;
mod discord;
mod domain;
mod health;
mod http;
mod jobs;
mod metrics;
mod notify;
mod probe;
mod settings;
mod store;
mod telemetry;

pub use cli::main;
