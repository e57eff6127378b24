//! The demo's page in a real browser, for tests and for the pictures of the README.
//!
//! Everything is real: the bot, its database, the page, Chromium and its driver. Only Discord is replaced, by the sandbox.

mod browser;
mod demo;
mod driver;
mod machine;
mod page;
pub mod picture;

pub use browser::{Browser, Element, Window};
pub use demo::{Demo, Story};
pub use driver::DriverError;
pub use machine::Machine;
pub use page::{DOWN, ENTER, ESCAPE, Message, Page, TAB};
