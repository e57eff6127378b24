//! Status pages: from a snapshot of what a page shows in public to bytes. Nothing here reads a store, a clock or a request.

pub mod snapshot;
#[cfg(test)]
mod testing;
