//! Servers: `/server` and `/servers`, their cards, and what the buttons of a suggestion do.

pub(in crate::discord) mod handlers;
pub(in crate::discord) mod server_card;
pub(in crate::discord) mod server_command;
pub(in crate::discord) mod servers_command;
mod texts;
