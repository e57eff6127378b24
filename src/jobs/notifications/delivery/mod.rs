//! Delivers notifications: brings every destination up to the current state of every incident and board, at once after a
//! change, and later after a failure.
//!
//! A message always shows the current state. So an incident that changed while Discord was unreachable is shown once, and a
//! resolved incident never looks open. After a crash between sending and recording, the same message is sent again with the
//! same nonce, and its receiver shows it once.
//!
//! For each delivery: *load*, *plan* (`domain::notifications::delivery_plan`), *send*, *settle* in one transaction. Destinations
//! are served at the same time, each with one delivery at a time, and guilds in turn (`turns`).

mod backlog;
mod broken;
mod context;
mod load;
mod picture;
mod send;
mod settle;
mod turns;

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::watch;

use crate::actions::notifications::discord_refused;
use crate::domain::notifications::delivery_plan::{self, HELD, Medium, Step};
use crate::domain::notifications::destinations::DestinationId;
use crate::health::{Component, DATABASE_PATIENCE};
use crate::jobs::JobContext;
use crate::store::StoreError;
use crate::store::notifications::destination::Destination;
use crate::store::notifications::queue;
use backlog::Backlog;
use context::DeliveryContext;
use load::{AttachedPicture, LoadedDelivery, Next};
use turns::Turns;

/// The longest time until the queue is read again. Another process, such as the command line, gives no signal.
const IDLE: Duration = Duration::from_secs(5);

/// The wait after a database error.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// The wait at a destination where nothing could be done.
const AFTER_NOTHING: Duration = Duration::from_secs(1);

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    let context = DeliveryContext::of(&context);
    if let Err(error) = discord_refused::withdraw(&context.store).await {
        failed(&error);
    }
    let mut bell = context.store.bell();
    let mut turns = Turns::default();
    let mut backlog = Backlog::default();
    let mut sending = FuturesUnordered::new();
    loop {
        let next = next(&context, &mut turns, &mut backlog);
        let next = context
            .health
            .progress_while(Component::Deliveries, DATABASE_PATIENCE, next);
        let wait = match next.await {
            Ok((admitted, wait)) => {
                sending.extend(admitted.into_iter().map(|one| serve(&context, one)));
                wait
            }
            Err(error) => failed(&error),
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            rung = bell.changed() => if rung.is_err() { return },
            Some(served) = sending.next() => {
                turns.end(served);
                // All that have ended by now, so that the queue is read once for them.
                while let Some(Some(served)) = sending.next().now_or_never() {
                    turns.end(served);
                }
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn failed(error: &StoreError) -> Duration {
    tracing::warn!(%error, "cannot read or write deliveries, retrying in 1 s");
    AFTER_ERROR
}

/// The destinations whose turn it is, and the time until the next attempt is due.
async fn next(
    context: &DeliveryContext,
    turns: &mut Turns,
    backlog: &mut Backlog,
) -> Result<(Vec<Destination>, Duration), StoreError> {
    let (reader, now) = (&context.store.reader, context.clock.now());
    let held = context.held();
    let due = queue::due(reader, held, now).await?;
    let wait = backlog.until_next(context).await?;
    let longest = if held.incidents { HELD } else { IDLE };
    // Last, because an error after admission would leave the admitted destinations marked as busy forever.
    Ok((turns.admit(due), wait.min(longest)))
}

/// Serves a destination once.
async fn serve(context: &DeliveryContext, destination: Destination) -> DestinationId {
    let id = destination.id;
    match deliver(context, destination).await {
        Ok(Served::Yes) => {}
        // What was due is so no longer, or cannot be read. Either way, the queue must not be asked again at once.
        Ok(Served::No) => tokio::time::sleep(AFTER_NOTHING).await,
        // A delivery that was sent but not recorded must not be sent again at once.
        Err(error) => tokio::time::sleep(failed(&error)).await,
    }
    id
}

/// Whether there was something to do at a destination.
enum Served {
    Yes,
    No,
}

/// Makes the next delivery of a destination.
async fn deliver(
    context: &DeliveryContext,
    destination: Destination,
) -> Result<Served, StoreError> {
    let Some(to) = load::address(&context.store.reader, &destination).await? else {
        return Ok(Served::No);
    };
    if let Some(transport) = context.transport(&to) {
        transport.ready(&to).await;
    }
    let loaded = match load::next(context, destination, to, context.held()).await? {
        Next::Ready(loaded) => loaded,
        Next::Blocked { waiting, until } => {
            settle::hold_all(context, waiting, until).await?;
            return Ok(Served::Yes);
        }
        Next::Obsolete(delivery) => {
            settle::remove(context, delivery.id).await?;
            return Ok(Served::Yes);
        }
        Next::Nothing => return Ok(Served::No),
    };
    make(context, *loaded).await?;
    Ok(Served::Yes)
}

/// Does what is planned for a delivery.
async fn make(context: &DeliveryContext, mut loaded: LoadedDelivery) -> Result<(), StoreError> {
    let now = context.clock.now();
    let is_connectivity_lost = (context.is_connectivity_lost)();
    let step = delivery_plan::plan(&loaded.state, is_connectivity_lost, now);
    match step {
        Step::Hold(until) => settle::hold(context, &loaded, until).await,
        Step::Skip => settle::skip(context, &loaded).await,
        Step::Post { .. } | Step::Edit => {
            let is_first = step != Step::Edit && loaded.state.medium == Medium::Editable;
            if is_first && !loaded.delivery.may_be_posted {
                settle::begin(context, &loaded).await?;
            }
            if delivery_plan::takes_picture(&loaded.state, loaded.delivery.has_picture, step) {
                loaded.picture = AttachedPicture::New(picture::of(context, &loaded).await);
            }
            let sent = send::send(context, &loaded, step, now).await;
            settle::sent(context, loaded, sent).await
        }
    }
}

#[cfg(test)]
mod tests;
