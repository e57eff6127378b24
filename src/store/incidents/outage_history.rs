//! The outages of a guild in a range, in pages, newest first: for lists of the history.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::HistoryRange;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::MonitorId;
use crate::domain::status::transition::OutageEnd;
use crate::store::history::monitor_history::HistoryScope;
use crate::store::{Reader, StoreError};

/// An outage in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedOutage {
    pub monitor_id: MonitorId,
    /// `None`: unknown, because the monitor was removed so long ago that its history is deleted.
    pub name: Option<String>,
    pub reason: OutageReason,
    /// More about the reason, while the outage is open; of a limit, also afterward.
    pub detail: Option<String>,
    pub started_at: Timestamp,
    /// When and how it ended; `None`: it is open.
    pub ended: Option<(Timestamp, OutageEnd)>,
    /// Whether it was in a maintenance window when it was to be notified.
    pub is_in_maintenance: bool,
    /// `None`: no notification was sent.
    pub incident: Option<IncidentId>,
}

/// Which outages of a guild are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageFilter {
    pub guild: GuildId,
    pub scope: HistoryScope,
    /// Only outages that were open in the range, for however short a part of it.
    pub range: HistoryRange,
}

#[derive(sqlx::FromRow)]
struct Row {
    monitor_id: i64,
    name: Option<String>,
    reason: String,
    detail: Option<String>,
    started_at: i64,
    ended_at: Option<i64>,
    ended_by: Option<String>,
    is_in_maintenance: bool,
    incident_id: Option<i64>,
}

impl OutageFilter {
    /// The condition on a row of outages (`o`), with `$1` to `$4`. A limit whose excess is only a warning makes no downtime.
    fn condition(&self) -> String {
        let scope = match &self.scope {
            HistoryScope::All => "o.guild_id = $1 AND $4 IS NULL",
            // By the index of its monitors.
            HistoryScope::Group(_) => {
                "+o.guild_id = $1 AND o.monitor_id IN (
                     SELECT id FROM monitors WHERE guild_id = $1 AND group_name = $4
                     UNION ALL SELECT id FROM removed_monitors WHERE guild_id = $1 AND group_name = $4)"
            }
            HistoryScope::One(_) => "+o.guild_id = $1 AND o.monitor_id = CAST($4 AS INTEGER)",
        };
        format!(
            "{scope} AND o.reason <> 'limit_warning' AND o.started_at < $3 AND COALESCE(o.ended_at, $3) > $2"
        )
    }

    fn value(&self) -> Option<String> {
        match &self.scope {
            HistoryScope::All => None,
            HistoryScope::Group(name) => Some(name.clone()),
            HistoryScope::One(id) => Some(id.to_string()),
        }
    }
}

/// The number of outages that match a filter.
pub async fn count(reader: &Reader, filter: &OutageFilter) -> Result<u64, StoreError> {
    let sql = format!(
        "SELECT COUNT(*) FROM outages o WHERE {}",
        filter.condition()
    );
    let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(filter.guild.to_row())
        .bind(filter.range.from.millis())
        .bind(filter.range.to.millis())
        .bind(filter.value())
        .fetch_one(&reader.pool)
        .await?;
    Ok(count.unsigned_abs())
}

/// The outages that match a filter, newest first, without the first `skip` ones.
pub async fn list(
    reader: &Reader,
    filter: &OutageFilter,
    skip: u64,
    limit: u32,
) -> Result<Vec<ListedOutage>, StoreError> {
    let sql = format!(
        "WITH shown AS (SELECT o.id FROM outages o WHERE {} ORDER BY o.started_at DESC, o.id DESC LIMIT $5 OFFSET $6)
         SELECT o.monitor_id, COALESCE(d.name, r.name) AS name, o.reason,
             CASE WHEN o.ended_at IS NULL OR o.limit_id > 0 THEN d.detail END AS detail,
             o.started_at, o.ended_at, o.ended_by, o.is_in_maintenance, o.incident_id
         FROM shown JOIN outages o ON o.id = shown.id JOIN outage_details d ON d.id = shown.id
         LEFT JOIN removed_monitors r ON r.id = o.monitor_id
         ORDER BY o.started_at DESC, o.id DESC",
        filter.condition()
    );
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(filter.guild.to_row())
        .bind(filter.range.from.millis())
        .bind(filter.range.to.millis())
        .bind(filter.value())
        .bind(limit)
        .bind(i64::try_from(skip).unwrap_or(i64::MAX))
        .fetch_all(&reader.pool)
        .await?;
    rows.into_iter().map(listed).collect()
}

