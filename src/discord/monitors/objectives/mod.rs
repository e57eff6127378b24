//! Objectives and their error budgets: `/objective` for managers, `/objectives` for every member.

pub(in crate::discord) mod handlers;
pub(in crate::discord) mod objective_command;
mod objectives_card;
pub(in crate::discord) mod objectives_command;
mod texts;
