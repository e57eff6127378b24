//! Two edits of the same thing at the same time: both survive. An edit that reads before its transaction loses the other one.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::actions::devices::manage_device::{self, DeviceEdit};
use crate::actions::endpoints::endpoint_limits::{EndpointLimits, LimitedStore};
use crate::actions::endpoints::manage_endpoint::{self, EndpointEdit};
use crate::actions::incidents::alerts::{self, AlertEdit};
use crate::actions::notifications::webhook as webhooks;
use crate::actions::servers::manage_server::{self, ServerEdit};
use crate::actions::silences::edit::{self, SilenceEdit};
use crate::actions::silences::start;
use crate::actions::testing::{HOME, at, maintenance_of, member};
use crate::actions::{Error, manage_group, manage_key};
use crate::domain::discord_id::{ChannelId, RoleId};
use crate::domain::endpoints::http_check_change::HttpCheckChange;
use crate::domain::key::KeyKind;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::webhook::WebhookFormat;
use crate::domain::patch::Patch;
use crate::domain::silences::silence::SilenceScope;
use crate::domain::status::Status;
use crate::store::devices::device;
use crate::store::endpoints::endpoint;
use crate::store::monitors::group;
use crate::store::notifications::webhook::{self, NewWebhook};
use crate::store::notifications::{alert_override, alert_settings};
use crate::store::servers::server;
use crate::store::silences::silence;
use crate::store::testing::TestStore;
use crate::store::{StoreError, api_key};

/// Runs two edits that both begin before either can write: another transaction holds the writer until both wait for it.
async fn together<A, B>(
    store: &TestStore,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let (begin, begun) = oneshot::channel();
    let (release, held) = oneshot::channel::<()>();
    let hold = store.writer.transact::<_, StoreError>(|_| {
        Box::pin(async move {
            begin.send(()).unwrap();
            held.await.unwrap();
            Ok(())
        })
    });
    let edits = async {
        begun.await.unwrap();
        let wait = async {
            while store.writer.waiting() < 2 {
                tokio::task::yield_now().await;
            }
            release.send(()).unwrap();
        };
        let (first, second, ()) = tokio::join!(first, second, wait);
        (first, second)
    };
    let (held, edited) = tokio::join!(hold, edits);
    held.unwrap();
    edited
}

fn name(name: &str) -> EndpointEdit {
    EndpointEdit {
        name: Some(name.into()),
        ..EndpointEdit::default()
    }
}

async fn endpoint(store: &TestStore, id: MonitorId) -> endpoint::Endpoint {
    let found = endpoint::get(&store.reader, HOME, id).await;
    found.unwrap().unwrap()
}

fn limited<'a>(store: &'a TestStore, limits: &'a EndpointLimits) -> LimitedStore<'a> {
    LimitedStore { store, limits }
}

#[tokio::test]
async fn two_edits_of_an_endpoint_survive() {
    let store = TestStore::open().await;
    let id = store.add_endpoint(HOME, "http://192.0.2.1/").await;
    let interval = EndpointEdit {
        interval: Patch::Set(Duration::from_secs(90)),
        ..EndpointEdit::default()
    };
    let limits = EndpointLimits::of_quota(10);
    let edit = |edit| manage_endpoint::edit(limited(&store, &limits), member(), id, edit, at(10));
    let (first, second) = together(&store, edit(name("shop")), edit(interval)).await;
    first.unwrap();
    second.unwrap();
    let found = endpoint(&store, id).await.description;
    assert_eq!(
        (found.name.as_str(), found.interval),
        ("shop", Some(Duration::from_secs(90)))
    );
}

#[tokio::test]
async fn two_edits_of_the_http_options_survive() {
    let store = TestStore::open().await;
    let id = store.add_endpoint(HOME, "http://192.0.2.1/").await;
    let http = |change| EndpointEdit {
        http: Patch::Set(change),
        ..EndpointEdit::default()
    };
    let keyword = http(HttpCheckChange {
        keyword: Patch::Set("ok".into()),
        ..HttpCheckChange::default()
    });
    let redirects = http(HttpCheckChange {
        redirects: Some(2),
        ..HttpCheckChange::default()
    });
    let limits = EndpointLimits::of_quota(10);
    let edit = |edit| manage_endpoint::edit(limited(&store, &limits), member(), id, edit, at(10));
    let (first, second) = together(&store, edit(keyword), edit(redirects)).await;
    first.unwrap();
    second.unwrap();
    let found = endpoint(&store, id).await.description.http_check.unwrap();
    assert_eq!(
        (found.keyword.as_deref(), found.max_redirects),
        (Some("ok"), 2)
    );
}

#[tokio::test]
async fn an_endpoint_that_is_paused_during_an_edit_of_its_target_stays_paused() {
    let store = TestStore::open().await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    let target = EndpointEdit {
        target: Some("tcp://192.0.2.2:2".parse().unwrap()),
        ..EndpointEdit::default()
    };
    let pause = manage_endpoint::pause(&store, member(), id, at(10));
    let limits = EndpointLimits::of_quota(10);
    let edit = manage_endpoint::edit(limited(&store, &limits), member(), id, target, at(10));
    let (paused, edited) = together(&store, pause, edit).await;
    paused.unwrap();
    edited.unwrap();
    let found = endpoint(&store, id).await;
    assert_eq!(found.state.status, Status::Paused);
    assert_eq!(found.description.target.to_string(), "tcp://192.0.2.2:2");
}