fn listed(row: Row) -> Result<ListedOutage, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the {what} of an outage"));
    let end = match row.ended_by {
        None => OutageEnd::Recovered,
        Some(word) => word.parse().map_err(|_| damaged("end"))?,
    };
    let ended_at = row.ended_at.map(Timestamp::from_millis);
    Ok(ListedOutage {
        monitor_id: MonitorId(row.monitor_id),
        name: row.name,
        reason: row.reason.parse().map_err(|_| damaged("reason"))?,
        detail: row.detail,
        started_at: Timestamp::from_millis(row.started_at),
        ended: ended_at.map(|at| (at, end)),
        is_in_maintenance: row.is_in_maintenance,
        incident: row.incident_id.map(IncidentId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    /// Monitors 1 and 2 are in a group, and so was 3, which was removed; 4 is in none, 5 is of another guild. An outage has ten
    /// times the number of its monitor as its start, and ends five later.
    async fn with_outages() -> TestStore {
        let store = TestStore::open().await;
        for sql in [
            "INSERT INTO monitors (id, guild_id, kind, name, group_name, status, since, created_at) VALUES
                 (1, 1, 'endpoint', 'one', 'web', 'online', 0, 0), (2, 1, 'endpoint', 'two', 'web', 'offline', 0, 0),
                 (4, 1, 'server', 'four', NULL, 'online', 0, 0), (5, 2, 'endpoint', 'five', 'web', 'online', 0, 0)",
            "INSERT INTO removed_monitors (id, guild_id, kind, name, group_name, created_at, removed_at)
             VALUES (3, 1, 'endpoint', 'three', 'web', 0, 100)",
            "INSERT INTO endpoint_targets (monitor_id, guild_id, target, host, port, failure_detail)
             SELECT id, guild_id, 'tcp://' || name, name, 1, 'now' FROM monitors WHERE kind = 'endpoint'",
            "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 5)
             INSERT INTO outages (id, guild_id, monitor_id, started_at, ended_at, ended_by, reason)
             SELECT id, CASE id WHEN 5 THEN 2 ELSE 1 END, id, 10 * id, 10 * id + 5, 'recovered', 'refused' FROM n",
            "INSERT INTO outages (id, guild_id, monitor_id, started_at, reason, is_in_maintenance, incident_id)
             VALUES (6, 1, 2, 60, 'timed_out', 1, 9)",
            "INSERT INTO outages (id, guild_id, monitor_id, started_at, ended_at, ended_by, reason, limit_id, detail) VALUES
                 (7, 1, 4, 61, 62, 'recovered', 'limit_warning', 8, 'load'), (8, 1, 4, 62, 63, 'paused', 'limit_outage', 9, 'disk')",
        ] {
            store.execute(sql).await;
        }
        store
    }

    fn filter(scope: HistoryScope, from: i64, to: i64) -> OutageFilter {
        let at = Timestamp::from_millis;
        OutageFilter {
            guild: HOME,
            scope,
            range: HistoryRange {
                from: at(from),
                to: at(to),
            },
        }
    }

    /// The starts of a page, after checking that as many are counted as there are without a limit.
    async fn starts(store: &TestStore, filter: &OutageFilter, skip: u64, limit: u32) -> Vec<i64> {
        let all = list(&store.reader, filter, 0, 100).await.unwrap();
        let counted = count(&store.reader, filter).await.unwrap();
        assert_eq!(counted, all.len() as u64);
        let page = list(&store.reader, filter, skip, limit).await.unwrap();
        page.iter().map(|one| one.started_at.millis()).collect()
    }

    #[tokio::test]
    async fn a_range_has_the_outages_of_the_guild_that_were_open_in_it() {
        let store = with_outages().await;
        let web = || HistoryScope::Group("web".into());
        let one = |id| HistoryScope::One(MonitorId(id));
        for (scope, from, to, expected) in [
            (HistoryScope::All, 0, 100, &[62, 60, 40, 30, 20, 10][..]),
            (web(), 0, 100, &[60, 30, 20, 10]),
            (HistoryScope::Group("WEB".into()), 0, 100, &[]),
            (one(2), 0, 100, &[60, 20]),
            (one(3), 0, 100, &[30]),
            (one(5), 0, 100, &[]),
            (HistoryScope::All, 0, 10, &[]),
            (HistoryScope::All, 0, 11, &[10]),
            (HistoryScope::All, 14, 20, &[10]),
            (HistoryScope::All, 15, 20, &[]),
            (HistoryScope::All, 90, 91, &[60]),
        ] {
            let filter = filter(scope, from, to);
            assert_eq!(
                starts(&store, &filter, 0, 100).await,
                expected,
                "{filter:?}"
            );
        }
    }

    #[tokio::test]
    async fn pages_follow_each_other_without_a_gap() {
        let store = with_outages().await;
        let all = filter(HistoryScope::All, 0, 100);
        for (skip, expected) in [(0, &[62, 60, 40, 30][..]), (4, &[20, 10]), (6, &[])] {
            assert_eq!(starts(&store, &all, skip, 4).await, expected, "{skip}");
        }
        assert_eq!(starts(&store, &all, u64::MAX, 4).await, [0; 0]);
    }

    #[tokio::test]
    async fn an_outage_has_its_monitor_its_reason_and_its_end() {
        let store = with_outages().await;
        let all = filter(HistoryScope::All, 0, 100);
        let listed = list(&store.reader, &all, 0, 100).await.unwrap();
        let by_limit = &listed[0];
        assert_eq!(by_limit.detail.as_deref(), Some("disk"));
        let end = Some((Timestamp::from_millis(63), OutageEnd::Paused));
        assert_eq!(
            (by_limit.reason, by_limit.ended),
            (OutageReason::LimitOutage, end)
        );
        let open = &listed[1];
        assert_eq!((open.name.as_deref(), open.ended), (Some("two"), None));
        assert_eq!(
            (open.is_in_maintenance, open.incident),
            (true, Some(IncidentId(9)))
        );
        assert_eq!(open.detail.as_deref(), Some("now"));
        let of_removed = &listed[3];
        assert_eq!(of_removed.name.as_deref(), Some("three"));
        // The detail is that of the latest failure, so an outage that ended has none.
        assert_eq!(listed[4].detail, None);
        assert_eq!(
            (listed[4].is_in_maintenance, listed[4].incident),
            (false, None)
        );
    }
}
