//! Status pages. A page belongs to a guild; anybody may read it by its slug, which is unique among all guilds.

use std::collections::BTreeSet;

use sqlx::FromRow;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::status_pages::StatusPageId;
use crate::domain::status_pages::slug::{PageSlug, SUGGESTIONS};
use crate::store::{Effect, Reader, StoreError, Tx};

/// A status page as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPage {
    pub id: StatusPageId,
    pub guild: GuildId,
    pub slug: PageSlug,
    pub title: String,
    /// Markdown; may be empty.
    pub about: String,
    pub shows_latency: bool,
}

/// A page to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStatusPage {
    pub guild: GuildId,
    pub slug: PageSlug,
    pub title: String,
    pub about: String,
    pub shows_latency: bool,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    guild_id: i64,
    slug: String,
    title: String,
    about: String,
    shows_latency: bool,
}

impl Row {
    fn page(self) -> Result<StatusPage, StoreError> {
        let damaged = |_| StoreError::Damaged(format!("the slug of the status page {}", self.id));
        Ok(StatusPage {
            id: StatusPageId(self.id),
            guild: GuildId::from_row(self.guild_id),
            slug: PageSlug::parse(&self.slug).map_err(damaged)?,
            title: self.title,
            about: self.about,
            shows_latency: self.shows_latency,
        })
    }
}

/// The page with this slug, of any guild: it is public.
pub async fn with_slug(reader: &Reader, slug: &PageSlug) -> Result<Option<StatusPage>, StoreError> {
    let row: Option<Row> = sqlx::query_as("SELECT * FROM status_pages WHERE slug = $1")
        .bind(slug.as_str())
        .fetch_optional(&reader.pool)
        .await?;
    row.map(Row::page).transpose()
}

/// The pages of a guild, by slug.
pub async fn list(reader: &Reader, guild: GuildId) -> Result<Vec<StatusPage>, StoreError> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT * FROM status_pages WHERE guild_id = $1 ORDER BY slug")
            .bind(guild.to_row())
            .fetch_all(&reader.pool)
            .await?;
    rows.into_iter().map(Row::page).collect()
}

/// The page of a guild with this slug.
pub async fn of(
    tx: &mut Tx<'_>,
    guild: GuildId,
    slug: &PageSlug,
) -> Result<Option<StatusPage>, StoreError> {
    let row: Option<Row> =
        sqlx::query_as("SELECT * FROM status_pages WHERE slug = $1 AND guild_id = $2")
            .bind(slug.as_str())
            .bind(guild.to_row())
            .fetch_optional(&mut *tx.connection)
            .await?;
    row.map(Row::page).transpose()
}

/// How many pages a guild has.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM status_pages WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_one(&mut *tx.connection)
        .await?;
    Ok(count.unsigned_abs())
}

/// Free slugs like a taken one; empty if the slug is free.
pub async fn free_slugs(tx: &mut Tx<'_>, slug: &PageSlug) -> Result<Vec<PageSlug>, StoreError> {
    // Those that begin alike are all that can be in the way.
    let start = slug.as_str().get(..1).unwrap_or_default();
    let taken: Vec<String> =
        sqlx::query_scalar("SELECT slug FROM status_pages WHERE slug >= $1 AND slug < $2")
            .bind(start)
            .bind(format!("{start}\u{10ffff}"))
            .fetch_all(&mut *tx.connection)
            .await?;
    let taken: BTreeSet<String> = taken.into_iter().collect();
    if !taken.contains(slug.as_str()) {
        return Ok(Vec::new());
    }
    let free = slug.similar().filter(|one| !taken.contains(one.as_str()));
    Ok(free.take(SUGGESTIONS).collect())
}

/// Creates a page whose slug is free.
pub async fn insert(
    tx: &mut Tx<'_>,
    new: &NewStatusPage,
    now: Timestamp,
) -> Result<StatusPageId, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO status_pages (guild_id, slug, title, about, shows_latency, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(new.guild.to_row())
    .bind(new.slug.as_str())
    .bind(&new.title)
    .bind(&new.about)
    .bind(new.shows_latency)
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(StatusPageId(id))
}

/// Removes a page of a guild with its items.
pub async fn remove(
    tx: &mut Tx<'_>,
    guild: GuildId,
    slug: &PageSlug,
) -> Result<Effect, StoreError> {
    let deleted = sqlx::query("DELETE FROM status_pages WHERE slug = $1 AND guild_id = $2")
        .bind(slug.as_str())
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(Effect::of(&deleted))
}
