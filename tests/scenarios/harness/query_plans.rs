//! How SQLite executes the statements of a Rollcall that ran with `traced` settings: none may read a whole table that grows.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::Connection;

use crate::harness::Rollcall;

/// Tables with a row for each guild, job or restart, or with a few for each guild. Scans of them are cheap.
const SMALL: [&str; 14] = [
    "_sqlx_migrations",
    "alert_overrides",
    "alert_settings",
    "calendar_events",
    "destinations",
    "guild_usage",
    "guilds",
    "host_allowances",
    "job_runs",
    "left_guilds",
    "observation_windows",
    "registrations",
    "silences",
    "webhooks",
];

/// Indexes that hold only what waits for something, however much is kept.
const WAITING: [&str; 7] = [
    "idx_deliveries_pending",
    "idx_endpoints_last_check",
    "idx_incidents_young",
    "idx_monitors_without_key",
    "idx_outages_flapping",
    "idx_outages_held",
    "idx_outages_open",
];

/// Statements that scan on purpose: a part of the statement, a line of its plan, and why.
const ALLOWED: [(&str, &str, &str); 17] = [
    (
        "SELECT * FROM api_keys WHERE $1 IS NULL",
        "SCAN api_keys",
        "searches for unreadable rows at the start and every hour",
    ),
    (
        "SELECT m.id, m.guild_id, m.since, d.failure IS NOT NULL AS has_failed",
        "SCAN m USING COVERING INDEX idx_monitors_status",
        "every device is judged; the benchmark of the heartbeats measures it",
    ),
    (
        "$1 IS NULL AND guild_id NOT IN (SELECT guild_id FROM left_guilds) GROUP BY status",
        "SCAN monitors USING COVERING INDEX idx_monitors_status",
        "the presence and the metrics count the monitors of all guilds",
    ),
    (
        "WHERE guild_id NOT IN (SELECT guild_id FROM left_guilds) GROUP BY kind, status",
        "SCAN monitors USING COVERING INDEX idx_monitors_status",
        "the metrics count the monitors of all guilds",
    ),
    (
        "SELECT guild_id FROM monitors UNION SELECT guild_id FROM removed_monitors",
        "SCAN monitors USING COVERING INDEX idx_monitors_name",
        "once a day, for the figures of each day",
    ),
    (
        "SELECT guild_id FROM monitors UNION SELECT guild_id FROM removed_monitors",
        "SCAN removed_monitors USING COVERING INDEX idx_removed_monitors_guild",
        "once a day, for the figures of each day",
    ),
    (
        "SELECT monitor_id FROM status_spans GROUP BY monitor_id HAVING COUNT(*)",
        "SCAN status_spans",
        "once an hour, in the order of its key",
    ),
    (
        "INSERT INTO status_spans (monitor_id, began_at, status)\n     SELECT m.id, $1",
        "SCAN m USING COVERING INDEX idx_monitors_status",
        "at the start and after the clock was set back",
    ),
    (
        "SELECT s.monitor_id, s.began_at FROM monitors m\n         CROSS JOIN status_spans s",
        "SCAN m USING COVERING INDEX idx_monitors_name",
        "at the start and after the clock was set back",
    ),
    (
        "(SELECT guild_id FROM removed_monitors GROUP BY guild_id HAVING COUNT(*)",
        "SCAN removed_monitors USING COVERING INDEX idx_removed_monitors_guild",
        "every ten minutes; a guild keeps at most 10,000",
    ),
    (
        "SELECT COUNT(*) FROM monitor_state",
        "SCAN monitor_state",
        "only after a write of a large part of its rows",
    ),
    (
        "UPDATE monitor_state SET last_seen_at = $1 WHERE last_seen_at > $1",
        "SCAN monitor_state",
        "at the start and after the clock was set back",
    ),
    (
        "UPDATE monitor_state SET last_check_at = $1 WHERE last_check_at > $1",
        "SCAN monitor_state",
        "at the start and after the clock was set back",
    ),
    (
        "UPDATE server_limits SET beyond_since = $1 WHERE beyond_since > $1",
        "SCAN server_limits",
        "at the start and after the clock was set back",
    ),
    (
        "SELECT d.monitor_id FROM rolled_up_servers d WHERE EXISTS",
        "SCAN d",
        "every ten minutes, a row for each server",
    ),
    (
        "UPDATE rolled_up_servers SET hour = $1 / 3600000",
        "SCAN rolled_up_servers",
        "at the start and after the clock was set back",
    ),
    (
        "UPDATE monitors SET since = $1 WHERE since > $1",
        "SCAN monitors",
        "at the start and after the clock was set back",
    ),
];

