//! Single flight: at most one check per endpoint at a time.
//!
//! The first requester gets the flight: it runs the check and has the result recorded. Requesters that arrive while the
//! check is running wait, and get the recorded result after the commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::actions::endpoints::completed_check::{CompletedCheck, Recorded, Waiter};
use crate::domain::endpoints::check_result::CheckResult;
use crate::domain::monitor::MonitorId;
use crate::store::endpoints::endpoint::Scheduled;

/// The checks that are running, and those who wait for them. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Flights(Arc<Mutex<HashMap<MonitorId, Vec<Waiter>>>>);

/// The right to check one endpoint. Dropping it unfinished releases the endpoint, and its waiters get no result.
#[derive(Debug)]
pub struct Flight {
    monitor_id: MonitorId,
    /// `None` once the check is finished: by then, the entry may belong to the next flight.
    flights: Option<Flights>,
}

/// Result of `Flights::begin`: a flight, or a receiver for the result of the running check.
#[derive(Debug)]
pub enum Started {
    Flight(Flight),
    Waiting(oneshot::Receiver<Arc<Recorded>>),
}

impl Flights {
    /// Starts a flight, or waits for the one that is running.
    pub fn begin(&self, id: MonitorId) -> Started {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match flights.get_mut(&id) {
            Some(waiters) => {
                let (sender, result) = oneshot::channel();
                waiters.push(Waiter(sender));
                Started::Waiting(result)
            }
            None => {
                flights.insert(id, Vec::new());
                Started::Flight(Flight {
                    monitor_id: id,
                    flights: Some(self.clone()),
                })
            }
        }
    }
}

impl Flight {
    /// Ends the check: the next one may begin. The waiters get the result once it is recorded.
    pub fn finish(mut self, endpoint: &Scheduled, result: CheckResult) -> CompletedCheck {
        CompletedCheck {
            monitor_id: self.monitor_id,
            revision: endpoint.revision,
            has_name: endpoint.target.has_name(),
            result,
            waiters: self.release(),
        }
    }

    fn release(&mut self) -> Vec<Waiter> {
        let Some(flights) = self.flights.take() else {
            return Vec::new();
        };
        let mut flights = flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.remove(&self.monitor_id).unwrap_or_default()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        drop(self.release());
    }
}
