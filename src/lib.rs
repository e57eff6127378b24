//! Rollcall, the monitor that lives in Discord.
//!
//! The modules in the order in which to read them; everything points down. ARCHITECTURE.md walks through three stories.

mod actions; // what anyone may ask for, one transaction each
mod app; // composition: starts, supervises, drains
mod cli;
mod clock; // the one place that reads the time
mod discord; // the Discord door
mod domain; // what Rollcall knows: pure rules and words
mod http; // the web door
mod jobs; // what happens by itself
mod metrics; // every metric's name, labels and help
mod probe; // how we look
mod settings; // the environment, typed
mod store; // the only SQL
mod telemetry; // the log
mod vitals; // what the parts say of themselves // the command line

pub use cli::main;
