//! Reconcile loop for what Discord shows: runs a pass at the start, after every change in the database, and when the time
//! that the last pass returned is over.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::JobContext;
use crate::notify::messenger::Messenger;
use crate::store::{StoreError, Tx};

/// The longest time between two passes.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// How long incidents are held at a time while connectivity is lost.
pub(super) const HELD: Duration = Duration::from_secs(2);

/// The wait after a database error.
pub(super) const SHORT: Duration = Duration::from_secs(1);

/// A pass; it returns the time until there is more to do.
pub(super) type Pass =
    for<'a> fn(&'a JobContext, &'a dyn Messenger) -> BoxFuture<'a, Result<Duration, StoreError>>;

/// Runs until `stop` turns true; ends at once without Discord.
pub(super) async fn run(
    context: JobContext,
    what: &'static str,
    pass: Pass,
    mut stop: watch::Receiver<bool>,
) {
    let Some(messenger) = context.senders.messenger.clone() else {
        return;
    };
    let mut bell = context.store.bell();
    loop {
        let wait = match pass(&context, &*messenger).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, job = what, "cannot read or write deliveries, retrying in 1 s");
                SHORT
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            rung = bell.changed() => if rung.is_err() { return },
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Runs one write transaction.
pub(super) async fn write(
    context: &JobContext,
    work: impl for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<(), StoreError>>
    + Send
    + 'static,
) -> Result<(), StoreError> {
    context.store.writer.transact::<(), StoreError>(work).await
}
