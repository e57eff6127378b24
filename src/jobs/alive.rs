//! Notes when we were alive, so that silence counts only while somebody listened: after a stop, a crash or a long freeze
//! nobody is blamed for the gap.

use std::time::Duration;

use tokio::sync::watch;

use super::Context;
use crate::domain::Instant;
use crate::store::StoreError;
use crate::store::life::{self, LifeId};

/// The first notes come quickly, so that even a process that lives for seconds has lived.
const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(10);

/// A note that comes so much later than it should means that we were frozen: a new life begins.
const FROZEN: Duration = Duration::from_secs(20);

/// Runs until `stop` turns true, and notes that moment, too.
pub(super) async fn run(context: Context, mut stop: watch::Receiver<bool>) {
    let mut gap = FIRST;
    let mut current: Option<(LifeId, Instant)> = None;
    loop {
        let now = context.looking.clock.now();
        match note(&context, current, gap, now).await {
            Ok(id) => current = Some((id, now)),
            Err(error) => {
                tracing::warn!(%error, "it could not be noted that we are alive");
            }
        }
        if *stop.borrow() {
            return;
        }
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep(gap) => gap = (gap * 2).min(EVERY),
        }
    }
}

async fn note(
    context: &Context,
    current: Option<(LifeId, Instant)>,
    gap: Duration,
    now: Instant,
) -> Result<LifeId, StoreError> {
    let goes_on = current.filter(|(_, noted)| now.since(*noted) < gap + FROZEN);
    context
        .store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                match goes_on {
                    Some((id, _)) => life::goes_on(tx, id, now).await.map(|()| id),
                    None => life::begin(tx, now).await,
                }
            })
        })
        .await
}
