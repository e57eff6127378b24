//! Suggests thresholds by a server's own report interval: shown to people, or applied week by week if they enable that.

use std::time::Duration;

use super::manage_server::{self, ServerEdit};
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::patch::Patch;
use crate::domain::servers::threshold::Thresholds;
use crate::domain::servers::threshold_proposal::{
    self, FOLLOWED_EVERY, OBSERVED, Replay, ReportIntervals,
};
use crate::store::history::{observation_windows, server_rollups};
use crate::store::servers::server::{self, Server};
use crate::store::{Reader, Store, StoreError, Tx};

/// Thresholds suggested by the reports of the last week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub intervals: ReportIntervals,
    /// Thresholds in effect.
    pub current: Thresholds,
    pub proposed: Thresholds,
    /// The last week replayed with each of the two.
    pub with_current: Replay,
    pub with_proposed: Replay,
}

/// Suggests thresholds for a server; `None` if it has sent too few reports to learn its interval.
pub async fn suggest(
    reader: &Reader,
    server: &Server,
    defaults: Thresholds,
    now: Timestamp,
) -> Result<Option<Suggestion>, StoreError> {
    let since = now.minus(OBSERVED);
    let reports = server_rollups::report_times(reader, server.id, since, now).await?;
    // Time outside the observation windows is not part of a gap between reports.
    let windows = observation_windows::since(reader, since).await?;
    let gaps: Vec<Duration> = reports
        .windows(2)
        .map(|pair| windows.between(pair[0], pair[1]))
        .collect();
    let Some(intervals) = threshold_proposal::report_intervals(&gaps) else {
        return Ok(None);
    };
    let (current, proposed) = (
        server.thresholds.unwrap_or(defaults),
        threshold_proposal::propose(intervals),
    );
    // The time since the last report is a gap, too.
    let open = reports.last().map(|last| windows.between(*last, now));
    let gaps: Vec<Duration> = gaps.into_iter().chain(open).collect();
    Ok(Some(Suggestion {
        intervals,
        current,
        proposed,
        with_current: threshold_proposal::replay(&gaps, &current),
        with_proposed: threshold_proposal::replay(&gaps, &proposed),
    }))
}

/// Takes the first step of automatic thresholds at once, after an edit that may have enabled them.
pub async fn start(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    defaults: Thresholds,
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(server) = server::get(&store.reader, requester.guild, id).await? {
        follow(store, server, defaults, now).await?;
    }
    Ok(())
}

/// Moves the thresholds of a server one step toward the suggestion, if automatic thresholds are enabled and the last step
/// was a week ago; returns whether they changed.
pub async fn follow(
    store: &Store,
    server: Server,
    defaults: Thresholds,
    now: Timestamp,
) -> Result<bool, Error> {
    let is_due = server
        .thresholds_followed_at
        .is_none_or(|followed| now.since(followed) >= FOLLOWED_EVERY);
    if !server.auto_thresholds || !server.is_active || !is_due {
        return Ok(false);
    }
    let Some(suggestion) = suggest(&store.reader, &server, defaults, now).await? else {
        return Ok(false);
    };
    let next = threshold_proposal::step(suggestion.current, suggestion.proposed);
    let is_new = next != suggestion.current;
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let known = server::find(tx, server.id).await?;
                if known.is_none_or(|known| !is_same_basis(&known, &server)) {
                    return Ok(false);
                }
                server::followed(tx, server.id, now).await?;
                if is_new {
                    take(tx, &server, next, now).await?;
                }
                Ok(is_new)
            })
        })
        .await
}

/// Whether a suggestion for `server` still applies. The server may have been edited while the suggestion was calculated.
fn is_same_basis(known: &Server, server: &Server) -> bool {
    known.auto_thresholds
        && known.is_active
        && known.thresholds == server.thresholds
        && known.thresholds_followed_at == server.thresholds_followed_at
}

async fn take(
    tx: &mut Tx<'_>,
    server: &Server,
    thresholds: Thresholds,
    now: Timestamp,
) -> Result<(), Error> {
    let requester = Requester {
        guild: server.guild_id,
        actor: Actor::System,
    };
    let edit = ServerEdit {
        thresholds: Patch::Set(thresholds),
        ..ServerEdit::default()
    };
    manage_server::edit_in(tx, requester, server.id, edit, now).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::store::testing::TestStore;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// A server that reported every minute from second 0 to 6,000, with no observation window from 3,000 to 4,800.
    async fn with_server(store: &TestStore) -> Server {
        let id = store
            .write(|tx| {
                Box::pin(async move {
                    let id = server::insert(tx, GuildId(1), "db-1", at(0)).await?;
                    for (start, end) in [(0, 3_000), (4_800, 6_000)] {
                        let window = observation_windows::begin(tx, at(start)).await?;
                        observation_windows::extend(tx, window, at(end)).await?;
                    }
                    for minute in (0..=50).chain(80..=100) {
                        server::keep_sample(tx, id, at(minute * 60), "{}").await?;
                    }
                    Ok(id)
                })
            })
            .await;
        server::get(&store.reader, GuildId(1), id)
            .await
            .unwrap()
            .unwrap()
    }

    #[tokio::test]
    async fn suggestions_ignore_time_outside_observation_windows() {
        let store = TestStore::open().await;
        let server = with_server(&store).await;
        let found = suggest(&store.reader, &server, Thresholds::DEFAULT, at(6_000))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (
                found.intervals.gaps,
                found.intervals.percentile_99.as_secs()
            ),
            (71, 60)
        );
        assert_eq!(found.proposed.online(), Duration::from_secs(120));
        assert_eq!(
            (found.with_current, found.with_proposed),
            (Replay::default(), Replay::default())
        );
    }

    #[tokio::test]
    async fn automatic_thresholds_move_by_one_step_a_week() {
        let store = TestStore::open().await;
        let server = with_server(&store).await;
        let id = server.id;
        let requester = Requester {
            guild: GuildId(1),
            actor: Actor::CommandLine,
        };
        let follow_at = async |seconds: i64| {
            let server = server::get(&store.reader, GuildId(1), id)
                .await
                .unwrap()
                .unwrap();
            follow(&store, server, Thresholds::DEFAULT, at(seconds))
                .await
                .unwrap()
        };
        assert!(
            !follow_at(6_000).await,
            "automatic thresholds are not enabled"
        );
        let edit = ServerEdit {
            auto_thresholds: Some(true),
            ..ServerEdit::default()
        };
        manage_server::edit(&store, requester, id, edit, at(6_000))
            .await
            .unwrap();
        assert!(follow_at(6_000).await);
        assert!(!follow_at(6_060).await, "once a week");
        let followed = server::get(&store.reader, GuildId(1), id)
            .await
            .unwrap()
            .unwrap();
        // From 5 towards 2 minutes: by half.
        assert_eq!(
            followed.thresholds.unwrap().online(),
            Duration::from_secs(150)
        );
        let events: Vec<(String, String)> = store
            .rows("SELECT kind, actor FROM events ORDER BY id")
            .await;
        let event = |kind: &str, actor: &str| (kind.to_owned(), actor.to_owned());
        assert_eq!(
            events,
            [
                event("server_edited", "cli"),
                event("server_thresholds_changed", "system")
            ]
        );
    }
}
