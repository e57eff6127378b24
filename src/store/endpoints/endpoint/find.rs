//! Queries that find and list endpoints. Each takes a guild; `None` means all guilds, for the operator at the command
//! line.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Description, Endpoint, http_check_row};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::status_rule::State;
use crate::domain::monitor::MonitorId;
use crate::domain::monitor::name::NameKey;
use crate::domain::status::Status;
use crate::store::endpoints::state;
use crate::store::engine::rows::{of_guild, of_present_guild};
use crate::store::engine::unreadable::StoredTable;
use crate::store::monitors::search::containing;
use crate::store::{Reader, StoreError, Tx};

/// Conditions that the endpoints of a list meet.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndpointFilter {
    pub guild: Option<GuildId>,
    pub status: Option<Status>,
    /// Only active endpoints, or only inactive ones. Paused endpoints are neither.
    pub active: Option<bool>,
    pub reason: Option<FailureClass>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub endpoints: Vec<Endpoint>,
    /// Endpoints of this page whose rows cannot be read.
    pub unreadable: Vec<MonitorId>,
    /// Where the next page starts; `None` on the last page.
    pub next: Option<Position>,
    /// Number of endpoints on all pages.
    pub total: u64,
}

/// The rows that pass a filter. $1 is the guild, $2 the status, $3 whether they are active, $4 the reason.
const MATCHING: &str = "FROM endpoints WHERE ($2 IS NULL OR status = $2)
    AND ($3 IS NULL OR (is_active = $3 AND status <> 'paused')) AND ($4 IS NULL OR failure_class = $4)";

/// A place in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// `i64::MAX` for active endpoints, which come last.
    pub inactive_since: i64,
    pub name: String,
    pub id: MonitorId,
}

impl Position {
    fn of(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            inactive_since: row.try_get("inactive_since")?,
            name: row.try_get("name")?,
            id: MonitorId(row.try_get("id")?),
        })
    }
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// After this many endpoints.
    Skip(u64),
    /// After the endpoint at this place, even if it is no longer there.
    After(Position),
}

/// The first part of the order of the list.
const INACTIVE_SINCE: &str = "CASE WHEN is_active = 0 THEN since ELSE 9223372036854775807 END";

/// One page of a list: inactive endpoints first, the longest inactive first, then by name.
pub async fn list(
    reader: &Reader,
    filter: EndpointFilter,
    start: Start,
    limit: u32,
) -> Result<Page, StoreError> {
    let (after, offset) = match start {
        Start::Skip(offset) => (None, offset),
        Start::After(position) => (Some(position), 0),
    };
    let guild = filter.guild.map(GuildId::to_row);
    let (status, reason) = (
        filter.status.map(Status::as_str),
        filter.reason.map(FailureClass::as_str),
    );
    let of_guild = of_guild(filter.guild);
    let count = format!("SELECT COUNT(*) {MATCHING} AND {of_guild}");
    let total: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count))
        .bind(guild)
        .bind(status)
        .bind(filter.active)
        .bind(reason)
        .fetch_one(&reader.pool)
        .await?;
    let page = format!(
        "SELECT *, {INACTIVE_SINCE} AS inactive_since {MATCHING} AND {of_guild} AND ($7 IS NULL OR ({INACTIVE_SINCE}, name, id) > ($7, $8, $9))
         ORDER BY {INACTIVE_SINCE}, name, id LIMIT $5 OFFSET $6"
    );
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(page))
        .bind(guild)
        .bind(status)
        .bind(filter.active)
        .bind(reason)
        .bind(i64::from(limit) + 1)
        .bind(i64::try_from(offset).unwrap_or(i64::MAX))
        .bind(after.as_ref().map(|position| position.inactive_since))
        .bind(after.as_ref().map(|position| position.name.as_str()))
        .bind(after.as_ref().map(|position| position.id.0))
        .fetch_all(&reader.pool)
        .await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| has_more);
    let next = last.map(Position::of).transpose()?;
    let endpoints = reader.unreadable.skip(StoredTable::Monitors, &rows, read)?;
    let readable: HashSet<MonitorId> = endpoints.iter().map(|endpoint| endpoint.id).collect();
    let ids: Vec<i64> = rows
        .iter()
        .map(|row| row.try_get("id"))
        .collect::<Result<_, _>>()?;
    Ok(Page {
        endpoints,
        unreadable: ids
            .into_iter()
            .map(MonitorId)
            .filter(|id| !readable.contains(id))
            .collect(),
        next,
        total: total.unsigned_abs(),
    })
}

