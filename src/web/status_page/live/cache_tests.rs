//! Readers of a page whose guild changes it, removes it, or whose database does not answer.

use std::time::Duration;

use super::*;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::store::status_pages::page::{self, NewStatusPage};
use crate::store::testing::TestStore;
use crate::web::status_page::snapshot::PublicStatus;
use crate::web::status_page::testing;

fn slug(text: &str) -> PageSlug {
    PageSlug::parse(text).unwrap()
}

async fn with_page() -> (TestStore, PageCache) {
    let store = TestStore::open().await;
    let new = NewStatusPage {
        guild: GuildId(1),
        slug: slug("acme"),
        title: "Before".into(),
        about: String::new(),
        shows_latency: false,
    };
    store
        .write(move |tx| {
            Box::pin(async move { page::insert(tx, &new, Timestamp::default()).await })
        })
        .await;
    let base = PagesBase::of("https://example.org");
    let cache = PageCache::new(store.reader.clone(), base, Clock::SYSTEM);
    (store, cache)
}

/// Lets time pass for the cache alone: the database works in real time.
async fn later(length: Duration) {
    tokio::time::pause();
    tokio::time::advance(length).await;
    tokio::time::resume();
}

async fn title(cache: &PageCache) -> String {
    match cache.get(&slug("acme")).await {
        CachedPage::Page(page) => page.snapshot().page.title.clone(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_snapshot_is_shown_for_ten_seconds() {
    let (store, cache) = with_page().await;
    assert_eq!(title(&cache).await, "Before");
    store
        .execute("UPDATE status_pages SET title = 'After'")
        .await;
    later(Duration::from_secs(9)).await;
    assert_eq!(title(&cache).await, "Before");
    later(Duration::from_secs(1)).await;
    assert_eq!(title(&cache).await, "After");
}

#[test]
fn a_snapshot_that_takes_long_is_shown_for_longer() {
    for (millis, seconds) in [(0, 10), (500, 10), (501, 10), (1_000, 20), (60_000, 1_200)] {
        let shown = fresh_for(Duration::from_millis(millis));
        assert_eq!(shown.as_secs(), seconds, "{millis} ms");
    }
}

#[tokio::test]
async fn readers_at_the_same_time_share_a_snapshot() {
    let (_store, cache) = with_page().await;
    let acme = slug("acme");
    let pages = futures_util::future::join_all((0..50).map(|_| cache.get(&acme))).await;
    let pages: Vec<Arc<RenderedPage>> = pages
        .into_iter()
        .map(|page| match page {
            CachedPage::Page(page) => page,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(pages.iter().all(|page| Arc::ptr_eq(page, &pages[0])));
}

#[tokio::test]
async fn the_last_snapshot_stays_while_none_can_be_made() {
    let (store, cache) = with_page().await;
    assert_eq!(title(&cache).await, "Before");
    store
        .execute("ALTER TABLE status_pages RENAME TO away")
        .await;
    for _ in 0..3 {
        later(Duration::from_secs(3_600)).await;
        assert_eq!(title(&cache).await, "Before");
    }
    let never_read = cache.get(&slug("other")).await;
    assert!(matches!(never_read, CachedPage::Unavailable));
    store
        .execute("ALTER TABLE away RENAME TO status_pages")
        .await;
    assert!(matches!(
        cache.get(&slug("other")).await,
        CachedPage::Missing
    ));
    store
        .execute("UPDATE status_pages SET title = 'After'")
        .await;
    assert_eq!(title(&cache).await, "After");
}

#[tokio::test]
async fn a_page_that_was_removed_ends_after_ten_seconds() {
    let (store, cache) = with_page().await;
    assert_eq!(title(&cache).await, "Before");
    store.execute("DELETE FROM status_pages").await;
    later(Duration::from_secs(10)).await;
    assert!(matches!(
        cache.get(&slug("acme")).await,
        CachedPage::Missing
    ));
    assert!(cache.slots().is_empty());
}

#[tokio::test]
async fn at_most_64_pages_are_loaded_at_once() {
    let (_store, cache) = with_page().await;
    assert_eq!(title(&cache).await, "Before");
    later(Duration::from_secs(10)).await;
    // Nothing is loaded meanwhile.
    let turns = cache.turns.acquire_many(2).await.unwrap();
    for number in 1..=MOST_LOADING {
        let found = cache.find_or_load(&slug(&number.to_string()));
        assert!(matches!(found, Found::Loading { .. }), "{number}");
    }
    let one_more = cache.get(&slug("one-more")).await;
    assert!(matches!(one_more, CachedPage::Unavailable));
    assert_eq!(cache.slots().len(), MOST_LOADING + 1);
    // An older snapshot is shown, and readers of what is being loaded go on waiting.
    assert_eq!(title(&cache).await, "Before");
    assert!(matches!(
        cache.find_or_load(&slug("1")),
        Found::Loading { .. }
    ));
    drop(turns);
    assert!(matches!(cache.get(&slug("64")).await, CachedPage::Missing));
}

#[tokio::test]
async fn pages_that_are_read_least_make_room() {
    let slot = |items: usize| CacheSlot {
        last: Some(Arc::new(RenderedPage::of(testing::page_of(
            &vec![PublicStatus::Online; items],
        )))),
        made: Stopwatch::start(),
        fresh_for: FRESH,
        read: Stopwatch::start(),
        loading: None,
    };
    for (items, left) in [(499, 4), (500, 3)] {
        let mut slots = HashMap::new();
        for name in ["a", "b", "c", "d"] {
            slots.insert(slug(name), slot(items));
            later(Duration::from_millis(1)).await;
        }
        // Pages without a snapshot take no room.
        evict(&mut slots, &slug("a"));
        assert_eq!(slots.len(), left, "{items}");
        assert_eq!(
            slots.contains_key(&slug("b")),
            left == 4,
            "the first but the one that is kept"
        );
        assert!(slots.contains_key(&slug("a")));
    }
}
