//! Endpoints on a real database: isolation of guilds, order of lists, and the selection for the recheck job.

use super::*;
use crate::domain::endpoints::check_result::{Failure, FailureClass};
use crate::store::Effect;
use crate::store::endpoints::state;
use crate::store::endpoints::state::Loaded;
use crate::store::monitors::monitor_state;
use crate::store::monitors::status::{self, NewStatus};
use crate::store::testing::TestStore;

const HOME: GuildId = GuildId(1);
const OTHER: GuildId = GuildId(2);

fn describe(name: &str, target: &str) -> Description {
    Description {
        name: name.into(),
        target: target.parse().unwrap(),
        http_check: None,
        interval: None,
    }
}

async fn add(
    store: &TestStore,
    guild: GuildId,
    name: &'static str,
    target: &'static str,
) -> Option<MonitorId> {
    let at = Timestamp::from_millis(1_000);
    store
        .write(move |tx| {
            Box::pin(async move { insert(tx, guild, &describe(name, target), at).await })
        })
        .await
}

/// Makes an endpoint offline since `since`, last checked at `checked`.
async fn take_down(store: &TestStore, id: MonitorId, since: i64, checked: Option<i64>) {
    let failure = Some(Failure::with(FailureClass::TimedOut, "while connecting"));
    let state = State {
        status: Status::Offline,
        since: Timestamp::from_millis(since),
        consecutive_failures: 3,
        failure,
    };
    let loaded = Loaded {
        guild_id: HOME,
        state,
        revision: 0,
        interval: None,
        certificate: None,
    };
    store
        .write(move |tx| {
            Box::pin(async move {
                state::save_details(tx, id, loaded).await?;
                let offline = NewStatus {
                    id,
                    from: Status::Unknown,
                    to: Status::Offline,
                    since: Timestamp::from_millis(since),
                };
                status::set(tx, &[offline]).await?;
                if let Some(checked) = checked {
                    state::checked_while_inactive(tx, id, Timestamp::from_millis(checked)).await?;
                }
                Ok(())
            })
        })
        .await;
}

#[tokio::test]
async fn the_same_target_is_added_once_per_guild() {
    let store = TestStore::open().await;
    assert!(add(&store, HOME, "a", "tcp://192.0.2.1:80").await.is_some());
    assert_eq!(add(&store, HOME, "b", "192.0.2.1:80").await, None);
    assert!(
        add(&store, OTHER, "a", "tcp://192.0.2.1:80")
            .await
            .is_some()
    );
}

#[tokio::test]
async fn an_endpoint_of_another_guild_is_neither_found_nor_removed() {
    let store = TestStore::open().await;
    let id = add(&store, HOME, "web", "http://example.org/")
        .await
        .unwrap();
    assert_eq!(get(&store.reader, OTHER, id).await.unwrap(), None);
    assert_eq!(
        with_target(&store.reader, OTHER, "http://example.org/")
            .await
            .unwrap(),
        None
    );
    assert!(
        search(&store.reader, OTHER, "web", 25)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        with_address(&store.reader, OTHER, "example.org", None)
            .await
            .unwrap()
            .is_empty()
    );
    let foreign = store.write(move |tx| Box::pin(remove(tx, OTHER, id))).await;
    assert_eq!(foreign, Effect::Nothing);
    assert!(get(&store.reader, HOME, id).await.unwrap().is_some());
}

#[tokio::test]
async fn the_description_of_an_endpoint_reads_back() {
    let store = TestStore::open().await;
    let http_check = HttpCheck {
        keyword: Some("ok".into()),
        ..HttpCheck::default()
    };
    let description = Description {
        name: "shop".into(),
        target: "https://example.org/health?x=1".parse().unwrap(),
        http_check: Some(http_check),
        interval: Some(Duration::from_secs(5)),
    };
    let written = description.clone();
    let id = store
        .write(move |tx| {
            Box::pin(async move { insert(tx, HOME, &written, Timestamp::from_millis(5)).await })
        })
        .await
        .unwrap();
    let read = get(&store.reader, HOME, id).await.unwrap().unwrap();
    assert_eq!(read.description, description);
    assert_eq!(read.state, State::new(Timestamp::from_millis(5)));
}

#[tokio::test]
async fn an_edit_cannot_use_the_target_of_another_endpoint() {
    let store = TestStore::open().await;
    add(&store, HOME, "a", "tcp://192.0.2.1:80").await;
    let id = add(&store, HOME, "b", "tcp://192.0.2.1:81").await.unwrap();
    let endpoint = get(&store.reader, HOME, id).await.unwrap().unwrap();
    for (port, effect) in [(80, Effect::Nothing), (82, Effect::Changed)] {
        let (endpoint, wanted) = (
            endpoint.clone(),
            describe("b", &format!("tcp://192.0.2.1:{port}")),
        );
        let done = store
            .write(move |tx| Box::pin(async move { update(tx, &endpoint, &wanted).await }))
            .await;
        assert_eq!(done, effect);
    }
    assert_eq!(
        get(&store.reader, HOME, id)
            .await
            .unwrap()
            .unwrap()
            .description
            .target
            .port,
        82
    );
}

