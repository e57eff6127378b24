//! The bot itself: `/bot health`, `/ping` and `/help`.

pub(in crate::discord) mod bot_command;
pub mod diagnosis;
pub(in crate::discord) mod health_card;
pub(in crate::discord) mod help_card;
pub(in crate::discord) mod help_command;
pub(in crate::discord) mod help_topic;
pub(in crate::discord) mod ping_command;
mod texts;
