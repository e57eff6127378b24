//! Check results on a real database: what is written, when, and that it is written completely or not at all.

use super::*;
use crate::actions::Requester;
use crate::actions::endpoints::endpoint_limits::{EndpointLimits, LimitedStore};
use crate::actions::endpoints::manage_endpoint::{self, EndpointEdit};
use crate::domain::discord_id::GuildId;
use crate::domain::discord_id::UserId;
use crate::domain::endpoints::certificate_expiry::Certificate;
use crate::domain::endpoints::check_result::Failure;
use crate::domain::endpoints::check_result::{FailureClass, Timings, Verdict};
use crate::domain::endpoints::http_check_change::HttpCheckChange;
use crate::domain::patch::Patch;
use crate::domain::status::transition::Transition;
use crate::store::endpoints::endpoint::{self, Description};
use crate::store::testing::TestStore;

const RULES: Rules = Rules {
    interval: Duration::from_secs(60),
    retry_interval: Duration::from_secs(10),
    recheck_interval: Duration::from_secs(3600),
    failures_to_offline: 3,
};
const HOME: GuildId = GuildId(9);

async fn add(store: &TestStore, target: &'static str) -> MonitorId {
    let description = Description {
        name: target.into(),
        target: target.parse().unwrap(),
        http_check: None,
        interval: None,
    };
    store
        .write(move |tx| {
            Box::pin(async move {
                endpoint::insert(tx, HOME, &description, Timestamp::from_millis(0)).await
            })
        })
        .await
        .unwrap()
}

fn completed(id: MonitorId, seconds: i64, verdict: Verdict) -> CompletedCheck {
    let at = Timestamp::from_millis(seconds * 1000);
    let result = CheckResult {
        at,
        verdict,
        timings: Timings::default(),
        certificate: None,
    };
    CompletedCheck {
        has_name: false,
        monitor_id: id,
        revision: 0,
        result,
        waiters: Vec::new(),
    }
}

fn refused() -> Verdict {
    Verdict::Down(Failure::new(FailureClass::Refused))
}

async fn check(store: &TestStore, id: MonitorId, seconds: i64, verdict: Verdict) -> Arc<Recorded> {
    let now = Timestamp::from_millis(seconds * 1000 + 1);
    let recorded = record(
        &store.writer,
        vec![completed(id, seconds, verdict)],
        RULES,
        Actor::System,
        now,
    )
    .await
    .unwrap();
    recorded.into_iter().next().expect("the endpoint exists")
}

#[tokio::test]
async fn an_outage_is_announced_once_the_policy_allows_its_address() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let id = add(&store, "tcp://inside.example:1").await;
    let denied = || Verdict::Down(Failure::new(FailureClass::NotAllowed));
    for seconds in [0, 10, 20, 3_700] {
        check(&store, id, seconds, denied()).await;
    }
    let incidents =
        "SELECT COUNT(*) FROM outages WHERE incident_id IS NOT NULL AND ended_at IS NULL";
    assert_eq!(store.rows::<(i64,)>(incidents).await, [(0,)]);
    check(&store, id, 7_400, refused()).await;
    assert_eq!(store.rows::<(i64,)>(incidents).await, [(1,)]);
}

