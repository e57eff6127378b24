//! `/audit`: what changed, when, and who caused it, in words.

mod audit_card;
pub(in crate::discord) mod audit_command;
mod changes;
mod details;
mod event_type;
mod texts;
