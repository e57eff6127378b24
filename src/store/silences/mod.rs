//! Mutes and maintenance windows.

pub mod maintenance;
pub mod mute;
