//! Records observation windows, so that only observed time counts against devices and servers: after a stop, a crash or a
//! long freeze, no monitor is blamed for the gap.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::Timestamp;
use crate::domain::observation_windows::{ObservationWindow, ObservationWindows};
use crate::health::Health;
use crate::jobs::JobContext;
use crate::store::observation_windows::{self, ObservationWindowId};
use crate::store::{Reader, StoreError};

/// The first records come quickly, so that even a process that runs for seconds leaves a window.
const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(10);

/// A record that comes later than planned by more than this means that the process was frozen: a new window begins.
const FROZEN: Duration = Duration::from_secs(20);

/// The open observation window, and when it was last extended.
#[derive(Clone, Copy, Debug)]
pub(in crate::jobs) struct Current(ObservationWindowId, Timestamp);

/// Begins an observation window. It must be stored before a job looks for overdue monitors, or the last window before this
/// start would be extended to now, and the gap between them would count as observed.
pub(in crate::jobs) async fn begin(context: &JobContext) -> Result<Current, StoreError> {
    let now = context.checks.clock.now();
    let id = record(context, None, now).await?;
    Ok(Current(id, now))
}

/// Extends the window until `stop` turns true, including that moment.
pub(in crate::jobs) async fn run(
    context: JobContext,
    mut current: Current,
    mut stop: watch::Receiver<bool>,
) {
    let mut gap = FIRST;
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep(gap) => gap = (gap * 2).min(EVERY),
        }
        // Without connectivity, heartbeats and reports cannot arrive, either: that time must not count against monitors.
        if context.checks.is_connectivity_lost() {
            continue;
        }
        // Nor can they while the HTTP server refuses connections.
        let has_ended = context.health.observation_window_has_ended();
        if has_ended && context.health.http_is_saturated() {
            continue;
        }
        let now = context.checks.clock.now();
        let extend = Some(current.0).filter(|_| !has_ended && !was_frozen(current.1, now));
        match record(&context, extend, now).await {
            Ok(id) => {
                current = Current(id, now);
                if has_ended {
                    context.health.resume_observation_window();
                    tracing::info!("the HTTP server has free connections again");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot record the observation window; this time may count as unobserved");
            }
        }
    }
}

/// The observation windows since `since`; the last one is the current one and reaches to `now`. A freeze that is not
/// recorded yet ends a window, too, and so does an HTTP server that refuses connections.
pub(in crate::jobs) async fn windows(
    reader: &Reader,
    health: &Health,
    since: Timestamp,
    now: Timestamp,
) -> Result<ObservationWindows, StoreError> {
    let mut windows = observation_windows::since(reader, since).await?;
    match windows.0.last_mut() {
        Some(current)
            if !was_frozen(current.confirmed_at, now) && !health.observation_window_has_ended() =>
        {
            current.confirmed_at = current.confirmed_at.max(now);
        }
        _ => windows.0.push(ObservationWindow {
            started_at: now,
            confirmed_at: now,
        }),
    }
    Ok(windows)
}

fn was_frozen(recorded: Timestamp, now: Timestamp) -> bool {
    now.since(recorded) > EVERY + FROZEN
}

async fn record(
    context: &JobContext,
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
    async fn a_freeze_ends_a_window_before_it_is_recorded() {
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
            let windows = windows(&store.reader, &Health::new(), at(0), at(now))
                .await
                .unwrap();
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
