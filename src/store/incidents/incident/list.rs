//! The incidents of a guild in pages, newest first. A page takes four statements, however many incidents it has.

use super::{Incident, with_outages};
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::HistoryRange;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::incidents::incident_state::IncidentState;
use crate::store::{Reader, StoreError};

/// Which incidents of a guild are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentFilter {
    pub guild: GuildId,
    /// `None`: open and resolved ones.
    pub state: Option<IncidentState>,
    /// Only incidents that were open in the range, for however short a part of it.
    pub range: HistoryRange,
    /// Only incidents before the one with this id; `None`: from the newest one on.
    pub before: Option<IncidentId>,
}

impl IncidentFilter {
    /// The condition on a row of incidents, with `$1` to `$4`.
    fn condition(&self) -> String {
        let state = match self.state {
            None => "",
            Some(IncidentState::Open) => "AND ended_at IS NULL",
            Some(IncidentState::Resolved) => "AND ended_at IS NOT NULL",
        };
        format!(
            "guild_id = $1 AND kind = 'incident' AND id < $2 {state} AND opened_at < $3 AND COALESCE(ended_at, $3) > $4"
        )
    }
}

/// The incidents about outages that match a filter, newest first, with their current outages.
pub async fn list(
    reader: &Reader,
    filter: IncidentFilter,
    limit: u32,
) -> Result<Vec<Incident>, StoreError> {
    list_after(reader, filter, 0, limit).await
}

/// The same without the first `skip` ones.
pub async fn list_after(
    reader: &Reader,
    filter: IncidentFilter,
    skip: u64,
    limit: u32,
) -> Result<Vec<Incident>, StoreError> {
    let sql = format!(
        "SELECT * FROM incidents WHERE {} ORDER BY id DESC LIMIT $5 OFFSET $6",
        filter.condition()
    );
    let heads = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(filter.guild.to_row())
        .bind(filter.before.map_or(i64::MAX, |before| before.0))
        .bind(filter.range.to.millis())
        .bind(filter.range.from.millis())
        .bind(limit)
        .bind(i64::try_from(skip).unwrap_or(i64::MAX))
        .fetch_all(&reader.pool)
        .await?;
    with_outages(reader, &heads).await
}

