//! Marks overdue devices offline. It runs periodically, because a device that is switched off sends nothing.

use std::time::Duration;

use crate::actions::transition::{self, Change};
use crate::domain::Timestamp;
use crate::domain::devices::status_rule::{MissedHeartbeats, on_absence};
use crate::domain::event::Actor;
use crate::domain::history::observation_windows::ObservationWindows;
use crate::jobs::self_health::observation_window;
use crate::jobs::{JobContext, NOT_JUDGED};
use crate::store::devices::heartbeat::{self, Overdue};
use crate::store::{StoreError, Tx};

pub(in crate::jobs) const NAME: &str = "heartbeat_monitor";

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let threshold = context.heartbeat.device_threshold;
    let Some(windows) = observation_window::windows(context).await? else {
        return Ok(NOT_JUDGED.to_owned());
    };
    let now = context.checks.clock.now();
    let offline = context
        .store
        .writer
        .transact_last::<_, StoreError>(move |tx| {
            Box::pin(async move { mark(tx, threshold, &windows, now).await })
        })
        .await?;
    let summary = format!("{offline} devices went offline");
    if offline > 0 {
        tracing::info!(count = offline, "devices went offline");
    }
    Ok(summary)
}

/// Marks overdue devices offline and returns their number. A device that is already offline is not counted again.
async fn mark(
    tx: &mut Tx<'_>,
    threshold: Duration,
    windows: &ObservationWindows,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let missed = |late: &Overdue| {
        let missed = MissedHeartbeats {
            last_seen: late.last_seen_at,
            threshold: late.threshold,
            absence: windows.absence(late.last_seen_at, now),
        };
        on_absence(late.monitor, late.state, missed, now)
    };
    let overdue = heartbeat::overdue(tx, threshold, now).await?;
    let changes: Vec<Change> = overdue
        .iter()
        .filter_map(missed)
        .map(Change::from)
        .collect();
    transition::apply(tx, &changes, Actor::System, now).await?;
    Ok(changes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::discord_id::GuildId;
    use crate::domain::history::observation_windows::ObservationWindow;
    use crate::domain::monitor::MonitorId;
    use crate::store::devices::device;
    use crate::store::testing::{TestStore, new_device};

    const THRESHOLD: Duration = Duration::from_secs(300);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// Runs the monitor at second `now`, with observation windows given in seconds.
    async fn run_at(store: &TestStore, windows: &[(i64, i64)], now: i64) -> u64 {
        let windows = ObservationWindows(
            windows
                .iter()
                .map(|(started_at, confirmed_at)| {
                    ObservationWindow::new(at(*started_at), at(*confirmed_at))
                })
                .collect(),
        );
        store
            .write(move |tx| Box::pin(async move { mark(tx, THRESHOLD, &windows, at(now)).await }))
            .await
    }

    async fn with_device(last_seen: i64) -> TestStore {
        let store = TestStore::open().await;
        store
            .write(move |tx| {
                Box::pin(async move {
                    let uuid = DeviceUuid::from_random([1; 16]);
                    let id: MonitorId =
                        device::insert(tx, &new_device(GuildId(1), &uuid, "pump"), at(last_seen))
                            .await?;
                    heartbeat::record_heartbeats(tx, &[(id, at(last_seen))]).await
                })
            })
            .await;
        store
    }

    #[tokio::test]
    async fn an_overdue_device_is_recorded_once_with_its_threshold() {
        let store = with_device(1_000).await;
        assert_eq!(run_at(&store, &[(0, 1_300)], 1_300).await, 0);
        assert_eq!(run_at(&store, &[(0, 1_301)], 1_301).await, 1);
        assert_eq!(run_at(&store, &[(0, 9_999)], 9_999).await, 0);
        let events: Vec<(String, String)> = store.rows("SELECT kind, details FROM events").await;
        assert_eq!(
            events,
            [(
                "device_offline".to_owned(),
                r#"{"device_uuid":"01010101-0101-4101-8101-010101010101","last_seen":1000000,"name":"pump","severity":"warning","threshold_ms":300000}"#.to_owned()
            )]
        );
    }

    #[tokio::test]
    async fn time_outside_observation_windows_does_not_count_as_overdue() {
        for gap in [1, 90, 3_600, 86_400] {
            let store = with_device(1_000).await;
            let back = 1_100 + gap;
            let windows = |now| [(0, 1_100), (back, now)];
            for after in [1, 100, 300] {
                let now = back + after;
                assert_eq!(run_at(&store, &windows(now), now).await, 0, "{gap} {after}");
            }
            let now = back + 301;
            assert_eq!(run_at(&store, &windows(now), now).await, 1, "{gap}");
        }
    }

    #[tokio::test]
    async fn frequent_restarts_do_not_hide_an_overdue_device() {
        let store = with_device(0).await;
        // Windows of a minute with gaps of a minute: none is as long as the threshold.
        let mut windows = Vec::new();
        let mut offline_at = None;
        for number in 0..30 {
            let started_at = number * 120;
            windows.push((started_at, started_at + 60));
            if offline_at.is_none() && run_at(&store, &windows, started_at + 60).await == 1 {
                offline_at = Some(number);
            }
        }
        // Nine minutes observed: the threshold of five, and three of grace.
        assert_eq!(offline_at, Some(8));
    }
}
