//! What a person does in the page of the demo: real bot, real browser, real failures of web servers.
//!
//! Each test has a demo and a browser of its own. Without Chromium and chromedriver they fail; `.ci/run` decides whether to
//! run them.
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod cleanup;
mod commands;
mod contrast;
mod frame;
mod keyboard;
mod messages;
mod world;
