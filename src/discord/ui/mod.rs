//! What every reply has in common: who may ask, the custom ids and rows of buttons, pages, completions and errors.

pub(in crate::discord) mod access;
pub(in crate::discord) mod buttons;
pub(in crate::discord) mod command_name;
pub(in crate::discord) mod complete;
pub(in crate::discord) mod custom_id;
pub(in crate::discord) mod embed;
#[cfg(test)]
pub(in crate::discord) mod embed_testing;
pub(in crate::discord) mod error;
pub(in crate::discord) mod error_reply;
pub(in crate::discord) mod recheck_limit;
pub(in crate::discord) mod reply;
pub(in crate::discord) mod roles;
pub(in crate::discord) mod setup_button;
pub(in crate::discord) mod texts;
pub(in crate::discord) mod view;
