//! The commands that texts and help recommend. Each is named here only, so that it can be renamed in one place; a test in
//! `commands.rs` fails if there is no such command.

/// Sets up alerts.
pub(in crate::discord) const SET_UP_ALERTS: &str = "setup";
pub(in crate::discord) const ADD_ENDPOINT: &str = "endpoint add";
pub(in crate::discord) const CREATE_BOARD: &str = "board create";
pub(in crate::discord) const SHOW_STATUS: &str = "status";
