//! How many monitors and API keys a guild may have.

use super::read::Variables;

/// How many monitors and API keys a guild may have.
#[derive(Clone, Copy, Debug)]
pub struct QuotaSettings {
    pub endpoints: u64,
    pub devices: u64,
    pub servers: u64,
    /// Valid API keys, without the own keys of devices and servers.
    pub keys: u64,
}

impl Variables {
    pub(super) fn quota(&mut self) -> QuotaSettings {
        QuotaSettings {
            endpoints: self.count("QUOTA_ENDPOINTS", "1000", 1, 1_000_000),
            devices: self.count("QUOTA_DEVICES", "10000", 1, 1_000_000),
            servers: self.count("QUOTA_SERVERS", "100", 1, 1_000_000),
            keys: self.count("QUOTA_KEYS", "100", 1, 1_000_000),
        }
    }
}
