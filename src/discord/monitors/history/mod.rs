//! The history of monitors: `/uptime` and `/history`, for every member.

mod figures_card;
pub(in crate::discord) mod handlers;
pub(in crate::discord) mod history_command;
mod outages_card;
pub(in crate::discord) mod range_option;
pub(in crate::discord) mod recent_uptime_field;
mod texts;
mod uptime_card;
pub(in crate::discord) mod uptime_command;

#[cfg(test)]
mod testing;
