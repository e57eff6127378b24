//! Monitors with what they were in a range: those of a guild, or one. Monitors that were removed in the range or later belong to it.

use std::collections::HashMap;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::status_span::StatusSpan;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::silences::maintenance::TimeWindow;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::history::status_span;
use crate::store::status_pages::page::StatusPage;
use crate::store::{Reader, StoreError};

/// A monitor in a range of its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorHistory {
    pub id: MonitorId,
    pub kind: MonitorKind,
    pub name: String,
    pub group: Option<String>,
    /// `None`: it exists.
    pub removed_at: Option<Timestamp>,
    /// Before this moment, only the figures of days are known; `None`: all its spans are.
    pub exact_from: Option<Timestamp>,
    /// Those that overlap the range, in order. The first one may begin before it.
    pub spans: Vec<StatusSpan>,
    /// What overlaps the range. What goes on ends with the range.
    pub maintenance: Vec<TimeWindow>,
}

/// Which monitors of a guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryScope {
    All,
    /// The members of a user-defined group, as it is now.
    Group(String),
    One(MonitorId),
}

impl HistoryScope {
    /// The condition on a row of monitors (`m`); its value is bound as `$4`.
    const fn condition(&self) -> &'static str {
        match self {
            Self::All => "$4 IS NULL",
            Self::Group(_) => "m.group_name = $4",
            Self::One(_) => "m.id = CAST($4 AS INTEGER)",
        }
    }

    fn value(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Group(name) => Some(name.clone()),
            Self::One(id) => Some(id.to_string()),
        }
    }
}

/// Existing and removed monitors have a table each.
const TABLES: [&str; 2] = ["monitors", "removed_monitors"];

/// Monitors whose history is read at once: each has up to 20,000 spans.
const AT_ONCE: usize = 32;

/// The monitors of a guild in the range, by name, without their history.
pub async fn monitors(
    reader: &Reader,
    guild: GuildId,
    scope: &HistoryScope,
    range: HistoryRange,
) -> Result<Vec<MonitorHistory>, StoreError> {
    let query = Query {
        reader,
        guild,
        range,
        condition: scope.condition(),
        value: scope.value(),
    };
    query.monitors().await
}

/// The monitors of a status page in the range, by name, without their history.
pub async fn on_page(
    reader: &Reader,
    page: &StatusPage,
    range: HistoryRange,
) -> Result<Vec<MonitorHistory>, StoreError> {
    let query = Query {
        reader,
        guild: page.guild,
        range,
        condition: "m.id IN (SELECT i.monitor_id FROM status_page_items i WHERE i.page_id = CAST($4 AS INTEGER))",
        value: Some(page.id.0.to_string()),
    };
    query.monitors().await
}

/// Reads the history of monitors, some at a time, and keeps of each what `take` makes of it.
pub async fn each<T>(
    reader: &Reader,
    monitors: Vec<MonitorHistory>,
    range: HistoryRange,
    mut take: impl FnMut(MonitorHistory) -> T,
) -> Result<Vec<T>, StoreError> {
    let mut taken = Vec::with_capacity(monitors.len());
    let mut rest = monitors.into_iter();
    loop {
        let piece: Vec<MonitorHistory> = rest.by_ref().take(AT_ONCE).collect();
        if piece.is_empty() {
            return Ok(taken);
        }
        let ids: Vec<MonitorId> = piece.iter().map(|one| one.id).collect();
        let mut spans = spans(reader, &ids, range).await?;
        let mut maintenance = maintenance(reader, &ids, range).await?;
        for mut one in piece {
            one.spans = spans.remove(&one.id).unwrap_or_default();
            one.maintenance = maintenance.remove(&one.id).unwrap_or_default();
            taken.push(take(one));
        }
    }
}

/// Every guild that has or had a monitor.
pub async fn guilds(reader: &Reader) -> Result<Vec<GuildId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT guild_id FROM monitors UNION SELECT guild_id FROM removed_monitors",
    )
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(GuildId::from_row).collect())
}

struct Query<'query> {
    reader: &'query Reader,
    guild: GuildId,
    range: HistoryRange,
    /// On a row of monitors (`m`); the value is bound as `$4`.
    condition: &'static str,
    value: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    kind: String,
    name: String,
    group_name: Option<String>,
    removed_at: Option<i64>,
    exact_from: Option<i64>,
}