/// Lets a Rollcall log every statement.
pub fn traced(rollcall: Rollcall) -> Rollcall {
    rollcall
        .with("LOG_LEVEL", "trace")
        .with("LOG_FORMAT", "json")
        .with("LOG_FILE_SIZE", "1024")
}

/// Every statement in the log that reads or changes rows, without its values.
pub fn statements(rollcall: &Rollcall) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in rollcall.log().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["target"] != "sqlx::query" {
            continue;
        }
        let field = |name| line["fields"][name].as_str().unwrap_or_default();
        // The summary is the whole statement if that is short.
        let statement = match field("db.statement") {
            "" => field("summary"),
            whole => whole,
        };
        let verb = statement.split_whitespace().next().unwrap_or_default();
        if ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&verb) {
            found.insert(statement.trim().to_owned());
        }
    }
    found
}

/// Panics with the plans of all statements that read a whole table that grows, and with how many statements there were.
pub async fn assert_no_scans(rollcall: &Rollcall) {
    let statements = statements(rollcall);
    let url = format!("sqlite://{}", rollcall.path("rollcall.db").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let schema = Schema::of(&mut database).await;
    let mut scans = Vec::new();
    for statement in &statements {
        let plan = plan(&mut database, statement).await;
        for line in &plan {
            if schema.is_scan_of_large_table(statement, line, &plan) {
                scans.push(format!("{line}\n{statement}"));
            }
        }
    }
    assert!(
        scans.is_empty(),
        "{} of {} statements scan:\n\n{}",
        scans.len(),
        statements.len(),
        scans.join("\n\n")
    );
}

/// The lines of SQLite's plan for a statement.
async fn plan(database: &mut sqlx::SqliteConnection, statement: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(explain))
        .fetch_all(database)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    rows.into_iter().map(|(.., detail)| detail).collect()
}

struct Schema {
    tables: BTreeSet<String>,
    /// Views and triggers by name, as SQL.
    sources: Vec<(String, String)>,
}

impl Schema {
    async fn of(database: &mut sqlx::SqliteConnection) -> Self {
        let named: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view', 'trigger')",
        )
        .fetch_all(database)
        .await
        .unwrap();
        let (tables, sources): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|(kind, ..)| kind == "table");
        Self {
            tables: tables.into_iter().map(|(_, name, _)| name).collect(),
            sources: sources
                .into_iter()
                .map(|(_, name, sql)| (name, sql))
                .collect(),
        }
    }

    fn is_scan_of_large_table(&self, statement: &str, line: &str, plan: &[String]) -> bool {
        let mut parts = line.split(' ');
        if parts.next() != Some("SCAN") {
            return false;
        }
        let name = parts.next().unwrap_or_default();
        // The rows of a subquery, whose own scans have lines of their own.
        let written = words(statement);
        let mut names = written.windows(2).filter(|pair| pair[1] == name);
        let view = names.next().map_or(name, |pair| pair[0]);
        let is_subquery = plan.iter().any(|line| {
            let made = line
                .strip_prefix("MATERIALIZE ")
                .or(line.strip_prefix("CO-ROUTINE "));
            made.is_some_and(|made| made == name || made == view)
        });
        let is_allowed = ALLOWED
            .iter()
            .any(|(part, plan, _)| statement.contains(part) && plan == &line);
        if is_subquery || is_allowed || parts.any(|word| WAITING.contains(&word)) {
            return false;
        }
        let tables = self.tables_of(name, statement);
        tables
            .iter()
            .any(|table| self.tables.contains(table) && !SMALL.contains(&table.as_str()))
    }

    /// What a name in a plan may stand for: itself, and every word before it in the statement and in the views that this
    /// reads. A table that has an alias comes right before it.
    fn tables_of(&self, name: &str, statement: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([name.to_owned()]);
        let mut views: BTreeSet<&str> = BTreeSet::new();
        let mut sources = vec![statement];
        while let Some(source) = sources.pop() {
            let words = words(source);
            for pair in words.windows(2).filter(|pair| pair[1] == name) {
                found.insert(pair[0].to_owned());
            }
            for (view, sql) in &self.sources {
                if words.contains(&view.as_str()) && views.insert(view) {
                    sources.push(sql);
                }
            }
        }
        found
    }
}

/// The words of SQL without `AS`, which may precede an alias.
fn words(sql: &str) -> Vec<&str> {
    sql.split(|letter: char| letter.is_whitespace() || "(),;".contains(letter))
        .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("AS"))
        .collect()
}
