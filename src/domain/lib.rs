//! The domain: pure rules and types. No async, no I/O, no clock, no serialization.
//!
//! What belongs to one capability stands in its folder; what all of them share stands here. A good first read: monitors
//! (`monitor`), their status (`status`), what a check of an endpoint showed and what follows from it
//! (`endpoints/check_result`, `endpoints/status_rule`).

pub mod devices;
pub mod discord_id;
pub mod endpoints;
pub mod event;
pub mod history;
pub mod incidents;
pub mod key;
pub mod monitor;
pub mod notifications;
pub mod patch;
pub mod servers;
pub mod silences;
pub mod status;
pub mod status_pages;
pub mod text;
mod timestamp;

pub use timestamp::{Timestamp, millis};
