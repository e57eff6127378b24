//! Servers: `/server` and `/servers`, their cards, limits on what they report, and what the buttons of a suggestion do.

pub(in crate::discord) mod handlers;
mod limit_card;
mod limit_choices;
mod limit_command;
mod limit_replies;
pub(in crate::discord) mod server_card;
pub(in crate::discord) mod server_command;
pub(in crate::discord) mod servers_command;
mod texts;
