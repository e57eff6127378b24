//! Every check of a monitor in a range, as JSON lines. They are read and sent week by week, so a response holds at most a week of
//! checks in memory, also if the client reads slowly.

use axum::body::{Body, Bytes};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{between, monitor};
use crate::actions::history::checks::{MonitorChecks, WeekChecks};
use crate::domain::history::check_archive::ArchivedCheck;
use crate::domain::history::iso_week::IsoWeek;
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{InPath, InQuery, ReadTurn, Reader};
use crate::http::api::routes::JsonLines;
use crate::http::api::values::{
    CheckResultWord, DateTime, FailureClassWord, Moment, Word, date_time,
};
use crate::store;

/// The most checks of a response.
pub(super) const MOST_CHECKS: usize = 1_000_000;

/// The checks that are sent at once: about 100 KB.
const AT_ONCE: usize = 1_000;

/// The query of a list of checks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckQuery {
    /// Default: a day before `to`.
    #[param(inline)]
    from: Option<Moment>,
    /// Default: now.
    #[param(inline)]
    to: Option<Moment>,
}

/// A line of a list of checks.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum CheckLine {
    Damaged(DamagedChecks),
    More(MoreChecks),
    Check(CheckLineView),
}

/// A check.
#[derive(Serialize, ToSchema)]
#[schema(as = Check)]
pub(super) struct CheckLineView {
    at: DateTime,
    result: CheckResultWord,
    /// Of a check that failed. Null: a newer version of Rollcall stored it.
    #[schema(required)]
    reason: Option<FailureClassWord>,
    /// Within 1 %.
    latency_us: u64,
}

/// Checks that are stored and cannot be read. All others follow.
#[derive(Serialize, ToSchema)]
pub(super) struct DamagedChecks {
    /// Of which week.
    #[schema(examples("2026-W48"))]
    damaged: String,
}

/// The last line of a response that is full.
#[derive(Serialize, ToSchema)]
pub(super) struct MoreChecks {
    /// The `from` of a request for the checks that follow.
    next: DateTime,
}

impl From<&ArchivedCheck> for CheckLineView {
    fn from(check: &ArchivedCheck) -> Self {
        Self {
            at: date_time(check.at),
            result: Word(check.class.kind()),
            reason: check.class.failure().map(Word),
            latency_us: check.latency.value_micros(),
        }
    }
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InQuery(query): InQuery<CheckQuery>,
) -> Result<JsonLines<CheckLine>, Problem> {
    let guild = reader.0.guild_id;
    monitor(&app, guild, id).await?;
    // The response takes long. Other requests of the guild have their turns meanwhile.
    drop(reader);
    let turn = app.export_turns.take(guild).await?;
    let range = between(query.from, query.to, app.clock.now());
    let store = app.store.reader.clone();
    let checks = MonitorChecks::open(&store, id).await?;
    let weeks = checks.weeks(&store, range).await?;
    let lines = CheckLines {
        store,
        range,
        damaged_pieces: checks.damaged_pieces,
        checks,
        weeks: weeks.into_iter(),
        week: Vec::new().into_iter(),
        left: MOST_CHECKS,
        _turn: turn,
    };
    let pieces = futures_util::stream::try_unfold(lines, async |mut lines| {
        let piece = lines.next().await?;
        Ok::<_, store::StoreError>(piece.map(|piece| (piece, lines)))
    });
    Ok(JsonLines::new(Body::from_stream(pieces)))
}

/// What is still to be sent.
struct CheckLines {
    store: store::Reader,
    range: HistoryRange,
    checks: MonitorChecks,
    damaged_pieces: usize,
    weeks: std::vec::IntoIter<IsoWeek>,
    /// Of the week that is being sent.
    week: std::vec::IntoIter<ArchivedCheck>,
    /// How many checks the response may still have.
    left: usize,
    _turn: ReadTurn,
}

