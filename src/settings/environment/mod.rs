//! Where settings come from: the environment and the file `.env`, with the names that Rollcall knows, and those that it does
//! not know.

pub(super) mod dot_env;
pub(super) mod renamed;
pub(super) mod unknown;
