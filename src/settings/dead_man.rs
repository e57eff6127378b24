//! The ping to an external dead man's switch.

use std::time::Duration;

use super::read::{DAY, SECOND, Variables};
use super::secret::Secret;

/// The ping to an external dead man's switch.
#[derive(Clone, Debug)]
pub struct DeadManSettings {
    /// Without it, no ping is sent.
    pub url: Option<Secret>,
    pub interval: Duration,
}

impl Variables {
    pub(super) fn dead_man(&mut self) -> DeadManSettings {
        DeadManSettings {
            url: self.secret_address("HEALTHCHECK_PING_URL", "https://example.org/ping/1234"),
            interval: self.length("HEALTHCHECK_PING_INTERVAL", "60s", SECOND, SECOND..=DAY),
        }
    }
}