/// Every endpoint of a guild (`None`: of all guilds) by id, for export and the command line.
pub async fn all(reader: &Reader, guild: Option<GuildId>) -> Result<Vec<Endpoint>, StoreError> {
    let sql = format!(
        "SELECT * FROM endpoints WHERE {} ORDER BY id",
        of_guild(guild)
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(guild.map(GuildId::to_row))
        .fetch_all(&reader.pool)
        .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, read)
}

/// Reads every endpoint, so that unreadable ones become known.
pub(in crate::store) async fn find_unreadable(reader: &Reader) -> Result<(), StoreError> {
    reader
        .unreadable
        .search(&reader.pool, "endpoints", read)
        .await
}

/// One endpoint of a guild.
pub async fn get(
    reader: &Reader,
    guild: GuildId,
    id: MonitorId,
) -> Result<Option<Endpoint>, StoreError> {
    let row = sqlx::query("SELECT * FROM endpoints WHERE id = $1 AND guild_id = $2")
        .bind(id.0)
        .bind(guild.to_row())
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// One endpoint of a guild, read inside a transaction.
pub async fn find(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: MonitorId,
) -> Result<Option<Endpoint>, StoreError> {
    let row = sqlx::query("SELECT * FROM endpoints WHERE id = $1 AND guild_id = $2")
        .bind(id.0)
        .bind(guild.to_row())
        .fetch_optional(&mut *tx.connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The endpoint of a guild with exactly this target.
pub async fn with_target(
    reader: &Reader,
    guild: GuildId,
    target: &str,
) -> Result<Option<Endpoint>, StoreError> {
    let row = sqlx::query("SELECT * FROM endpoints WHERE guild_id = $1 AND target = $2")
        .bind(guild.to_row())
        .bind(target)
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The endpoints of a guild on a host, on one port or on any (`None`); at most 26.
pub async fn with_address(
    reader: &Reader,
    guild: GuildId,
    host: &str,
    port: Option<u16>,
) -> Result<Vec<Endpoint>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM endpoints WHERE guild_id = $1 AND host = $2 AND ($3 IS NULL OR port = $3) ORDER BY port, id LIMIT 26",
    )
    .bind(guild.to_row())
    .bind(host)
    .bind(port)
    .fetch_all(&reader.pool)
    .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, read)
}

/// The endpoint of a guild with this name.
pub async fn with_name(
    reader: &Reader,
    guild: GuildId,
    name: &str,
) -> Result<Option<Endpoint>, StoreError> {
    let row = sqlx::query(
        "SELECT * FROM endpoints WHERE id = (
             SELECT id FROM monitors WHERE guild_id = $1 AND kind = 'endpoint' AND name_key = $2
         )",
    )
    .bind(guild.to_row())
    .bind(NameKey::of(name).as_str())
    .fetch_optional(&reader.pool)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Endpoints of a guild whose name or target contains `text`; inactive ones first.
pub async fn search(
    reader: &Reader,
    guild: GuildId,
    text: &str,
    limit: u32,
) -> Result<Vec<Endpoint>, StoreError> {
    let rows = sqlx::query(
        r"SELECT e.* FROM endpoints e JOIN monitors m ON m.id = e.id WHERE e.guild_id = $1
          AND (COALESCE(m.name_key, LOWER(m.name)) LIKE $2 ESCAPE '\' OR e.target LIKE LOWER($3) ESCAPE '\')
          ORDER BY e.is_active, e.name, e.id LIMIT $4",
    )
    .bind(guild.to_row())
    .bind(containing(NameKey::of(text).as_str()))
    .bind(containing(text))
    .bind(i64::from(limit))
    .fetch_all(&reader.pool)
    .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, read)
}

/// Numbers of endpoints by status, in a guild (`None`: in all guilds that have not removed the bot). Statuses without endpoints are omitted.
pub async fn counts_by_status(
    reader: &Reader,
    guild: Option<GuildId>,
) -> Result<Vec<(Status, u64)>, StoreError> {
    let sql = format!(
        "SELECT status, COUNT(*) FROM monitors WHERE kind = 'endpoint' AND {} GROUP BY status",
        of_present_guild(guild)
    );
    let rows: Vec<(String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(guild.map(GuildId::to_row))
        .fetch_all(&reader.pool)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(word, count)| Some((word.parse::<Status>().ok()?, count.unsigned_abs())))
        .collect())
}

