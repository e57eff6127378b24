//! Status pages of two guilds: limits, taken addresses, and monitors that are removed.

use super::*;
use crate::actions::testing::{HOME, at, member};
use crate::domain::discord_id::{GuildId, UserId};
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::store::status_pages::item::ItemState;
use crate::store::testing::TestStore;

fn slug(text: &str) -> PageSlug {
    PageSlug::parse(text).unwrap()
}

fn page_of(requester: Requester, text: &str) -> NewStatusPage {
    NewStatusPage {
        guild: requester.guild,
        slug: slug(text),
        title: "Acme".into(),
        about: String::new(),
        shows_latency: false,
    }
}

fn of_another_guild() -> Requester {
    Requester {
        guild: GuildId(2),
        actor: Actor::Member(UserId(8)),
    }
}

async fn create_page(store: &TestStore, requester: Requester, text: &str) -> Result<(), Error> {
    create(store, requester, page_of(requester, text), at(1)).await
}

async fn add(
    store: &TestStore,
    requester: Requester,
    monitor: MonitorId,
    name: &str,
) -> Result<String, Error> {
    let new = NewPageItem {
        monitor,
        name: name.into(),
        group: None,
    };
    add_item(store, requester, slug("acme"), new, at(2)).await
}

async fn items(store: &TestStore) -> Vec<PageItem> {
    let mut pages = list(&store.reader, member()).await.unwrap();
    pages.remove(0).items
}

#[tokio::test]
async fn a_taken_address_is_refused_with_three_free_ones() {
    let store = TestStore::open().await;
    for taken in ["acme", "acme-2"] {
        create_page(&store, of_another_guild(), taken)
            .await
            .unwrap();
    }
    let refused = create_page(&store, member(), "acme").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the address `acme` is taken. These are free: `acme-status`, `acme-3`, `acme-4`"
    );
    create_page(&store, member(), "acme-status").await.unwrap();
    assert_eq!(list(&store.reader, member()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_guild_has_at_most_20_pages() {
    let store = TestStore::open().await;
    for number in 1..=MOST_PAGES {
        create_page(&store, member(), &format!("page-{number}"))
            .await
            .unwrap();
    }
    let refused = create_page(&store, member(), "one-more").await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
    create_page(&store, of_another_guild(), "one-more")
        .await
        .unwrap();
    remove(&store, member(), slug("page-1"), at(3))
        .await
        .unwrap();
    create_page(&store, member(), "another").await.unwrap();
}

#[tokio::test]
async fn a_page_has_at_most_200_items_and_each_monitor_once() {
    let store = TestStore::open().await;
    create_page(&store, member(), "acme").await.unwrap();
    let mut last = MonitorId(0);
    for port in 1..=MOST_ITEMS {
        last = store
            .add_endpoint(HOME, &format!("tcp://192.0.2.1:{port}"))
            .await;
        add(&store, member(), last, "Shop").await.unwrap();
    }
    let keys: Vec<String> = items(&store).await.into_iter().map(|one| one.key).collect();
    assert_eq!(keys[..3], ["shop", "shop-2", "shop-3"]);
    let again = add(&store, member(), last, "Shop").await.unwrap_err();
    assert_eq!(again.to_string(), "this monitor is on the page already");
    let more = store.add_endpoint(HOME, "tcp://192.0.2.2:1").await;
    let refused = add(&store, member(), more, "More").await.unwrap_err();
    assert!(refused.to_string().contains("has 200 items"), "{refused}");
    remove_item(&store, member(), slug("acme"), "shop-7".into(), at(3))
        .await
        .unwrap();
    // The key of the removed item is free again.
    assert_eq!(add(&store, member(), more, "Shop").await.unwrap(), "shop-7");
    assert_eq!(items(&store).await.last().unwrap().monitor, more);
}

#[tokio::test]
async fn pages_and_monitors_of_another_guild_do_not_exist() {
    let store = TestStore::open().await;
    let theirs = store.add_endpoint(GuildId(2), "tcp://192.0.2.9:1").await;
    create_page(&store, member(), "acme").await.unwrap();
    let refused = add(&store, member(), theirs, "Theirs").await;
    assert!(matches!(refused, Err(Error::NotFound(_))));
    let refused = add(&store, of_another_guild(), theirs, "Theirs")
        .await
        .unwrap_err();
    assert_eq!(refused.to_string(), "there is no status page `acme`");
    for refused in [
        remove(&store, of_another_guild(), slug("acme"), at(3)).await,
        remove_item(
            &store,
            of_another_guild(),
            slug("acme"),
            "shop".into(),
            at(3),
        )
        .await,
    ] {
        assert!(matches!(refused, Err(Error::NotFound(_))));
    }
    assert!(
        list(&store.reader, of_another_guild())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(list(&store.reader, member()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_item_of_a_removed_monitor_stays() {
    let store = TestStore::open().await;
    create_page(&store, member(), "acme").await.unwrap();
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    add(&store, member(), id, "Shop").await.unwrap();
    store
        .set_status(id, Status::Unknown, Status::Offline, at(5))
        .await;
    let present = |maintenance_since| ItemState::Present {
        status: Status::Offline,
        since: at(5),
        maintenance_since,
    };
    assert_eq!(items(&store).await[0].state, present(None));
    store
        .execute_all(
            "INSERT INTO maintenance_spans (guild_id, monitor_id, began_at) SELECT guild_id, id, 6000 FROM monitors",
        )
        .await;
    assert_eq!(items(&store).await[0].state, present(Some(at(6))));
    store
        .execute_all(
            "INSERT INTO removed_monitors (id, guild_id, kind, name, created_at, removed_at)
                 SELECT id, guild_id, kind, name, created_at, 9000 FROM monitors;
             DELETE FROM monitors",
        )
        .await;
    assert_eq!(
        items(&store).await[0].state,
        ItemState::Removed(Some(at(9)))
    );
    store.execute("DELETE FROM removed_monitors").await;
    assert_eq!(items(&store).await[0].state, ItemState::Removed(None));
    assert_eq!(items(&store).await[0].name, "Shop");
}

#[tokio::test]
async fn changes_of_pages_are_in_the_audit_log() {
    let store = TestStore::open().await;
    create_page(&store, member(), "acme").await.unwrap();
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    add(&store, member(), id, "Shop").await.unwrap();
    remove_item(&store, member(), slug("acme"), "Shop".into(), at(3))
        .await
        .unwrap();
    let missing = remove_item(&store, member(), slug("acme"), "Shop".into(), at(3)).await;
    assert!(matches!(missing, Err(Error::NotFound(_))));
    remove(&store, member(), slug("acme"), at(4)).await.unwrap();
    let events: Vec<(String, String)> = store
        .rows(
            "SELECT kind, json_remove(details, '$.severity', '$.name', '$.endpoint_id') FROM events
             WHERE kind LIKE 'status_page%' ORDER BY id",
        )
        .await;
    let events: Vec<String> = events
        .into_iter()
        .map(|(kind, details)| format!("{kind} {details}"))
        .collect();
    assert_eq!(
        events,
        [
            r#"status_page_created {"slug":"acme","title":"Acme"}"#,
            r#"status_page_changed {"added":"Shop","slug":"acme"}"#,
            r#"status_page_changed {"removed":"Shop","slug":"acme"}"#,
            r#"status_page_removed {"slug":"acme","title":"Acme"}"#,
        ]
    );
}
