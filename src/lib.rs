//! Rollcall, the monitor that lives in Discord.

mod clock;
mod domain;
mod probe;
mod store;
