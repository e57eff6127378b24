//! Brings the roll to the scheduler: all of it at the start, then every change, whoever made it.
//!
//! A change in this process rings the bell. A change by another process (a one-shot command) is seen by SQLite's data
//! version, asked twice a second. Either way the events say which endpoints to read again.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::domain::monitor::MonitorId;
use crate::store::endpoint::{self, Scheduled};
use crate::store::{ChangeProbe, Store, StoreError, event};

/// How often other processes' commits are looked for.
const POLL: Duration = Duration::from_millis(500);

/// Endpoints read at once at the start.
const BATCH: u32 = 500;

/// Endpoints to be put on the roll and taken off it.
pub(super) struct FeedChange {
    pub there: Vec<Scheduled>,
    pub gone: Vec<MonitorId>,
    /// From the reading at the start: all of them are spread.
    pub is_start: bool,
}

/// Sends the roll, then its changes, until `stop` turns true.
pub(super) async fn follow(
    store: Store,
    changes: mpsc::Sender<FeedChange>,
    mut stop: watch::Receiver<bool>,
) {
    tokio::select! {
        _ = stop.wait_for(|stopping| *stopping) => {}
        () = follow_for_ever(store, changes) => {}
    }
}

async fn follow_for_ever(store: Store, changes: mpsc::Sender<FeedChange>) {
    let mut bell = store.bell();
    let mut newest = loop {
        match read_all(&store, &changes).await {
            Ok(newest) => break newest,
            Err(error) => retry_later("the roll cannot be read", &error).await,
        }
    };
    let mut probe: Option<(ChangeProbe, i64)> = None;
    loop {
        let is_rung = tokio::time::timeout(POLL, bell.changed()).await.is_ok();
        let has_changed = match has_changed(&store, &mut probe).await {
            Ok(has_changed) => has_changed,
            Err(error) => {
                probe = None;
                retry_later("changes of the roll cannot be looked for", &error).await;
                true
            }
        };
        if !is_rung && !has_changed {
            continue;
        }
        match read_changes(&store, &changes, newest).await {
            Ok(seen) => newest = seen,
            Err(error) => retry_later("changes of the roll cannot be read", &error).await,
        }
    }
}

async fn retry_later(what: &str, error: &StoreError) {
    tracing::error!(%error, "{what}; trying again");
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
        let there = endpoint::scheduled(&store.reader, after, BATCH).await?;
        let Some(last) = there.last() else {
            return Ok(newest);
        };
        after = last.id;
        let _ = changes
            .send(FeedChange {
                there,
                gone: Vec::new(),
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
    let there = endpoint::scheduled_among(&store.reader, &changed).await?;
    let known: std::collections::HashSet<MonitorId> =
        there.iter().map(|endpoint| endpoint.id).collect();
    let gone = changed
        .into_iter()
        .filter(|id| !known.contains(id))
        .collect();
    let _ = changes
        .send(FeedChange {
            there,
            gone,
            is_start: false,
        })
        .await;
    Ok(newest)
}
