//! Why the last check of an endpoint could not be run, for the people who wait for it. It is kept in memory: a reason is about
//! Rollcall, and holds until the next check.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::endpoints::check_result::{NotChecked, Verdict};
use crate::domain::monitor::MonitorId;

/// The reasons of endpoints whose last check could not be run.
#[derive(Debug, Default)]
pub struct NotCheckedReasons(Mutex<HashMap<MonitorId, NotChecked>>);

impl NotCheckedReasons {
    /// Records what a check showed.
    pub fn record(&self, id: MonitorId, verdict: &Verdict) {
        match verdict {
            Verdict::Unknown(why) => self.reasons().insert(id, *why),
            Verdict::Up | Verdict::Down(_) => self.reasons().remove(&id),
        };
    }

    /// Forgets an endpoint that was removed or changed.
    pub fn forget(&self, id: MonitorId) {
        self.reasons().remove(&id);
    }

    /// Why the last check of an endpoint could not be run; `None` if it was run, or there was none.
    pub fn of(&self, id: MonitorId) -> Option<NotChecked> {
        self.reasons().get(&id).copied()
    }

    fn reasons(&self) -> MutexGuard<'_, HashMap<MonitorId, NotChecked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoints::check_result::{Failure, FailureClass};

    #[test]
    fn a_reason_holds_until_the_next_check() {
        let reasons = NotCheckedReasons::default();
        let (one, other) = (MonitorId(1), MonitorId(2));
        let unknown = Verdict::Unknown(NotChecked::Resolver);
        let down = Verdict::Down(Failure::new(FailureClass::Refused));
        for next in [Some(Verdict::Up), Some(down), None] {
            reasons.record(one, &unknown);
            assert_eq!(reasons.of(one), Some(NotChecked::Resolver));
            assert_eq!(reasons.of(other), None);
            match next {
                Some(verdict) => reasons.record(one, &verdict),
                None => reasons.forget(one),
            }
            assert_eq!(reasons.of(one), None);
        }
    }
}
