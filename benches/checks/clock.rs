//! Reads the clock for the whole bench; no other file does.

use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures time, and this is where it reads it"
)]
pub fn now() -> Instant {
    Instant::now()
}
