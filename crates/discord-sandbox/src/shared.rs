//! What the parts of the sandbox share: the world behind a lock, and its addresses.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::world::World;

/// How long a test waits for anything before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The world behind a lock, with a notification at every change.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) changes: watch::Sender<u64>,
    pub(crate) rest_address: SocketAddr,
    pub(crate) gateway_address: SocketAddr,
    /// The resume address in READY.
    pub(crate) resume_url: String,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) compress: bool,
}

impl Shared {
    /// Reads without changing.
    pub(crate) fn read(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world, then notifies everything that waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.read());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Waits until `find` returns something, without a time limit.
    pub(crate) async fn wait_until<T>(&self, mut find: impl FnMut(&World) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = find(&self.read()) {
                return found;
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    /// Waits until `find` returns something, at most for `PATIENCE`.
    pub(crate) async fn wait_for<T>(&self, what: &str, find: impl FnMut(&World) -> Option<T>) -> T {
        match tokio::time::timeout(PATIENCE, self.wait_until(find)).await {
            Ok(found) => found,
            Err(_) => panic!("timed out after {PATIENCE:?} waiting for {what}"),
        }
    }
}
