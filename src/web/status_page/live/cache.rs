//! Keeps the snapshots of pages: one is made at most every ten seconds, once for all readers, and the last good one stands in while
//! the store does not answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::load::{PagesBase, load};
use super::rendered::RenderedPage;
use crate::actions::Error;
use crate::clock::{Clock, Stopwatch};
use crate::domain::status_pages::slug::PageSlug;
use crate::store::Reader;

/// How long a snapshot is shown at least before the next one is made.
const FRESH: Duration = Duration::from_secs(10);

/// A snapshot that takes long to make is shown for this many times as long, so that no page keeps the database busy.
const TIMES_AS_LONG: u32 = 20;

/// How long a reader waits for a new snapshot while there is an older one, and while there is none.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_WITHOUT: Duration = Duration::from_secs(10);

/// The most items of all pages together that are kept: each takes some 10 kB.
const MOST_ITEMS: usize = 2_000;

/// The most pages that are loaded or wait to be loaded, among them addresses of no page: while the database stands still, nobody can
/// make them pile up.
const MOST_LOADING: usize = 64;

/// The most pages that read from the database at the same time. It has other readers.
const LOADED_AT_ONCE: usize = 2;

/// What a reader gets.
#[derive(Clone, Debug)]
pub enum CachedPage {
    Page(Arc<RenderedPage>),
    /// There is no such page.
    Missing,
    /// It could not be loaded, and no older snapshot is there.
    Unavailable,
}

/// How the loading of a snapshot has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoadState {
    Loading,
    Loaded,
    Missing,
    Failed,
}

/// What is known of one page.
#[derive(Debug)]
struct CacheSlot {
    last: Option<Arc<RenderedPage>>,
    made: Stopwatch,
    /// How long it is shown.
    fresh_for: Duration,
    read: Stopwatch,
    loading: Option<watch::Receiver<LoadState>>,
}

/// Loads snapshots and keeps them. Clones share them.
#[derive(Clone, Debug)]
pub struct PageCache {
    reader: Reader,
    base: Arc<PagesBase>,
    clock: Clock,
    slots: Arc<Mutex<HashMap<PageSlug, CacheSlot>>>,
    turns: Arc<Semaphore>,
}

/// What is there of a page when a reader asks for it.
enum Found {
    Fresh(Arc<RenderedPage>),
    Loading {
        ended: watch::Receiver<LoadState>,
        has_older: bool,
    },
    /// Too many pages are being loaded. `None`: there is no older snapshot.
    Busy(Option<Arc<RenderedPage>>),
}

impl PageCache {
    pub fn new(reader: Reader, base: PagesBase, clock: Clock) -> Self {
        Self {
            reader,
            base: Arc::new(base),
            clock,
            slots: Arc::default(),
            turns: Arc::new(Semaphore::new(LOADED_AT_ONCE)),
        }
    }

    /// The path below which Rollcall is found.
    pub fn root_path(&self) -> &str {
        &self.base.path
    }

    /// The page with this slug: a snapshot of the last ten seconds, or the last one that could be made.
    pub async fn get(&self, slug: &PageSlug) -> CachedPage {
        let (mut loading, has_older) = match self.find_or_load(slug) {
            Found::Fresh(page) | Found::Busy(Some(page)) => return CachedPage::Page(page),
            Found::Busy(None) => return CachedPage::Unavailable,
            Found::Loading { ended, has_older } => (ended, has_older),
        };
        let patience = match has_older {
            true => PATIENCE,
            false => PATIENCE_WITHOUT,
        };
        let ended = loading.wait_for(|state| *state != LoadState::Loading);
        let ended = tokio::time::timeout(patience, ended).await;
        let state = match ended {
            Ok(Ok(state)) => *state,
            // It takes long, or its task has panicked.
            Ok(Err(_)) | Err(_) => LoadState::Failed,
        };
        let last = self.slots().get(slug).and_then(|slot| slot.last.clone());
        match (state, last) {
            (LoadState::Missing, _) => CachedPage::Missing,
            (_, Some(page)) => CachedPage::Page(page),
            (_, None) => CachedPage::Unavailable,
        }
    }

