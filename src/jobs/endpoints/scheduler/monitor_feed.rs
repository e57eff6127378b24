//! Feeds the endpoints to the scheduler: all of them at the start, then every change, regardless of its source.
//!
//! A change in this process rings the bell. A change by another process (a one-shot command) shows in SQLite's data
//! version, which is polled twice a second. Either way the events name the endpoints to read again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::domain::monitor::MonitorId;
use crate::health::{Component, Health};
use crate::store::endpoints::endpoint::{self, Scheduled};
use crate::store::{ChangeProbe, Store, StoreError, event};

/// Time between two polls for commits of other processes.
const POLL: Duration = Duration::from_millis(500);

/// Endpoints per query at the start.
const BATCH: u32 = 500;

/// Endpoints that were added or changed, and endpoints that were removed.
pub(super) struct FeedChange {
    pub present: Vec<Scheduled>,
    pub removed: Vec<MonitorId>,
    /// Set for the first read at the start: all endpoints are spread over their slots.
    pub is_start: bool,
}

/// Sends all endpoints, then their changes, until `stop` turns true.
pub(super) async fn follow(
    store: Store,
    health: Arc<Health>,
    changes: mpsc::Sender<FeedChange>,
    mut stop: watch::Receiver<bool>,
) {
    tokio::select! {
        _ = stop.wait_for(|stopping| *stopping) => {}
        () = follow_forever(store, &health, changes) => {}
    }
}

async fn follow_forever(store: Store, health: &Health, changes: mpsc::Sender<FeedChange>) {
    let mut bell = store.bell();
    let mut newest = loop {
        match read_all(&store, &changes).await {
            Ok(newest) => break newest,
            Err(error) => retry_later("cannot load endpoints", &error).await,
        }
    };
    let mut probe: Option<(ChangeProbe, i64)> = None;
    health.record_progress(Component::MonitorFeed);
    loop {
        let is_rung = tokio::time::timeout(POLL, bell.changed()).await.is_ok();
        let has_changed = match has_changed(&store, &mut probe).await {
            Ok(has_changed) => has_changed,
            Err(error) => {
                probe = None;
                retry_later("cannot detect endpoint changes", &error).await;
                true
            }
        };
        if is_rung || has_changed {
            match read_changes(&store, &changes, newest).await {
                Ok(latest) => newest = latest,
                Err(error) => {
                    // Without a known version, the next turn reads the changes again.
                    probe = None;
                    retry_later("cannot load changed endpoints", &error).await;
                    continue;
                }
            }
        }
        if probe.is_some() {
            health.record_progress(Component::MonitorFeed);
        }
    }
}

async fn retry_later(what: &str, error: &StoreError) {
    tracing::error!(%error, "{what}, retrying");
    tokio::time::sleep(POLL).await;
}

async fn has_changed(
    store: &Store,
    probe: &mut Option<(ChangeProbe, i64)>,
) -> Result<bool, StoreError> {
    let (connection, before) = match probe {
        Some(known) => known,
        None => probe.insert((store.reader.change_probe().await?, -1)),
    };
    let version = connection.version().await?;
    let has_changed = version != *before;
    *before = version;
    Ok(has_changed)
}

async fn read_all(store: &Store, changes: &mpsc::Sender<FeedChange>) -> Result<i64, StoreError> {
    let newest = event::newest(&store.reader).await?;
    let mut after = MonitorId(0);
    loop {
        let batch = endpoint::scheduled(&store.reader, after, BATCH).await?;
        let Some(last) = batch.last else {
            return Ok(newest);
        };
        after = last;
        let _ = changes
            .send(FeedChange {
                present: batch.endpoints,
                removed: Vec::new(),
                is_start: true,
            })
            .await;
    }
}

async fn read_changes(
    store: &Store,
    changes: &mpsc::Sender<FeedChange>,
    after: i64,
) -> Result<i64, StoreError> {
    let (changed, newest) = event::changed_after(&store.reader, after).await?;
    if changed.is_empty() {
        return Ok(newest);
    }
    let present = endpoint::scheduled_among(&store.reader, &changed).await?;
    let known: std::collections::HashSet<MonitorId> =
        present.iter().map(|endpoint| endpoint.id).collect();
    let removed = changed
        .into_iter()
        .filter(|id| !known.contains(id))
        .collect();
    let _ = changes
        .send(FeedChange {
            present,
            removed,
            is_start: false,
        })
        .await;
    Ok(newest)
}