#[tokio::test]
async fn removal_deletes_all_rows_and_ids_are_not_reused() {
    let store = TestStore::open().await;
    let first = add(&store, HOME, "a", "tcp://192.0.2.1:80").await.unwrap();
    let removed = store
        .write(move |tx| Box::pin(remove(tx, HOME, first)))
        .await;
    assert_eq!(removed, Effect::Changed);
    let left: Vec<(i64,)> =
        store.rows("SELECT COUNT(*) FROM (SELECT monitor_id FROM monitor_state UNION SELECT monitor_id FROM endpoint_targets)").await;
    assert_eq!(left, [(0,)]);
    assert!(add(&store, HOME, "a", "tcp://192.0.2.1:80").await.unwrap() > first);
}

#[tokio::test]
async fn rechecks_are_due_by_age_with_never_checked_endpoints_first() {
    let store = TestStore::open().await;
    let mut ids = Vec::new();
    for target in [
        "tcp://192.0.2.1:1",
        "tcp://192.0.2.1:2",
        "tcp://192.0.2.1:3",
        "tcp://192.0.2.1:4",
        "tcp://192.0.2.1:5",
    ] {
        ids.push(add(&store, HOME, target, target).await.unwrap());
    }
    for (id, checked) in [
        (ids[0], Some(500)),
        (ids[1], Some(100)),
        (ids[2], None),
        (ids[3], Some(900)),
    ] {
        take_down(&store, id, 50, checked).await;
    }
    let due = due_for_recheck(&store.reader, None, Timestamp::from_millis(500), 10)
        .await
        .unwrap();
    assert_eq!(
        due.iter().map(|due| due.id).collect::<Vec<_>>(),
        [ids[2], ids[1], ids[0]]
    );
    let first = due_for_recheck(&store.reader, Some(HOME), Timestamp::from_millis(500), 1)
        .await
        .unwrap();
    assert_eq!(first.len(), 1);
    assert!(
        due_for_recheck(&store.reader, Some(OTHER), Timestamp::from_millis(500), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn lists_filter_count_and_show_the_longest_outage_first() {
    let store = TestStore::open().await;
    let a = add(&store, HOME, "alpha", "tcp://192.0.2.1:1")
        .await
        .unwrap();
    let b = add(&store, HOME, "beta", "tcp://192.0.2.1:2")
        .await
        .unwrap();
    add(&store, HOME, "gamma", "tcp://192.0.2.1:3")
        .await
        .unwrap();
    take_down(&store, a, 90, None).await;
    take_down(&store, b, 40, None).await;
    let inactive = EndpointFilter {
        guild: Some(HOME),
        active: Some(false),
        ..EndpointFilter::default()
    };
    let page = list(&store.reader, inactive, Start::Skip(0), 1)
        .await
        .unwrap();
    assert_eq!((page.total, page.endpoints[0].id), (2, b));
    let refused = EndpointFilter {
        reason: Some(FailureClass::Refused),
        ..inactive
    };
    assert_eq!(
        list(&store.reader, refused, Start::Skip(0), 10)
            .await
            .unwrap()
            .total,
        0
    );
    assert_eq!(
        counts_by_reason(&store.reader, HOME).await.unwrap(),
        [(FailureClass::TimedOut, 2)]
    );
    let mut counts = counts_by_status(&store.reader, Some(HOME)).await.unwrap();
    counts.sort_by_key(|(_, count)| *count);
    assert_eq!(counts, [(Status::Unknown, 1), (Status::Offline, 2)]);
    assert_eq!(
        oldest_offline(&store.reader, HOME)
            .await
            .unwrap()
            .unwrap()
            .id,
        b
    );
}

#[tokio::test]
async fn a_search_is_caseless_in_every_script_and_treats_wildcards_as_text() {
    let store = TestStore::open().await;
    add(&store, HOME, "Web_Shop", "tcp://192.0.2.1:1").await;
    add(&store, HOME, "Büro", "https://OFFICE.example/").await;
    for (text, found) in [
        ("web_s", 1),
        ("web%", 0),
        ("%", 0),
        ("192.0.2", 1),
        ("", 2),
        ("BÜR", 1),
        ("bU\u{308}ro", 1),
        ("Office", 1),
        ("bur", 0),
    ] {
        assert_eq!(
            search(&store.reader, HOME, text, 25).await.unwrap().len(),
            found,
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_pending_pass_does_not_restore_a_removed_endpoint() {
    let store = TestStore::open().await;
    let id = add(&store, HOME, "a", "tcp://192.0.2.1:80").await.unwrap();
    let at = Timestamp::from_millis(1);
    let steady = monitor_state::SteadyPass {
        monitor_id: id,
        at,
        latency_us: 1,
    };
    store
        .write(move |tx| Box::pin(async move { monitor_state::touch(tx, &[steady], at).await }))
        .await;
    let _ = store.write(move |tx| Box::pin(remove(tx, HOME, id))).await;
    store.write(|tx| Box::pin(monitor_state::flush(tx))).await;
    let left: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM monitor_state").await;
    assert_eq!(left, [(0,)]);
}