impl Query<'_> {
    async fn fetch<R>(&self, sql: String) -> Result<Vec<R>, StoreError>
    where
        R: for<'row> sqlx::FromRow<'row, sqlx::sqlite::SqliteRow> + Send + Unpin,
    {
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(self.guild.to_row())
            .bind(self.range.from.millis())
            .bind(self.range.to.millis())
            .bind(self.value.as_deref())
            .fetch_all(&self.reader.pool)
            .await?;
        Ok(rows)
    }

    async fn monitors(&self) -> Result<Vec<MonitorHistory>, StoreError> {
        let mut all = Vec::new();
        for table in TABLES {
            all.extend(self.monitors_in(table).await?);
        }
        all.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        Ok(all)
    }

    async fn monitors_in(&self, table: &str) -> Result<Vec<MonitorHistory>, StoreError> {
        let (removed_at, overlap) = match table {
            "monitors" => ("NULL", "$2 < $3"),
            _ => ("m.removed_at", "m.removed_at > $2 AND m.created_at < $3"),
        };
        let sql = format!(
            "SELECT m.id, m.kind, m.name, m.group_name, {removed_at} AS removed_at, l.exact_from FROM {} m
             LEFT JOIN span_limits l ON l.monitor_id = m.id WHERE m.guild_id = $1 AND {overlap} AND {}",
            table, self.condition
        );
        let rows: Vec<Row> = self.fetch(sql).await?;
        rows.into_iter()
            .map(|row| {
                let damaged =
                    |_| StoreError::Damaged(format!("the kind {} of a monitor", row.kind));
                Ok(MonitorHistory {
                    id: MonitorId(row.id),
                    kind: row.kind.parse().map_err(damaged)?,
                    name: row.name,
                    group: row.group_name,
                    removed_at: row.removed_at.map(Timestamp::from_millis),
                    exact_from: row.exact_from.map(Timestamp::from_millis),
                    spans: Vec::new(),
                    maintenance: Vec::new(),
                })
            })
            .collect()
    }
}

async fn spans(
    reader: &Reader,
    monitors: &[MonitorId],
    range: HistoryRange,
) -> Result<HashMap<MonitorId, Vec<StatusSpan>>, StoreError> {
    let mut spans: HashMap<MonitorId, Vec<StatusSpan>> = HashMap::new();
    for piece in pieces(monitors) {
        // The placeholders are not numbered, so each value stands once.
        let sql = format!(
            "SELECT s.monitor_id, s.began_at, s.status FROM (SELECT ? AS starts_at, ? AS ends_at) r
             CROSS JOIN status_spans s WHERE s.monitor_id IN {} AND s.began_at < r.ends_at AND s.began_at >= COALESCE(
                 (SELECT MAX(b.began_at) FROM status_spans b WHERE b.monitor_id = s.monitor_id AND b.began_at <= r.starts_at),
                 r.starts_at)
             ORDER BY s.monitor_id, s.began_at",
            placeholders(1, piece.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(range.from.millis())
            .bind(range.to.millis());
        for id in piece {
            query = query.bind(id.0);
        }
        let rows: Vec<(i64, i64, u8)> = query.fetch_all(&reader.pool).await?;
        for (monitor, began_at, code) in rows {
            let of = spans.entry(MonitorId(monitor)).or_default();
            of.push(status_span::read(began_at, code));
        }
    }
    Ok(spans)
}

async fn maintenance(
    reader: &Reader,
    monitors: &[MonitorId],
    range: HistoryRange,
) -> Result<HashMap<MonitorId, Vec<TimeWindow>>, StoreError> {
    let mut windows: HashMap<MonitorId, Vec<TimeWindow>> = HashMap::new();
    for piece in pieces(monitors) {
        let sql = format!(
            "SELECT s.monitor_id, s.began_at, COALESCE(s.ended_at, r.ends_at) FROM (SELECT ? AS starts_at, ? AS ends_at) r
             CROSS JOIN maintenance_spans s WHERE s.monitor_id IN {} AND s.began_at < r.ends_at
                 AND COALESCE(s.ended_at, r.ends_at) > r.starts_at
             ORDER BY s.monitor_id, s.began_at",
            placeholders(1, piece.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(range.from.millis())
            .bind(range.to.millis());
        for id in piece {
            query = query.bind(id.0);
        }
        let rows: Vec<(i64, i64, i64)> = query.fetch_all(&reader.pool).await?;
        for (monitor, starts_at, ends_at) in rows {
            let of = windows.entry(MonitorId(monitor)).or_default();
            of.push(TimeWindow {
                starts_at: Timestamp::from_millis(starts_at),
                ends_at: Timestamp::from_millis(ends_at),
            });
        }
    }
    Ok(windows)
}
