//! Changes by people on a real database: quota, isolation between guilds, and audit events.

use std::sync::LazyLock;

use super::*;
use crate::domain::discord_id::GuildId;
use crate::domain::discord_id::UserId;
use crate::domain::event::Actor;
use crate::store::testing::TestStore;

const NOW: Timestamp = Timestamp::from_millis(5_000);

fn requester(guild: u64) -> Requester {
    Requester {
        guild: GuildId(guild),
        actor: Actor::Member(UserId(42)),
    }
}

fn describe(port: u16) -> Description {
    let target = format!("tcp://192.0.2.1:{port}").parse().unwrap();
    Description {
        name: format!("port {port}"),
        target,
        http_check: None,
        interval: None,
    }
}

static LIMITS: LazyLock<EndpointLimits> = LazyLock::new(|| EndpointLimits::of_quota(10));

fn limited(store: &Store) -> LimitedStore<'_> {
    LimitedStore {
        store,
        limits: &LIMITS,
    }
}

async fn add_port(store: &TestStore, guild: u64, port: u16) -> MonitorId {
    match add(limited(store), requester(guild), vec![describe(port)], NOW)
        .await
        .unwrap()[..]
    {
        [Added::New(id)] => id,
        ref other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn over_the_quota_nothing_is_added() {
    let store = TestStore::open().await;
    add_port(&store, 1, 1).await;
    let limited = LimitedStore {
        store: &store,
        limits: &EndpointLimits::of_quota(2),
    };
    let three = vec![describe(2), describe(1), describe(3)];
    let error = add(limited, requester(1), three, NOW).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Quota {
                limit: 2,
                used: 1,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(endpoint::all(&store.reader, None).await.unwrap().len(), 1);
    let again = add(limited, requester(1), vec![describe(2), describe(1)], NOW)
        .await
        .unwrap();
    assert!(matches!(again[..], [Added::New(_), Added::AlreadyThere]));
}

#[tokio::test]
async fn other_guilds_cannot_change_an_endpoint() {
    let store = TestStore::open().await;
    let id = add_port(&store, 1, 80).await;
    let other_guild = requester(2);
    assert!(matches!(
        remove(&store, other_guild, id, NOW).await,
        Err(Error::NotFound(_))
    ));
    assert!(matches!(
        pause(&store, other_guild, id, NOW).await,
        Err(Error::NotFound(_))
    ));
    assert!(matches!(
        edit(
            limited(&store),
            other_guild,
            id,
            EndpointEdit::default(),
            NOW
        )
        .await,
        Err(Error::NotFound(_))
    ));
}

#[tokio::test]
async fn every_change_records_an_event_with_its_actor() {
    let store = TestStore::open().await;
    let id = add_port(&store, 1, 80).await;
    pause(&store, requester(1), id, NOW).await.unwrap();
    resume(&store, requester(1), id, NOW).await.unwrap();
    edit(
        limited(&store),
        requester(1),
        id,
        EndpointEdit {
            name: Some("shop".into()),
            ..EndpointEdit::default()
        },
        NOW,
    )
    .await
    .unwrap();
    remove(&store, requester(1), id, NOW).await.unwrap();
    let events: Vec<(String, String)> = store
        .rows("SELECT kind, actor FROM events ORDER BY id")
        .await;
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "endpoint_added",
            "endpoint_paused",
            "endpoint_resumed",
            "endpoint_edited",
            "endpoint_removed"
        ]
    );
    assert!(events.iter().all(|(_, actor)| actor == "discord:42"));
}

#[tokio::test]
async fn pausing_twice_and_resuming_a_running_endpoint_fail() {
    let store = TestStore::open().await;
    let id = add_port(&store, 1, 80).await;
    assert_eq!(
        resume(&store, requester(1), id, NOW)
            .await
            .unwrap_err()
            .to_string(),
        "`port 80` is not paused"
    );
    pause(&store, requester(1), id, NOW).await.unwrap();
    assert_eq!(
        pause(&store, requester(1), id, NOW)
            .await
            .unwrap_err()
            .to_string(),
        "`port 80` is already paused"
    );
}

#[tokio::test]
async fn an_edited_interval_is_kept_and_can_be_reset() {
    let store = TestStore::open().await;
    let id = add_port(&store, 1, 80).await;
    let five = Some(Duration::from_secs(5));
    let edited = edit(
        limited(&store),
        requester(1),
        id,
        EndpointEdit {
            interval: Patch::from(five),
            ..EndpointEdit::default()
        },
        NOW,
    )
    .await
    .unwrap();
    assert_eq!(edited.interval, five);
    let edited = edit(
        limited(&store),
        requester(1),
        id,
        EndpointEdit {
            interval: Patch::Clear,
            ..EndpointEdit::default()
        },
        NOW,
    )
    .await
    .unwrap();
    assert_eq!(edited.interval, None);
}

#[tokio::test]
async fn an_edit_to_an_existing_target_is_rejected_and_changes_nothing() {
    let store = TestStore::open().await;
    add_port(&store, 1, 80).await;
    let id = add_port(&store, 1, 81).await;
    let change = EndpointEdit {
        name: Some("new".into()),
        target: Some(describe(80).target),
        ..EndpointEdit::default()
    };
    assert!(matches!(
        edit(limited(&store), requester(1), id, change, NOW).await,
        Err(Error::Conflict(_))
    ));
    let names: Vec<(String,)> = store.rows("SELECT name FROM monitors ORDER BY id").await;
    assert_eq!(names, [("port 80".to_owned(),), ("port 81".to_owned(),)]);
}
