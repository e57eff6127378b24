//! Summaries: `/summaries` for every member, `/summary` for managers, and the message that channels get.

mod handlers;
mod schedule_option;
pub(in crate::discord) mod summaries_command;
pub(in crate::discord) mod summary_card;
pub(in crate::discord) mod summary_command;
mod texts;
