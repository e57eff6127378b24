//! Silences: `/mute`, `/unmute` and `/maintenance`.

pub(in crate::discord) mod maintenance_card;
pub(in crate::discord) mod maintenance_command;
pub(in crate::discord) mod mute_command;
mod texts;
