//! Silences: their kinds and scopes, and their times.

pub mod maintenance;
pub mod silence;
