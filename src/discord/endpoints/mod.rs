//! Endpoints: `/endpoint`, `/endpoints` and `/offline_endpoints`, their cards, and what their buttons do.

pub(in crate::discord) mod added_reply;
pub(in crate::discord) mod endpoint_card;
pub(in crate::discord) mod endpoint_command;
pub(in crate::discord) mod endpoints_command;
pub(in crate::discord) mod handlers;
pub(in crate::discord) mod import_card;
mod inactive;
pub(in crate::discord) mod list_card;
pub(in crate::discord) mod not_found;
pub(in crate::discord) mod offline_card;
pub(in crate::discord) mod offline_endpoints_command;
pub(in crate::discord) mod recheck_card;
pub(in crate::discord) mod statistics_card;

mod texts;

#[cfg(test)]
mod card_tests;