#[tokio::test]
async fn an_outage_is_stored_once_with_events_dated_when_they_happened() {
    let store = TestStore::open().await;
    let id = add(&store, "tcp://192.0.2.1:80").await;
    check(&store, id, 10, Verdict::Up).await;
    for second in [20, 30, 40, 100] {
        check(&store, id, second, refused()).await;
    }
    let inactive: Vec<(i64, String, i64)> = store
        .rows("SELECT is_active, inactive_reason, last_check_date FROM endpoints")
        .await;
    assert_eq!(inactive, [(0, "refused".to_owned(), 100_000)]);
    let back = check(&store, id, 200, Verdict::Up).await;
    assert_eq!(
        back.transition
            .as_ref()
            .and_then(Transition::recovered_after),
        Some(Duration::from_secs(180))
    );

    let events: Vec<(String, i64, String)> = store
        .rows(
            "SELECT kind, at, json_remove(details, '$.name', '$.severity') FROM events ORDER BY id",
        )
        .await;
    let events: Vec<_> = events
        .iter()
        .map(|(kind, at, details)| (kind.as_str(), *at, details.as_str()))
        .collect();
    assert_eq!(
        events,
        [
            ("endpoint_up", 10_000, r#"{"endpoint_id":1}"#),
            (
                "endpoint_warning",
                20_000,
                r#"{"detail":null,"endpoint_id":1,"reason":"refused"}"#
            ),
            (
                "endpoint_offline",
                20_000,
                r#"{"detail":null,"endpoint_id":1,"reason":"refused"}"#
            ),
            (
                "endpoint_online",
                200_000,
                r#"{"down_for_ms":180000,"endpoint_id":1}"#
            ),
        ]
    );
    let outages: Vec<(i64, i64, String)> = store
        .rows("SELECT started_at, ended_at, reason FROM outages")
        .await;
    assert_eq!(outages, [(20_000, 200_000, "refused".to_owned())]);
    let active: Vec<(i64, Option<String>)> = store
        .rows("SELECT is_active, inactive_reason FROM endpoints")
        .await;
    assert_eq!(active, [(1, None)]);
}

#[tokio::test]
async fn consecutive_failures_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/r.db", folder.path().display());
    let mut statuses = Vec::new();
    let mut id = None;
    for second in [10, 20, 30] {
        let store = crate::store::Store::open(&url).await.unwrap();
        let known = match id {
            Some(id) => id,
            None => {
                let description = Description {
                    name: "x".into(),
                    target: "tcp://192.0.2.1:80".parse().unwrap(),
                    http_check: None,
                    interval: None,
                };
                let added: Result<_, StoreError> = store
                    .writer
                    .transact(move |tx| {
                        Box::pin(async move {
                            endpoint::insert(tx, HOME, &description, Timestamp::from_millis(0))
                                .await
                        })
                    })
                    .await;
                added.unwrap().unwrap()
            }
        };
        id = Some(known);
        let now = Timestamp::from_millis(second * 1000);
        let recorded = record(
            &store.writer,
            vec![completed(known, second, refused())],
            RULES,
            Actor::System,
            now,
        )
        .await
        .unwrap();
        statuses.push(recorded[0].state.status);
        store.close().await;
    }
    assert_eq!(
        statuses,
        [Status::Warning, Status::Warning, Status::Offline]
    );
}

#[tokio::test]
async fn results_for_one_endpoint_in_a_batch_build_on_each_other() {
    let store = TestStore::open().await;
    let id = add(&store, "tcp://192.0.2.1:80").await;
    let batch = [1, 11, 21].map(|second| completed(id, second, refused()));
    let recorded = record(
        &store.writer,
        batch.into(),
        RULES,
        Actor::System,
        Timestamp::from_millis(22_000),
    )
    .await
    .unwrap();
    assert_eq!(recorded.last().unwrap().state.status, Status::Offline);
    assert_eq!(
        recorded.last().unwrap().state.since,
        Timestamp::from_millis(1000)
    );
}

#[tokio::test]
async fn results_for_a_removed_endpoint_are_dropped() {
    let store = TestStore::open().await;
    let id = add(&store, "tcp://192.0.2.1:80").await;
    check(&store, id, 1, Verdict::Up).await;
    let _ = store
        .write(move |tx| Box::pin(endpoint::remove(tx, HOME, id)))
        .await;
    let batch = vec![completed(id, 2, refused())];
    let recorded = record(
        &store.writer,
        batch,
        RULES,
        Actor::System,
        Timestamp::from_millis(3000),
    )
    .await
    .unwrap();
    assert_eq!(recorded, []);
}

#[tokio::test]
async fn steady_results_do_not_rewrite_the_monitor_and_are_due_at_their_slot() {
    let store = TestStore::open().await;
    let id = add(&store, "tcp://192.0.2.1:80").await;
    check(&store, id, 10, Verdict::Up).await;
    let steady = check(&store, id, 70, Verdict::Up).await;
    assert_eq!(steady.transition, None);
    let due = steady.next_check_at.unwrap();
    assert!(due > Timestamp::from_millis(70_000) && due <= Timestamp::from_millis(130_000));
    let since: Vec<(i64,)> = store.rows("SELECT since FROM monitors").await;
    assert_eq!(since, [(10_000,)]);
}