    /// A fresh snapshot, or else one that is being loaded from now on, unless too many are.
    fn find_or_load(&self, slug: &PageSlug) -> Found {
        let mut slots = self.slots();
        let is_loading = |slot: &&CacheSlot| slot.loading.is_some();
        let is_busy = slots.values().filter(is_loading).count() >= MOST_LOADING;
        if is_busy && !slots.contains_key(slug) {
            return Found::Busy(None);
        }
        let slot = slots.entry(slug.clone()).or_insert_with(|| CacheSlot {
            last: None,
            made: Stopwatch::start(),
            fresh_for: FRESH,
            read: Stopwatch::start(),
            loading: None,
        });
        slot.read = Stopwatch::start();
        if let Some(page) = slot
            .last
            .as_ref()
            .filter(|_| slot.made.elapsed() < slot.fresh_for)
        {
            return Found::Fresh(Arc::clone(page));
        }
        if is_busy && slot.loading.is_none() {
            return Found::Busy(slot.last.clone());
        }
        let has_older = slot.last.is_some();
        let ended = slot.loading.get_or_insert_with(|| self.start(slug.clone()));
        Found::Loading {
            ended: ended.clone(),
            has_older,
        }
    }

    /// Makes a snapshot in a task of its own: it goes on when its readers have hung up.
    fn start(&self, slug: PageSlug) -> watch::Receiver<LoadState> {
        let (sender, receiver) = watch::channel(LoadState::Loading);
        let cache = self.clone();
        tokio::spawn(async move {
            // It is never closed.
            let _turn = cache.turns.acquire().await;
            let loading = Stopwatch::start();
            let loaded = load(&cache.reader, &cache.base, &slug, cache.clock.now()).await;
            let loaded = loaded.map(|page| page.map(RenderedPage::of));
            let state = cache.settle(&slug, loaded, fresh_for(loading.elapsed()));
            sender.send_replace(state);
        });
        receiver
    }

    fn settle(
        &self,
        slug: &PageSlug,
        loaded: Result<Option<RenderedPage>, Error>,
        fresh_for: Duration,
    ) -> LoadState {
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(slug) else {
            return LoadState::Failed;
        };
        slot.loading = None;
        match loaded {
            Ok(Some(page)) => {
                slot.last = Some(Arc::new(page));
                slot.made = Stopwatch::start();
                slot.fresh_for = fresh_for;
                evict(&mut slots, slug);
                LoadState::Loaded
            }
            Ok(None) => {
                slots.remove(slug);
                LoadState::Missing
            }
            Err(error) => {
                tracing::warn!(%slug, %error, "cannot load status page");
                if slot.last.is_none() {
                    slots.remove(slug);
                }
                LoadState::Failed
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<PageSlug, CacheSlot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a snapshot is shown that took this long to make.
fn fresh_for(took: Duration) -> Duration {
    FRESH.max(took * TIMES_AS_LONG)
}

/// Drops the pages that were read the longest time ago, but not `kept`, until the others have few enough items.
fn evict(slots: &mut HashMap<PageSlug, CacheSlot>, kept: &PageSlug) {
    // A page without items takes memory, too.
    let size = |slot: &CacheSlot| slot.last.as_ref().map_or(0, |page| page.items() + 1);
    while slots.values().map(size).sum::<usize>() > MOST_ITEMS {
        let idle = slots
            .iter()
            .filter(|(slug, slot)| *slug != kept && slot.loading.is_none());
        let oldest = idle.max_by_key(|(_, slot)| slot.read.elapsed());
        let Some(oldest) = oldest.map(|(slug, _)| slug.clone()) else {
            return;
        };
        slots.remove(&oldest);
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
