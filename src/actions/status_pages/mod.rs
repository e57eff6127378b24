//! Creates and removes status pages, and adds and removes their items.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::status_pages::item_key::item_key;
use crate::domain::status_pages::slug::PageSlug;
use crate::domain::status_pages::{MOST_ITEMS, MOST_PAGES, NewPageItem};
use crate::store::monitors::monitor;
use crate::store::status_pages::item::{self, PageItem};
use crate::store::status_pages::page::{self, NewStatusPage, StatusPage};
use crate::store::{Effect, Reader, Store, Tx, event};

/// Creates a page without items.
///
/// # Errors
/// `Conflict` if the slug is taken, with three that are free, and for more pages than a guild may have.
pub async fn create(
    store: &Store,
    requester: Requester,
    new: NewStatusPage,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(create_in(tx, requester, new, now))
        })
        .await
}

async fn create_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: NewStatusPage,
    now: Timestamp,
) -> Result<(), Error> {
    if page::count(tx, requester.guild).await? >= MOST_PAGES {
        return Err(Error::Conflict(format!(
            "this Discord server has {MOST_PAGES} status pages, and may not have more. Remove one first"
        )));
    }
    let free = page::free_slugs(tx, &new.slug).await?;
    if !free.is_empty() {
        let free: Vec<String> = free.iter().map(|slug| format!("`{slug}`")).collect();
        return Err(Error::Conflict(format!(
            "the address `{}` is taken. These are free: {}",
            new.slug,
            free.join(", ")
        )));
    }
    page::insert(tx, &new, now).await?;
    let details = json!({ "slug": new.slug.as_str(), "title": new.title });
    record(tx, requester, EventKind::StatusPageCreated, details, now).await
}

/// Adds a monitor of the guild to a page of the guild. Returns the key of the item.
///
/// # Errors
/// `NotFound` if the guild has no such page or monitor; `Conflict` if the page has the monitor, or as many items as it may have.
pub async fn add_item(
    store: &Store,
    requester: Requester,
    slug: PageSlug,
    new: NewPageItem,
    now: Timestamp,
) -> Result<String, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(add_item_in(tx, requester, slug, new, now))
        })
        .await
}

async fn add_item_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    slug: PageSlug,
    new: NewPageItem,
    now: Timestamp,
) -> Result<String, Error> {
    let page = own_page(tx, requester, &slug).await?;
    let known = monitor::known_among(tx, requester.guild, &[new.monitor]).await?;
    if !known.contains(&new.monitor) {
        return Err(Error::NotFound(format!(
            "there is no monitor {}",
            new.monitor
        )));
    }
    if item::has(tx, page.id, new.monitor).await? {
        return Err(Error::Conflict(
            "this monitor is on the page already".into(),
        ));
    }
    let taken = item::keys(tx, page.id).await?;
    if taken.len() as u64 >= MOST_ITEMS {
        return Err(Error::Conflict(format!(
            "this page has {MOST_ITEMS} items, and may not have more. Remove one first"
        )));
    }
    let key = item_key(&new.name, |key| taken.iter().any(|one| one == key));
    item::insert(tx, page.id, &new, &key).await?;
    let details = json!({ "slug": slug.as_str(), "added": new.name });
    let event = requester.event(
        EventKind::StatusPageChanged,
        Some(new.monitor),
        details,
        now,
    );
    event::append(tx, &event).await?;
    Ok(key)
}

/// Removes the item with this key or public name from a page of the guild.
///
/// # Errors
/// `NotFound` if the guild has no such page, or the page no such item.
pub async fn remove_item(
    store: &Store,
    requester: Requester,
    slug: PageSlug,
    named: String,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let page = own_page(tx, requester, &slug).await?;
                if item::remove(tx, page.id, &named).await? == Effect::Nothing {
                    return Err(Error::NotFound(format!(
                        "the page `{slug}` has no item named `{named}`"
                    )));
                }
                let details = json!({ "slug": slug.as_str(), "removed": named });
                record(tx, requester, EventKind::StatusPageChanged, details, now).await
            })
        })
        .await
}

/// Removes a page of the guild with its items.
///
/// # Errors
/// `NotFound` if the guild has no such page.
pub async fn remove(
    store: &Store,
    requester: Requester,
    slug: PageSlug,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let page = own_page(tx, requester, &slug).await?;
                let _ = page::remove(tx, requester.guild, &slug).await?;
                let details = json!({ "slug": slug.as_str(), "title": page.title });
                record(tx, requester, EventKind::StatusPageRemoved, details, now).await
            })
        })
        .await
}

/// The pages of a guild with their items, by slug.
pub async fn list(reader: &Reader, requester: Requester) -> Result<Vec<ListedPage>, Error> {
    let mut listed = Vec::new();
    for page in page::list(reader, requester.guild).await? {
        let items = item::list(reader, &page).await?;
        listed.push(ListedPage { page, items });
    }
    Ok(listed)
}

/// A page with its items, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPage {
    pub page: StatusPage,
    pub items: Vec<PageItem>,
}

/// A page of the guild. That another guild has it is the same as that there is none.
async fn own_page(
    tx: &mut Tx<'_>,
    requester: Requester,
    slug: &PageSlug,
) -> Result<StatusPage, Error> {
    page::of(tx, requester.guild, slug)
        .await?
        .ok_or_else(|| Error::NotFound(format!("there is no status page `{slug}`")))
}

async fn record(
    tx: &mut Tx<'_>,
    requester: Requester,
    kind: EventKind,
    details: Value,
    now: Timestamp,
) -> Result<(), Error> {
    let event = requester.event(kind, None, details, now);
    Ok(event::append(tx, &event).await?)
}