#[tokio::test]
async fn of_two_equal_changes_of_an_endpoint_one_is_refused() {
    let store = TestStore::open().await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    let pause = || manage_endpoint::pause(&store, member(), id, at(10));
    let (first, second) = together(&store, pause(), pause()).await;
    first.unwrap();
    assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
    let resume = || manage_endpoint::resume(&store, member(), id, at(20));
    let (first, second) = together(&store, resume(), resume()).await;
    first.unwrap();
    assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
    let limits = EndpointLimits::of_quota(10);
    let edit = manage_endpoint::edit(limited(&store, &limits), member(), id, name("shop"), at(30));
    let remove = manage_endpoint::remove(&store, member(), id, at(30));
    let (edited, removed) = together(&store, edit, remove).await;
    edited.unwrap();
    assert_eq!(
        removed.unwrap().monitor.name,
        "shop",
        "as it was at the end"
    );
    let kinds: Vec<(String,)> = store.rows("SELECT kind FROM events ORDER BY id").await;
    let kinds: Vec<&str> = kinds.iter().map(|(kind,)| kind.as_str()).collect();
    let expected = [
        "endpoint_paused",
        "endpoint_resumed",
        "endpoint_edited",
        "endpoint_removed",
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn two_edits_of_a_device_survive() {
    let store = TestStore::open().await;
    let new = manage_device::NewDevice {
        uuid: manage_device::random_uuid().unwrap(),
        name: "pump".into(),
        device_type: None,
        slug: None,
        push_token: None,
        threshold: None,
    };
    let uuid = new.uuid.clone();
    manage_device::add(&store, member(), new, 10, at(1))
        .await
        .unwrap();
    let find = async || device::get(&store.reader, HOME, &uuid).await.unwrap();
    let id = find().await.unwrap().id;
    let name = DeviceEdit {
        name: Some("gate".into()),
        ..DeviceEdit::default()
    };
    let threshold = DeviceEdit {
        threshold: Patch::Set(Duration::from_secs(90)),
        slug: Patch::Clear,
        ..DeviceEdit::default()
    };
    let edit = |edit| manage_device::edit(&store, member(), id, edit, at(10));
    let (first, second) = together(&store, edit(threshold), edit(name)).await;
    first.unwrap();
    second.unwrap();
    let found = find().await.unwrap();
    let expected = ("gate", Some(Duration::from_secs(90)), None);
    assert_eq!((found.name.as_str(), found.threshold, found.slug), expected);
    let edit = manage_device::edit(&store, member(), id, DeviceEdit::default(), at(20));
    let remove = manage_device::remove(&store, member(), id, at(20));
    let (removed, edited) = together(&store, remove, edit).await;
    removed.unwrap();
    assert!(matches!(edited, Err(Error::NotFound(_))), "{edited:?}");
}

#[tokio::test]
async fn two_edits_of_a_server_survive() {
    let store = TestStore::open().await;
    let (id, _) = manage_server::add(&store, member(), "db".into(), 10, at(1))
        .await
        .unwrap();
    let name = ServerEdit {
        name: Some("db-1".into()),
        ..ServerEdit::default()
    };
    let auto = ServerEdit {
        auto_thresholds: Some(true),
        ..ServerEdit::default()
    };
    let edit = |edit| manage_server::edit(&store, member(), id, edit, at(10));
    let (first, second) = together(&store, edit(name), edit(auto)).await;
    first.unwrap();
    second.unwrap();
    let found = server::get(&store.reader, HOME, id).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.auto_thresholds), ("db-1", true));
}

#[tokio::test]
async fn two_edits_of_the_alert_settings_survive() {
    let store = TestStore::open().await;
    let setup = AlertEdit {
        channel: Some(ChannelId(5)),
        role: Patch::Set(RoleId(77)),
    };
    let _ = alerts::edit(&store, member(), setup, at(1)).await.unwrap();
    let channel = AlertEdit {
        channel: Some(ChannelId(6)),
        ..AlertEdit::default()
    };
    let role = AlertEdit {
        role: Patch::Clear,
        ..AlertEdit::default()
    };
    let edit = |edit| alerts::edit(&store, member(), edit, at(10));
    let (first, second) = together(&store, edit(role), edit(channel)).await;
    let _ = first.unwrap();
    let _ = second.unwrap();
    let recovery = alerts::prefer(
        &store,
        member(),
        |chosen| chosen.notify_on_recovery = false,
        at(20),
    );
    let warning = alerts::prefer(
        &store,
        member(),
        |chosen| chosen.notify_on_warning = false,
        at(20),
    );
    let (first, second) = together(&store, recovery, warning).await;
    let _ = first.unwrap();
    let _ = second.unwrap();
    let found = alert_settings::get(&store.reader, HOME)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.channel, found.role), (ChannelId(6), None));
    assert!(!found.preferences.notify_on_recovery && !found.preferences.notify_on_warning);
}

