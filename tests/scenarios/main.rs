//! End-to-end tests: the real binary, a real database, real sockets and real signals. Only Discord is replaced, by the
//! sandbox. A folder per capability, as in `src`.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario fails at the first unexpected result"
)]

mod harness;

mod api;
mod devices;
mod discord;
mod endpoints;
mod faults;
mod history;
mod incidents;
mod limits;
mod mistakes;
mod notifications;
mod process;
mod servers;
mod silences;
mod web;