/// Numbers of offline endpoints of a guild by failure class, the most frequent first.
pub async fn counts_by_reason(
    reader: &Reader,
    guild: GuildId,
) -> Result<Vec<(FailureClass, u64)>, StoreError> {
    let rows: Vec<(Option<String>, i64)> = sqlx::query_as(
        "SELECT failure_class, COUNT(*) FROM endpoints WHERE guild_id = $1 AND status = 'offline'
         GROUP BY failure_class ORDER BY COUNT(*) DESC, failure_class",
    )
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    let known = |(word, count): (Option<String>, i64)| {
        Some((word?.parse::<FailureClass>().ok()?, count.unsigned_abs()))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

/// The endpoint of a guild that has been offline the longest.
pub async fn oldest_offline(
    reader: &Reader,
    guild: GuildId,
) -> Result<Option<Endpoint>, StoreError> {
    let filter = EndpointFilter {
        guild: Some(guild),
        status: Some(Status::Offline),
        ..EndpointFilter::default()
    };
    Ok(list(reader, filter, Start::Skip(0), 1)
        .await?
        .endpoints
        .into_iter()
        .next())
}

fn read(row: &SqliteRow) -> Result<Endpoint, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("an endpoint's {what}"));
    let target: &str = row.try_get("target")?;
    let status: &str = row.try_get("status")?;
    let http_check: Option<&str> = row.try_get("http_check")?;
    let class: Option<&str> = row.try_get("failure_class")?;
    let http_check = match http_check {
        Some(text) => Some(http_check_row::read(text).ok_or_else(|| damaged("HTTP options"))?),
        None => None,
    };
    let timestamp = |column: &str| {
        Ok::<_, sqlx::Error>(
            row.try_get::<Option<i64>, _>(column)?
                .map(Timestamp::from_millis),
        )
    };
    let length = |column: &str| {
        Ok::<_, sqlx::Error>(
            row.try_get::<Option<i64>, _>(column)?
                .map(i64::unsigned_abs),
        )
    };
    Ok(Endpoint {
        id: MonitorId(row.try_get("id")?),
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        description: Description {
            name: row.try_get("name")?,
            target: target.parse().map_err(|_| damaged("target"))?,
            http_check,
            interval: length("interval_ms")?.map(Duration::from_millis),
        },
        state: State {
            status: status
                .parse::<Status>()
                .ok()
                .ok_or_else(|| damaged("status"))?,
            since: Timestamp::from_millis(row.try_get("since")?),
            consecutive_failures: row
                .try_get::<Option<u32>, _>("consecutive_failures")?
                .unwrap_or(0),
            failure: state::failure(class, row.try_get("failure_detail")?),
        },
        last_check_at: timestamp("last_check_date")?,
        recheck_counts_from: timestamp("inactive_checked_at")?,
        last_seen_at: timestamp("last_seen_at")?,
        next_check_at: timestamp("next_due_at")?,
        latency: length("latency_us")?.map(Duration::from_micros),
        certificate: state::certificate(row)?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}
