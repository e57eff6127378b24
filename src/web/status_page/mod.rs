//! Status pages: from a snapshot of what a page shows in public to bytes. Nothing here reads a store, a clock or a request.

pub mod badge;
mod day_class;
pub mod feeds;
pub mod html;
mod markdown;
mod public_text;
pub mod snapshot;
pub mod stylesheet;
#[cfg(test)]
mod testing;
mod texts;
