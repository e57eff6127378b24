//! Where the redirects of each endpoint lead, as the last check showed. It is kept in memory: the first check after a start
//! shows it again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::monitor::MonitorId;

/// The final targets of endpoints whose last check followed a redirect and passed.
#[derive(Debug, Default)]
pub struct FinalTargets(Mutex<HashMap<MonitorId, Box<str>>>);

impl FinalTargets {
    /// Records where a check ended; `None` if it followed no redirect.
    pub fn record(&self, id: MonitorId, target: Option<Box<str>>) {
        match target {
            Some(target) => self.targets().insert(id, target),
            None => self.targets().remove(&id),
        };
    }

    /// The final target of an endpoint; `None` if it is the target itself, or not known.
    pub fn of(&self, id: MonitorId) -> Option<String> {
        self.targets().get(&id).map(|target| target.to_string())
    }

    fn targets(&self) -> MutexGuard<'_, HashMap<MonitorId, Box<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