/// The number of incidents that match a filter.
pub async fn count(reader: &Reader, filter: IncidentFilter) -> Result<u64, StoreError> {
    let sql = format!(
        "SELECT COUNT(*) FROM incidents WHERE {}",
        filter.condition()
    );
    let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(filter.guild.to_row())
        .bind(filter.before.map_or(i64::MAX, |before| before.0))
        .bind(filter.range.to.millis())
        .bind(filter.range.from.millis())
        .fetch_one(&reader.pool)
        .await?;
    Ok(count.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::store::incidents::incident::get;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    /// Ten incidents: the odd ones are open, the fifth is of another guild, the sixth is no incident. Each has as many
    /// monitors as ten times its id, but the second none.
    async fn with_incidents() -> TestStore {
        let store = TestStore::open().await;
        for sql in [
            "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 10)
             INSERT INTO incidents (id, guild_id, kind, details, scope, opened_at, created_at, joined_at, ended_at)
             SELECT id, CASE id WHEN 5 THEN 2 ELSE 1 END, CASE id WHEN 6 THEN 'discord_refused' ELSE 'incident' END,
                 '{\"reason\":\"\"}', '', id, id, id, CASE id % 2 WHEN 0 THEN 1000 + id END FROM n",
            "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 100)
             INSERT INTO outages (guild_id, monitor_id, started_at, ended_at, reason, incident_id)
             SELECT i.guild_id, 100 * i.id + n.id, n.id, i.ended_at, 'refused', i.id
             FROM incidents i JOIN n ON n.id <= 10 * i.id WHERE i.id <> 2",
            // An earlier outage of a monitor is counted and not listed.
            "INSERT INTO outages (id, guild_id, monitor_id, started_at, ended_at, reason, incident_id)
             VALUES (-1, 1, 101, 0, 1, 'timed_out', 1)",
            "INSERT INTO incident_notes (incident_id, guild_id, at, actor, text)
             SELECT incident_id, guild_id, started_at, 'discord:7', 'note' FROM outages WHERE incident_id IN (1, 3)",
        ] {
            store.execute(sql).await;
        }
        store
    }

    async fn ids(store: &TestStore, state: Option<IncidentState>, before: Option<i64>) -> Vec<i64> {
        let filter = IncidentFilter {
            guild: HOME,
            state,
            range: HistoryRange::ALWAYS,
            before: before.map(IncidentId),
        };
        let listed = list(&store.reader, filter, 4).await.unwrap();
        listed.iter().map(|incident| incident.id.0).collect()
    }

    #[tokio::test]
    async fn pages_have_the_incidents_of_one_guild_newest_first() {
        let store = with_incidents().await;
        let (open, resolved) = (Some(IncidentState::Open), Some(IncidentState::Resolved));
        for (state, before, expected) in [
            (None, None, &[10, 9, 8, 7][..]),
            (None, Some(7), &[4, 3, 2, 1]),
            (None, Some(1), &[]),
            (open, None, &[9, 7, 3, 1]),
            (open, Some(3), &[1]),
            (resolved, None, &[10, 8, 4, 2]),
            (resolved, Some(8), &[4, 2]),
        ] {
            let found = ids(&store, state, before).await;
            assert_eq!(found, expected, "{state:?} {before:?}");
        }
    }

    #[tokio::test]
    async fn numbered_pages_follow_each_other_and_are_counted() {
        let store = with_incidents().await;
        for (state, count_of_all, second_page) in [
            (None, 8, &[4, 3, 2, 1][..]),
            (Some(IncidentState::Open), 4, &[]),
            (Some(IncidentState::Resolved), 4, &[]),
        ] {
            let filter = IncidentFilter {
                guild: HOME,
                state,
                range: HistoryRange::ALWAYS,
                before: None,
            };
            assert_eq!(count(&store.reader, filter).await.unwrap(), count_of_all);
            let page = list_after(&store.reader, filter, 4, 4).await.unwrap();
            let ids: Vec<i64> = page.iter().map(|incident| incident.id.0).collect();
            assert_eq!(ids, second_page, "{state:?}");
            let beyond = list_after(&store.reader, filter, u64::MAX, 4).await;
            assert_eq!(beyond.unwrap(), []);
        }
    }

    #[tokio::test]
    async fn a_range_has_the_incidents_that_were_open_in_it() {
        let store = with_incidents().await;
        // The even ones are open from their id to 1000 + their id, in milliseconds.
        for (from, to, expected) in [
            (0, 1, &[][..]),
            (0, 2, &[1]),
            (9, 10, &[9, 8, 7, 4, 3, 2, 1]),
            (1_004, 1_005, &[10, 9, 8, 7, 3, 1]),
            (1_003, 1_004, &[10, 9, 8, 7, 4, 3, 1]),
            (1_010, 2_000, &[9, 7, 3, 1]),
            (2_000, 2_000, &[]),
        ] {
            let at = Timestamp::from_millis;
            let range = HistoryRange {
                from: at(from),
                to: at(to),
            };
            let filter = IncidentFilter {
                guild: HOME,
                state: None,
                range,
                before: None,
            };
            let listed = list(&store.reader, filter, 10).await.unwrap();
            let ids: Vec<i64> = listed.iter().map(|incident| incident.id.0).collect();
            assert_eq!(ids, expected, "{from} to {to}");
        }
    }

    #[tokio::test]
    async fn a_listed_incident_is_the_same_as_alone() {
        let store = with_incidents().await;
        let filter = IncidentFilter {
            guild: HOME,
            state: None,
            range: HistoryRange::ALWAYS,
            before: None,
        };
        let listed = list(&store.reader, filter, 10).await.unwrap();
        assert_eq!(listed.len(), 8);
        for incident in listed {
            let id = incident.id.0;
            let alone = get(&store.reader, incident.id).await.unwrap().unwrap();
            assert_eq!(incident, alone);
            let monitors = if id == 2 { 0 } else { 10 * id.unsigned_abs() };
            assert_eq!(incident.counts.monitors, monitors, "{id}");
            assert_eq!(incident.outages.len() as u64, monitors.min(25), "{id}");
            let open = if id % 2 == 1 { monitors } else { 0 };
            assert_eq!(incident.counts.open, open, "{id}");
        }
        let first = get(&store.reader, IncidentId(1)).await.unwrap().unwrap();
        let times: Vec<u64> = first.outages.iter().map(|outage| outage.times).collect();
        assert_eq!(times, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!((first.notes.count, first.notes.latest.len()), (11, 10));
    }
}
