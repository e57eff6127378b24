//! What Rollcall knows: pure rules and words. No async, no I/O, no clock, no serialisation.
//!
//! Reading order: what is looked at (`target`, `check`, `address`), what was seen (`outcome`), what it means (`status`).

pub mod address;
pub mod check;
mod instant;
pub mod outcome;
pub mod target;

pub use instant::{Instant, millis};
