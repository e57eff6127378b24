//! API keys: `/keys`, and the messages that show a new key.

pub(in crate::discord) mod key_card;
pub(in crate::discord) mod keys_command;
mod texts;
