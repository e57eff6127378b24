//! Measures many endpoints: a hundred thousand monitors, and fifteen thousand checks that never get a response.

use std::time::Duration;

use crate::child::Floor;
use crate::product::{Product, ratio};
use crate::rows::Bench;
use crate::seed::Seed;
use crate::table::{Goal, Row};
use crate::{Result, clock, seed};

const STALLED: u64 = 15_000;

const STALLED_SETTINGS: &[(&str, &str)] = &[
    ("PROBE_INTERVAL", "600"),
    ("PROBE_TIMEOUT", "120"),
    ("PROBE_CONCURRENCY", "40000"),
];

const MANY: u64 = 100_000;

impl Bench {
    /// Row 7.
    pub fn stalled(&self) -> Result<Vec<Row>> {
        let mut rows = self.stalled_over("http", self.target.stall, 20.0)?;
        rows.extend(self.stalled_over("https", self.target.tls_stall, 30.0)?);
        Ok(rows)
    }

    fn stalled_over(&self, scheme: &'static str, port: u16, goal: f64) -> Result<Vec<Row>> {
        let kind = if scheme == "https" { "tls" } else { "http" };
        let mut floor = Floor::start(&self.folder, kind, port, ("hold", STALLED))?;
        let (empty, _) = floor.memory()?;
        let started = clock::now();
        while floor.memory()?.1 < STALLED && started.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(Duration::from_secs(3));
        let (full, held) = floor.memory()?;
        let floor_each = ratio(full - empty, held.max(1) * 1024);
        drop(floor);

        let due_after = Some(Duration::from_secs(8));
        let stalled = Seed {
            due_after,
            ..Seed::known(scheme, port, STALLED)
        };
        let others = Seed {
            interval: Some(Duration::from_secs(1)),
            ..Seed::known("http", self.target.http, 1000)
        };
        seed::fill(&self.folder, &[stalled, others])?;
        let product = Product::start(&self.folder, STALLED_SETTINGS)?;
        std::thread::sleep(Duration::from_secs(2));
        let before = product.window(Duration::from_secs(4))?;
        let empty = product.memory()?;
        let started = clock::now();
        while product.in_flight()? < STALLED && started.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(200));
        }
        let after = product.window(Duration::from_secs(5))?;
        let held = product.in_flight()?;
        let each = ratio(product.memory()?.saturating_sub(empty), held.max(1) * 1024);
        let name = scheme.to_uppercase();
        Ok(vec![
            Row::new(
                &format!("{name} check in flight, {held} stalled"),
                "KiB each",
                (Some(floor_each), each),
                Goal::AtMost(goal),
            ),
            Row::new(
                &format!("started within 5 ms beside stalled {name} checks"),
                "percent",
                (Some(before.on_time * 100.0), after.on_time * 100.0),
                Goal::RatioAtLeast(0.99),
            ),
        ])
    }

    /// Rows 5 and 6: first all endpoints are unchecked, then all are checked once per interval.
    pub fn many(&self) -> Result<Vec<Row>> {
        let unchecked = Seed {
            is_known: false,
            ..Seed::known("http", self.target.http, MANY)
        };
        seed::fill(&self.folder, &[unchecked])?;
        let product = Product::start(&self.folder, &[("PROBE_INTERVAL", "60")])?;
        let mut rows = self.first_interval(&product)?;
        std::thread::sleep(Duration::from_secs(3));
        rows.extend(usual_interval(&product)?);
        Ok(rows)
    }

    fn first_interval(&self, product: &Product) -> Result<Vec<Row>> {
        let started = clock::now();
        while product.passed()? < MANY && started.elapsed() < Duration::from_secs(90) {
            std::thread::sleep(Duration::from_millis(200));
        }
        let took = started.elapsed().as_secs_f64();
        let on_time = product.on_time()?;
        // The last results wait up to a second for their commit.
        std::thread::sleep(Duration::from_secs(2));
        let (busiest, checked) = seed::ask(&self.folder, SPREAD)?;
        Ok(vec![
            percent_at_least(
                "100,000 endpoints: checked in the first interval",
                ratio(u64::try_from(checked)?, MANY),
            ),
            Row::new(
                "100,000 endpoints: time to check all once",
                "seconds",
                (Some(60.0), took),
                Goal::Ratio(1.05),
            ),
            Row::new(
                "100,000 endpoints: checks in the busiest second",
                "checks",
                (Some(ratio(MANY, 60)), ratio(u64::try_from(busiest)?, 1)),
                Goal::Ratio(1.5),
            ),
            percent_at_least("100,000 endpoints: first checks within 5 ms", on_time),
        ])
    }
}

fn usual_interval(product: &Product) -> Result<Vec<Row>> {
    // Two intervals: writes that happen once per interval are in the window twice.
    let window = product.window(Duration::from_secs(120))?;
    let per_check = |figure: f64| figure * ratio(1, window.checks.max(1));
    Ok(vec![
        percent_at_least(
            "100,000 endpoints: checked in an interval",
            ratio(window.checks, MANY) * 60.0 / window.seconds,
        ),
        Row::new(
            "100,000 endpoints, once a minute",
            "% of a core",
            (None, window.cpu_us / window.seconds / 1e4),
            Goal::AtMost(30.0),
        ),
        percent_at_least("100,000 endpoints: started within 5 ms", window.on_time),
        Row::new(
            "100,000 endpoints: memory",
            "MB",
            (None, ratio(product.memory()?, 1_000_000)),
            Goal::AtMost(80.0),
        ),
        Row::new(
            "100,000 endpoints: bytes to disk per check",
            "bytes",
            (None, per_check(ratio(window.written, 1))),
            Goal::AtMost(150.0),
        ),
        Row::new(
            "100,000 endpoints: SQLite threads per check",
            "CPU us",
            (None, per_check(window.storage_us)),
            Goal::AtMost(3.0),
        ),
    ])
}

fn percent_at_least(what: &str, share: f64) -> Row {
    Row::new(what, "percent", (None, share * 100.0), Goal::AtLeast(99.0))
}

/// Checks in the busiest second, and the number of endpoints that were checked.
const SPREAD: &str =
    "SELECT (SELECT MAX(checks) FROM (SELECT COUNT(*) AS checks FROM check_results GROUP BY at / 1000)),
    (SELECT COUNT(DISTINCT monitor_id) FROM check_results)";