impl CheckLines {
    /// The next lines; `None` after the last one.
    async fn next(&mut self) -> Result<Option<Bytes>, store::StoreError> {
        let mut lines = JsonText::default();
        if std::mem::take(&mut self.damaged_pieces) > 0 {
            let damaged = IsoWeek::of(self.range.to).to_string();
            lines.add(&CheckLine::Damaged(DamagedChecks { damaged }));
        }
        while lines.is_empty() {
            let Some(first) = self.week.next() else {
                let Some(week) = self.weeks.next() else {
                    break;
                };
                self.begin(week, &mut lines).await?;
                continue;
            };
            if self.left == 0 {
                let next = date_time(first.at);
                lines.add(&CheckLine::More(MoreChecks { next }));
                self.weeks = Vec::new().into_iter();
                self.week = Vec::new().into_iter();
                break;
            }
            let count = AT_ONCE.min(self.left);
            let piece = std::iter::once(first).chain(self.week.by_ref());
            for check in piece.take(count) {
                lines.add(&CheckLine::Check(CheckLineView::from(&check)));
                self.left -= 1;
            }
        }
        Ok(lines.finish())
    }

    async fn begin(
        &mut self,
        week: IsoWeek,
        lines: &mut JsonText,
    ) -> Result<(), store::StoreError> {
        let WeekChecks { checks, damage } = self.checks.week(&self.store, week, self.range).await?;
        if damage.is_some() {
            let damaged = week.to_string();
            lines.add(&CheckLine::Damaged(DamagedChecks { damaged }));
        }
        self.week = checks.into_iter();
        Ok(())
    }
}

/// Lines of JSON.
#[derive(Default)]
struct JsonText(Vec<u8>);

impl JsonText {
    fn add(&mut self, line: &CheckLine) {
        // A view of texts and numbers can be written.
        let written = serde_json::to_writer(&mut self.0, line);
        debug_assert!(written.is_ok());
        self.0.push(b'\n');
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn finish(self) -> Option<Bytes> {
        (!self.0.is_empty()).then(|| self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::discord_id::GuildId;
    use crate::http::api::request::ReadTurns;
    use crate::store::testing::TestStore;

    /// The lines of a response with at most `most` of the monitor's checks from a millisecond on.
    async fn lines(store: &TestStore, from: i64, most: usize) -> Vec<serde_json::Value> {
        let turn = ReadTurns::default().take(GuildId(1)).await;
        let range = HistoryRange {
            from: Timestamp::from_millis(from),
            to: Timestamp::from_millis(i64::MAX),
        };
        let checks = MonitorChecks::open(&store.reader, MonitorId(1))
            .await
            .unwrap();
        let weeks = checks.weeks(&store.reader, range).await.unwrap();
        let mut lines = CheckLines {
            store: store.reader.clone(),
            range,
            damaged_pieces: 0,
            checks,
            weeks: weeks.into_iter(),
            week: Vec::new().into_iter(),
            left: most,
            _turn: turn.unwrap(),
        };
        let mut text = Vec::new();
        while let Some(piece) = lines.next().await.unwrap() {
            text.extend_from_slice(&piece);
        }
        let text = String::from_utf8(text).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// One for each of 2,500 minutes, over the end of a week.
    async fn with_checks() -> TestStore {
        let store = TestStore::open().await;
        store.add_endpoint(GuildId(1), "tcp://192.0.2.1:80").await;
        store
            .execute(
                "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
                 INSERT INTO check_results (at, monitor_id, latency_us, class)
                 SELECT 1795996800000 + (i - 1200) * 60000, 1, 5000, 0 FROM n",
            )
            .await;
        store
    }

    #[tokio::test]
    async fn a_response_that_is_full_names_the_time_of_the_rest() {
        let store = with_checks().await;
        let first = 1_795_996_800_000 - 1_200 * 60_000;
        for (most, has_more) in [(2_501, false), (2_500, false), (2_499, true), (1_000, true)] {
            let found = lines(&store, first, most).await;
            let checks = found.iter().filter(|line| line["result"] == "up").count();
            assert_eq!(checks, most.min(2_500), "{most}");
            assert_eq!(found.len(), checks + usize::from(has_more), "{most}");
            let next = found.last().and_then(|line| line["next"].as_str());
            assert_eq!(next.is_some(), has_more, "{most}");
            let Some(next) = next else { continue };
            let next = crate::domain::text::parse_timestamp(next).unwrap();
            let rest = lines(&store, next.millis(), usize::MAX).await;
            assert_eq!(rest.len(), 2_500 - most, "{most}");
        }
    }
}
