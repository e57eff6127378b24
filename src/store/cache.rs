//! What the writer remembers of rows that it has read or written, so that the same are not read again for every look and
//! every call. A commit of another process (`PRAGMA data_version`) or a roll-back empties it.

use std::collections::HashMap;

use super::destination::Destinations;
use crate::domain::Timestamp;
use crate::domain::key::KeyId;
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::status::Status;

/// The writer's memory.
#[derive(Debug, Default)]
pub struct Cache {
    pub(super) states: super::state::States,
    /// From when on each key is good no more; `None`: it is good for ever.
    pub(super) keys: HashMap<KeyId, Option<Timestamp>>,
    /// Devices by guild and by their uuid as a number. Their rows come and go, and never change in this.
    pub(super) devices: HashMap<(GuildId, u128), MonitorId>,
    /// Of devices: status, since when, and whether their last job failed.
    pub(super) standings: HashMap<MonitorId, (Status, Timestamp, bool)>,
    /// Where each guild wants to be told.
    pub(super) destinations: HashMap<GuildId, Destinations>,
}

impl Cache {
    pub(super) fn clear(&mut self) {
        self.states.clear();
        self.keys.clear();
        self.devices.clear();
        self.standings.clear();
        self.destinations.clear();
    }
}
