//! Work that is done in rounds: one at the start, one whenever something has changed, and one when the last has said that its
//! time has come. What the outside is shown is brought up to date that way.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::Context;
use crate::notify::messenger::Messenger;
use crate::store::{StoreError, Tx};

/// Without anything to wait for, there is a round so often all the same.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// While we are blind, incidents are held for so long at a time.
pub(super) const HELD: Duration = Duration::from_secs(2);

/// After the database did not answer.
pub(super) const SHORT: Duration = Duration::from_secs(1);

/// A round; it answers how long there is nothing more to do.
pub(super) type Pass =
    for<'a> fn(&'a Context, &'a dyn Messenger) -> BoxFuture<'a, Result<Duration, StoreError>>;

/// Runs until `stop` turns true. Without Discord there is nobody to show anything to.
pub(super) async fn run(
    context: Context,
    (what, pass): (&'static str, Pass),
    mut stop: watch::Receiver<bool>,
) {
    let Some(messenger) = context.messenger.clone() else {
        return;
    };
    let mut bell = context.store.bell();
    loop {
        let wait = match pass(&context, &*messenger).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "the {what} could not be read or written; trying again in a second");
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

/// Writes what a round has brought.
pub(super) async fn write(
    context: &Context,
    work: impl for<'tx> FnOnce(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<(), StoreError>>
    + Send
    + 'static,
) -> Result<(), StoreError> {
    context.store.writer.transact::<(), StoreError>(work).await
}
