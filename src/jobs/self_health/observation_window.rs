//! Records observation windows, so that only observed time counts against monitors: after a stop, a crash, a freeze, a step of
//! the clock or a full disk, no monitor is blamed for the gap.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::history::observation_windows::observer::{EVERY, WindowChange};
use crate::domain::history::observation_windows::{ObservationWindow, ObservationWindows};
use crate::jobs::{JobContext, WINDOWS_KEPT};
use crate::store::history::observation_windows::{self, ObservationWindowId};
use crate::store::monitors::set_back;
use crate::store::{StoreError, Tx};

/// In its first minute, a process records its window at every reading: one that crashes every few seconds must observe, too.
const YOUNG: Duration = Duration::from_secs(60);

/// Time between two records after that.
const RECORD_EVERY: Duration = Duration::from_secs(5);

/// How long a job that judges monitors waits for the first readings of a window.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);

/// The latest window, and the changes to it that are not stored yet.
#[derive(Debug)]
pub(in crate::jobs) struct WindowRecord {
    /// The window that is open; `None`: none is, or it is not stored yet.
    id: Option<ObservationWindowId>,
    recorded: Stopwatch,
    /// The end of a window that is not stored yet.
    end: Option<(ObservationWindowId, Timestamp)>,
    begins_at: Option<Timestamp>,
    is_set_back: bool,
    failures: u64,
}

/// Begins an observation window. It must be stored before a job looks for overdue monitors, or the last window before this
/// start would be extended to now, and the gap between them would count as observed. The clock may have been set back while
/// Rollcall did not run.
pub(in crate::jobs) async fn begin(context: &JobContext) -> Result<WindowRecord, StoreError> {
    let reading = context.checks.clock.reading();
    let id = context
        .store
        .writer
        .transact::<_, StoreError>(move |tx| {
            Box::pin(async move {
                set_back::set_back(tx, reading.wall).await?;
                observation_windows::begin(tx, reading.wall).await
            })
        })
        .await?;
    context.observing.begin(reading);
    Ok(WindowRecord {
        id: Some(id),
        recorded: Stopwatch::start(),
        end: None,
        begins_at: None,
        is_set_back: false,
        failures: context.store.writer.failures(),
    })
}

/// Follows the clocks until `stop` turns true, and records that moment, too.
pub(in crate::jobs) async fn run(
    context: JobContext,
    mut record: WindowRecord,
    mut stop: watch::Receiver<bool>,
) {
    let (age, mut is_failing) = (Stopwatch::start(), false);
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep(EVERY) => {}
        }
        let could_observe = record.could_observe(&context);
        let reading = context.checks.clock.reading();
        let change = context.observing.read(reading, could_observe);
        record.note(change, reading.wall);
        let is_young = age.elapsed() < YOUNG;
        let is_due = is_young || *stop.borrow() || record.recorded.elapsed() >= RECORD_EVERY;
        if !record.has_news() && (!is_due || record.id.is_none()) {
            continue;
        }
        match record.store(&context, reading.wall).await {
            Ok(()) => {
                context.observing.mark_stored();
                is_failing = false;
            }
            // One line, not one a second for as long as the disk is full.
            Err(error) if !is_failing => {
                tracing::warn!(%error, "cannot record the observation window; this time does not count as observed");
                is_failing = true;
            }
            Err(_) => {}
        }
    }
}

impl WindowRecord {
    /// Whether heartbeats and reports could be received and stored since the last call.
    fn could_observe(&mut self, context: &JobContext) -> bool {
        let failures = context.store.writer.failures();
        let could_store = failures == self.failures;
        self.failures = failures;
        could_store && !context.checks.is_connectivity_lost() && has_connections(context)
    }

    fn note(&mut self, change: WindowChange, now: Timestamp) {
        if let Some(ended_at) = change.ended_at {
            self.end = self.id.take().map(|id| (id, ended_at)).or(self.end);
            self.begins_at = None;
        }
        if change.begins {
            self.begins_at = Some(now);
        }
        self.is_set_back |= change.is_set_back;
    }

    fn has_news(&self) -> bool {
        self.end.is_some() || self.begins_at.is_some() || self.is_set_back
    }

    /// Stores the changes, and that the window has lasted until now.
    async fn store(&mut self, context: &JobContext, now: Timestamp) -> Result<(), StoreError> {
        let (end, begins_at, is_set_back, id) =
            (self.end, self.begins_at, self.is_set_back, self.id);
        let stored = context
            .store
            .writer
            .transact::<_, StoreError>(move |tx| {
                Box::pin(async move {
                    if let Some((ended, at)) = end {
                        observation_windows::extend(tx, ended, at).await?;
                    }
                    if is_set_back {
                        set_back::set_back(tx, now).await?;
                    }
                    open_or_extend(tx, id, begins_at, now).await
                })
            })
            .await?;
        self.id = stored;
        (self.end, self.begins_at, self.is_set_back) = (None, None, false);
        self.recorded = Stopwatch::start();
        Ok(())
    }
}

async fn open_or_extend(
    tx: &mut Tx<'_>,
    id: Option<ObservationWindowId>,
    begins_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<ObservationWindowId>, StoreError> {
    let id = match begins_at {
        Some(at) => Some(observation_windows::begin(tx, at.min(now)).await?),
        None => id,
    };
    if let Some(id) = id {
        observation_windows::extend(tx, id, now).await?;
    }
    Ok(id)
}

/// Whether the HTTP server has accepted connections since the last call.
fn has_connections(context: &JobContext) -> bool {
    let health = &context.health;
    if !health.observation_window_has_ended() {
        return true;
    }
    if health.http_is_saturated() {
        return false;
    }
    health.resume_observation_window();
    tracing::info!("the HTTP server has free connections again");
    false
}

/// The observation windows; the last one is the current one and reaches to now. Waits for a moment while heartbeats and reports
/// may wait to be stored, as after a start: a process that does not live long must judge monitors, too. `None` if they still
/// may, or no window is open.
pub(in crate::jobs) async fn windows(
    context: &JobContext,
) -> Result<Option<ObservationWindows>, StoreError> {
    let waited = Stopwatch::start();
    while !context.observing.is_settled(context.checks.clock.reading()) {
        if waited.elapsed() > SETTLES_WITHIN {
            return Ok(None);
        }
        tokio::time::sleep(EVERY / 2).await;
    }
    let now = context.checks.clock.now();
    let mut windows =
        observation_windows::since(&context.store.reader, now.minus(WINDOWS_KEPT)).await?;
    match windows.0.last_mut() {
        Some(current) => current.confirmed_at = current.confirmed_at.max(now),
        None => windows.0.push(ObservationWindow::new(now, now)),
    }
    Ok(Some(windows))
}
