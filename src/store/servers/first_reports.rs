//! Waits for the first report of a server. Nothing is read meanwhile: a report wakes only the wait for its own server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::domain::monitor::MonitorId;

/// The servers whose first report is awaited. Only the person who added a server waits for it, so each has at most one wait.
#[derive(Clone, Debug, Default)]
pub struct FirstReports(Arc<Mutex<HashMap<MonitorId, oneshot::Sender<()>>>>);

/// A wait for the first report of a server. It begins when it is made, and is forgotten when it is dropped.
#[derive(Debug)]
pub struct FirstReportWait {
    server: MonitorId,
    woken: oneshot::Receiver<()>,
    waits: FirstReports,
}

impl FirstReports {
    /// Starts to wait for a server.
    pub fn wait_for(&self, server: MonitorId) -> FirstReportWait {
        let (waker, woken) = oneshot::channel();
        self.locked().insert(server, waker);
        FirstReportWait {
            server,
            woken,
            waits: self.clone(),
        }
    }

    /// Ends the wait for a server: it has reported, or it is removed.
    pub fn end_wait(&self, server: MonitorId) {
        let waker = self.locked().remove(&server);
        if let Some(waker) = waker {
            // The wait may have ended by itself just now.
            let _ = waker.send(());
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<MonitorId, oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FirstReportWait {
    pub fn server(&self) -> MonitorId {
        self.server
    }

    /// Waits until the server has reported or is removed. The store says which.
    pub async fn ended(&mut self) {
        // An error is the end of the process.
        let _ = (&mut self.woken).await;
    }
}

impl Drop for FirstReportWait {
    fn drop(&mut self) {
        self.waits.locked().remove(&self.server);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_end_for_its_own_server_and_leaves_nothing() {
        let waits = FirstReports::default();
        let (mut one, other) = (waits.wait_for(MonitorId(1)), waits.wait_for(MonitorId(2)));
        waits.end_wait(MonitorId(3));
        assert_eq!(waits.locked().len(), 2);
        waits.end_wait(MonitorId(1));
        one.ended().await;
        assert_eq!(waits.locked().len(), 1);
        drop(other);
        assert_eq!(waits.locked().len(), 0);
        waits.end_wait(MonitorId(2));
    }
}