#[tokio::test]
async fn changes_by_another_process_are_seen_by_the_next_result() {
    let store = TestStore::open().await;
    let id = add(&store, "tcp://192.0.2.1:80").await;
    check(&store, id, 10, Verdict::Up).await;
    let other = crate::store::Store::open(&store.url()).await.unwrap();
    for second in [20, 30, 40] {
        record(
            &other.writer,
            vec![completed(id, second, refused())],
            RULES,
            Actor::CommandLine,
            Timestamp::from_millis(40_000),
        )
        .await
        .unwrap();
    }
    other.close().await;
    let back = check(&store, id, 50, Verdict::Up).await;
    assert_eq!(back.status_before, Status::Offline);
}

#[tokio::test]
async fn results_for_an_older_revision_are_dropped() {
    let other = || Some("tcp://192.0.2.2:80".parse().unwrap());
    let http = || {
        Patch::Set(HttpCheckChange {
            status: Some("204".into()),
            ..HttpCheckChange::default()
        })
    };
    for (edit, counts) in [
        (EndpointEdit::default(), true),
        (
            EndpointEdit {
                name: Some("another name".into()),
                ..EndpointEdit::default()
            },
            true,
        ),
        (
            EndpointEdit {
                target: other(),
                ..EndpointEdit::default()
            },
            false,
        ),
        (
            EndpointEdit {
                http: http(),
                ..EndpointEdit::default()
            },
            false,
        ),
    ] {
        let store = TestStore::open().await;
        let id = add(&store, "http://192.0.2.1/").await;
        check(&store, id, 10, Verdict::Up).await;
        let requester = Requester {
            guild: HOME,
            actor: Actor::Member(UserId(42)),
        };
        let case = format!("{edit:?}");
        let edited_at = Timestamp::from_millis(15_000);
        let limited = LimitedStore {
            store: &store,
            limits: &EndpointLimits::of_quota(10),
        };
        manage_endpoint::edit(limited, requester, id, edit, edited_at)
            .await
            .unwrap();
        let late = vec![completed(id, 14, refused())];
        let now = Timestamp::from_millis(20_000);
        let recorded = record(&store.writer, late, RULES, Actor::System, now)
            .await
            .unwrap();
        assert_eq!(recorded.len(), usize::from(counts), "{case}");
    }
}

#[tokio::test]
async fn a_certificate_is_stored_when_it_changes_and_kept_when_a_check_receives_none() {
    let store = TestStore::open().await;
    let id = add(&store, "https://192.0.2.1/").await;
    let until = |expires_at: i64, host: Option<&str>| Certificate {
        starts_at: Some(Timestamp::from_millis(1)),
        expires_at: Timestamp::from_millis(expires_at),
        host: host.map(Box::from),
    };
    let (first, renewed) = (until(500_000, Some("a.example")), until(900_000, None));
    for (second, received, stored) in [
        (10, Some(&first), &first),
        (20, Some(&first), &first),
        (30, None, &first),
        (40, Some(&renewed), &renewed),
    ] {
        let mut passed = completed(id, second, Verdict::Up);
        passed.result.certificate = received.cloned();
        let now = Timestamp::from_millis(second * 1000 + 1);
        record(&store.writer, vec![passed], RULES, Actor::System, now)
            .await
            .unwrap();
        let found = endpoint::get(&store.reader, HOME, id).await.unwrap();
        assert_eq!(found.unwrap().certificate.as_ref(), Some(stored));
        // As it is read after a restart.
        let loaded = store
            .write(move |tx| {
                Box::pin(async move {
                    state::forget(tx, id);
                    state::load(tx, &[id]).await?;
                    Ok(state::of(tx, id))
                })
            })
            .await;
        assert_eq!(loaded.unwrap().certificate.as_ref(), Some(stored));
    }
}
