//! Notes when we were alive, so that silence counts only while somebody listened: after a stop, a crash or a long freeze
//! nobody is blamed for the gap.

use std::time::Duration;

use tokio::sync::watch;

use super::Context;
use crate::domain::Timestamp;
use crate::domain::observation_windows::{ObservationWindow, ObservationWindows};
use crate::store::observation_windows::{self, ObservationWindowId};
use crate::store::{Reader, StoreError};

/// The first notes come quickly, so that even a process that lives for seconds has lived.
const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(10);

/// A note that comes so much later than it should means that we were frozen: a new life begins.
const FROZEN: Duration = Duration::from_secs(20);

/// A life of ours that goes on, and when that was noted last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Current(ObservationWindowId, Timestamp);

/// Notes that a life begins. It must stand in the table before anybody judges a silence, or the last life before this one
/// would be taken for it, and the gap between them for time in which we listened.
pub(super) async fn begin(context: &Context) -> Result<Current, StoreError> {
    let now = context.checks.clock.now();
    let id = note(context, None, now).await?;
    Ok(Current(id, now))
}

/// Runs until `stop` turns true, and notes that moment, too.
pub(super) async fn run(context: Context, mut current: Current, mut stop: watch::Receiver<bool>) {
    let mut gap = FIRST;
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep(gap) => gap = (gap * 2).min(EVERY),
        }
        // Who cannot see cannot be reached, either: that time is not held against those who report.
        if context.checks.is_connectivity_lost() {
            continue;
        }
        let now = context.checks.clock.now();
        let extend = Some(current.0).filter(|_| !was_frozen(current.1, now));
        match note(&context, extend, now).await {
            Ok(id) => current = Current(id, now),
            Err(error) => {
                tracing::warn!(%error, "it could not be noted that we are alive");
            }
        }
    }
}

/// When we were alive, until now; the last life is this one. A freeze that has not been noted yet ends it, too.
pub(super) async fn windows(
    reader: &Reader,
    since: Timestamp,
    now: Timestamp,
) -> Result<ObservationWindows, StoreError> {
    let mut windows = observation_windows::since(reader, since).await?;
    match windows.0.last_mut() {
        Some(current) if !was_frozen(current.confirmed_at, now) => {
            current.confirmed_at = current.confirmed_at.max(now)
        }
        _ => windows.0.push(ObservationWindow {
            started_at: now,
            confirmed_at: now,
        }),
    }
    Ok(windows)
}

fn was_frozen(noted: Timestamp, now: Timestamp) -> bool {
    now.since(noted) > EVERY + FROZEN
}

async fn note(
    context: &Context,
    extend: Option<ObservationWindowId>,
    now: Timestamp,
) -> Result<ObservationWindowId, StoreError> {
    context
        .store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                match extend {
                    Some(id) => observation_windows::extend(tx, id, now).await.map(|()| id),
                    None => observation_windows::begin(tx, now).await,
                }
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_freeze_ends_a_life_before_it_is_noted() {
        let store = TestStore::open().await;
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        store
            .write(move |tx| {
                Box::pin(async move {
                    observation_windows::begin(tx, at(0)).await?;
                    let id = observation_windows::begin(tx, at(100)).await?;
                    observation_windows::extend(tx, id, at(200)).await
                })
            })
            .await;
        for (now, observed, present) in [(209, 109, 109), (230, 130, 130), (231, 100, 0)] {
            let windows = windows(&store.reader, at(0), at(now)).await.unwrap();
            let last = windows.0.last().unwrap();
            assert_eq!(
                (
                    windows.between(at(0), at(now)).as_secs(),
                    at(now).since(last.started_at).as_secs()
                ),
                (observed, present),
                "at {now}"
            );
        }
    }
}
