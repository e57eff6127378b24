//! The writer's cache of rows that it has read or written, so that they are not read again for every check and every
//! heartbeat. A commit of another process (`PRAGMA data_version`) or a rollback clears it.

use std::collections::HashMap;

use crate::domain::Timestamp;
use crate::domain::devices::status_rule::DeviceStanding;
use crate::domain::discord_id::GuildId;
use crate::domain::key::KeyId;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::destinations::Destinations;

/// The writer's cache.
#[derive(Debug, Default)]
pub struct Cache {
    pub(in crate::store) states: crate::store::endpoints::state::States,
    /// When each key ends, by revocation or expiry; `None`: never.
    pub(in crate::store) keys: HashMap<KeyId, Option<Timestamp>>,
    /// Devices by guild and numeric UUID. Devices are added and removed, but these values never change.
    pub(in crate::store) devices: HashMap<(GuildId, u128), MonitorId>,
    /// The states of devices.
    pub(in crate::store) standings: HashMap<MonitorId, DeviceStanding>,
    /// The destinations of each guild.
    pub(in crate::store) destinations: HashMap<GuildId, Destinations>,
}

impl Cache {
    /// Forgets the destinations of a guild; every change of its channel or of a webhook calls it.
    pub(in crate::store) fn forget_destinations(&mut self, guild: GuildId) {
        self.destinations.remove(&guild);
    }

    pub(in crate::store) fn clear(&mut self) {
        self.states.clear();
        self.keys.clear();
        self.devices.clear();
        self.standings.clear();
        self.destinations.clear();
    }
}