#[tokio::test]
async fn a_role_without_an_alert_channel_is_refused() {
    let store = TestStore::open().await;
    let role = AlertEdit {
        role: Patch::Set(RoleId(77)),
        ..AlertEdit::default()
    };
    let refused = alerts::edit(&store, member(), role, at(1)).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    assert_eq!(alert_override::all(&store.reader, HOME).await.unwrap(), []);
}

#[tokio::test]
async fn two_edits_of_a_webhook_survive() {
    let store = TestStore::open().await;
    let new = NewWebhook {
        name: "pager".into(),
        url: "https://example.org/old".parse().unwrap(),
        format: WebhookFormat::Standard,
        template: None,
        signing_key: "whsec_x".into(),
    };
    let id = webhooks::add(&store, member(), new, at(1)).await.unwrap();
    let rename = webhooks::edit(
        &store,
        member(),
        id,
        |settings| {
            settings.name = "pager 2".into();
            Ok(())
        },
        at(10),
    );
    let move_to = webhooks::edit(
        &store,
        member(),
        id,
        |settings| {
            settings.url = "https://example.org/new".parse().unwrap();
            Ok(())
        },
        at(10),
    );
    let (first, second) = together(&store, rename, move_to).await;
    first.unwrap();
    second.unwrap();
    let found = webhook::get(&store.reader, id).await.unwrap().unwrap();
    assert_eq!(
        (found.name.as_str(), found.url.to_string().as_str()),
        ("pager 2", "https://example.org/new")
    );
    let change = |settings: &mut webhook::WebhookSettings| {
        settings.name = "lost".into();
        Err(Error::Conflict("no".into()))
    };
    let refused = webhooks::edit(&store, member(), id, change, at(20)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let found = webhook::get(&store.reader, id).await.unwrap().unwrap();
    assert_eq!(found.name, "pager 2");
}

#[tokio::test]
async fn two_edits_of_a_silence_survive() {
    let store = TestStore::open().await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    let new = maintenance_of(SilenceScope::Some(vec![id]), 100, 200);
    let silence = start::schedule(&store, member(), new, at(1)).await.unwrap();
    let title = SilenceEdit {
        title: Some("router".into()),
        ..SilenceEdit::default()
    };
    let end = SilenceEdit {
        ends_at: Some(at(300)),
        ..SilenceEdit::default()
    };
    let edit = |edit| edit::edit(&store, member(), silence, edit, at(10));
    let (first, second) = together(&store, edit(title), edit(end)).await;
    first.unwrap();
    second.unwrap();
    let found = silence::get(&store.reader, HOME, silence)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.title.as_str(), found.window.ends_at),
        ("router", at(300))
    );
    assert_eq!(found.scope, SilenceScope::Some(vec![id]));
}

#[tokio::test]
async fn the_limit_of_maintenance_windows_holds_for_two_at_once() {
    let store = TestStore::open().await;
    let schedule = || {
        let new = maintenance_of(SilenceScope::All, 100, 200);
        start::schedule(&store, member(), new, at(1))
    };
    for _ in 0..49 {
        schedule().await.unwrap();
    }
    let (first, second) = together(&store, schedule(), schedule()).await;
    first.unwrap();
    assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
    let known = silence::maintenance(&store.reader, Some(HOME))
        .await
        .unwrap();
    assert_eq!(known.len(), 50);
}

#[tokio::test]
async fn two_edits_of_a_group_survive() {
    let store = TestStore::open().await;
    let [a, b] = super::with_endpoints(&store).await;
    manage_group::create(&store, member(), "site".into(), vec![a], at(1))
        .await
        .unwrap();
    let edit = |edit| manage_group::edit(&store, member(), "site".into(), edit, at(10));
    let monitors = edit(manage_group::GroupEdit {
        monitors: Some(vec![a, b]),
        ..manage_group::GroupEdit::default()
    });
    let rename = edit(manage_group::GroupEdit {
        name: Some("home".into()),
        ..manage_group::GroupEdit::default()
    });
    let (first, second) = together(&store, monitors, rename).await;
    first.unwrap();
    second.unwrap();
    let groups = group::list(&store.reader, HOME).await.unwrap();
    assert_eq!(groups, [("home".to_owned(), 2)]);
}

#[tokio::test]
async fn a_key_that_is_revoked_during_its_rotation_gets_no_successor() {
    let store = TestStore::open().await;
    let key = manage_key::create(&store, member(), KeyKind::Read, 10, at(1))
        .await
        .unwrap();
    let revoke = manage_key::revoke(&store, member(), key.id, at(10));
    let rotate = manage_key::rotate(&store, member(), key.id, 10, at(10));
    let (revoked, rotated) = together(&store, revoke, rotate).await;
    revoked.unwrap();
    assert!(
        matches!(rotated, Err(Error::NotFound(_))),
        "another valid key"
    );
    let keys = api_key::list(&store.reader, Some(HOME)).await.unwrap();
    assert_eq!(keys.len(), 1);
}
