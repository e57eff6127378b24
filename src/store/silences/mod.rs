//! Silences: mutes and maintenance windows in one table, and the events of Discord's calendar that show them.

pub mod calendar_event;
pub mod silence;
pub mod silence_summary;
