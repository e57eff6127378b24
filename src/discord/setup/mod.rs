//! The setup of a guild: `/setup` and the button *Set up* lead from the alert channel to a test alert.

mod endpoint_form;
pub(in crate::discord) mod handlers;
mod screen;
pub(in crate::discord) mod settings_command;
pub(in crate::discord) mod setup_command;
mod state;
mod texts;
