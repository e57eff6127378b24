//! Whole-app tests: the real binary, a real database, real sockets, real signals; a stand-in only for Discord. One file
//! per story; each test name finishes a sentence about Rollcall.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario ends where something is not as it should be"
)]

mod alerting;
mod calm;
mod collector;
mod harness;

mod asks_discord;
mod at_the_command_line;
mod calls_again;
mod goes_down_and_comes_back;
mod has_an_agent;
mod in_discord;
mod is_described;
mod is_killed;
mod is_pinged;
mod is_watched;
mod listens;
mod listens_in_discord;
mod loses_discord;
mod loses_sight;
mod maintains;
mod over_http;
mod posts_webhooks;
mod shows_a_board;
mod soaks;
mod starts_and_stops;
mod tells_devices;
mod tells_people;
