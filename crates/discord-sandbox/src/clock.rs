//! Reads the clock for the whole sandbox; no other file does.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The first second of 2015, in milliseconds since 1970.
const DISCORD_EPOCH: u64 = 1_420_070_400_000;

/// The current time of the monotonic clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the file where the sandbox reads the clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since Discord's own epoch, the first second of 2015: the upper bits of its ids.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the file where the sandbox reads the clock"
)]
pub(crate) fn discord_millis() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis())
        .unwrap_or(0)
        .saturating_sub(DISCORD_EPOCH)
}

/// Milliseconds since 1970.
pub(crate) fn unix_millis() -> u64 {
    discord_millis() + DISCORD_EPOCH
}

/// The milliseconds since 1970 in an id.
pub(crate) fn millis_of(id: u64) -> u64 {
    (id >> 22) + DISCORD_EPOCH
}
