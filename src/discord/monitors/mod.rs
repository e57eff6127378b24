//! Monitors of every kind: `/status`, `/uptime`, `/audit`, `/group`, `/objective` and `/summary`, the card of one monitor, and pictures.

pub(in crate::discord) mod audit;
pub(in crate::discord) mod group_command;
pub(in crate::discord) mod groups_card;
pub(in crate::discord) mod handlers;
pub(in crate::discord) mod history;
pub(in crate::discord) mod objectives;
pub(in crate::discord) mod pictures;
pub(in crate::discord) mod status_card;
pub(in crate::discord) mod status_command;
pub(in crate::discord) mod summaries;
mod texts;
