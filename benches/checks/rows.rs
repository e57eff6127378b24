//! Measures the cost of a check: product and baseline at full speed and at a fixed rate, over HTTP, TLS and TCP.

use std::path::PathBuf;
use std::time::Duration;

use crate::child::{Floor, FloorWindow, Target};
use crate::product::{Product, Window, ratio};
use crate::seed::Seed;
use crate::table::{Goal, Row};
use crate::{Result, seed};

/// Checks at a time, of the product and of the baseline.
const IN_FLIGHT: u64 = 128;

/// How often each is measured: baseline, product, baseline, product.
const ROUNDS: u32 = 2;

/// More checks than the product can run, so that it is never idle.
const FULL: &[(&str, &str)] = &[("PROBE_INTERVAL", "1"), ("PROBE_CONCURRENCY", "128")];

pub struct Bench {
    pub target: Target,
    pub folder: PathBuf,
}

pub type Section = fn(&Bench) -> Result<Vec<Row>>;

/// The totals of several windows.
#[derive(Default)]
struct Sum {
    checks: u64,
    seconds: f64,
    cpu_us: f64,
    storage_us: f64,
    written: u64,
    on_time: f64,
    median_us: u64,
    windows: u32,
}

impl Sum {
    fn add(&mut self, window: Window) {
        self.checks += window.checks;
        self.seconds += window.seconds;
        self.cpu_us += window.cpu_us;
        self.storage_us += window.storage_us;
        self.written += window.written;
        self.on_time += window.on_time;
        self.windows += 1;
    }

    fn add_floor(&mut self, window: FloorWindow) {
        self.checks += window.checks;
        self.seconds += window.seconds;
        self.cpu_us += window.cpu_us;
        self.median_us += window.median_us;
        self.windows += 1;
    }

    fn cpu_per_check(&self) -> f64 {
        self.cpu_us * ratio(1, self.checks.max(1))
    }

    fn per_second(&self) -> f64 {
        ratio(self.checks, 1) / self.seconds
    }
}

/// A comparison at full speed.
struct Comparison<'a> {
    scheme: &'static str,
    port: u16,
    endpoints: u64,
    floors: &'a [&'a str],
}

impl Bench {
    /// Rows 1 and 3.
    pub fn full_speed(&self) -> Result<Vec<Row>> {
        let (floors, product) = self.compare(&Comparison {
            scheme: "http",
            port: self.target.http,
            endpoints: 30_000,
            floors: &["http"],
        })?;
        let floor = &floors[0];
        Ok(vec![
            Row::new(
                "HTTP check at full speed, stored",
                "CPU us",
                (Some(floor.cpu_per_check()), product.cpu_per_check()),
                Goal::Ratio(1.6),
            ),
            Row::new(
                "HTTP checks sharing the cores with the target",
                "per second",
                (Some(floor.per_second()), product.per_second()),
                Goal::RatioAtLeast(0.55),
            ),
            Row::new(
                "bytes to disk per check at full speed",
                "bytes",
                (None, ratio(product.written, product.checks.max(1))),
                Goal::None,
            ),
            Row::new(
                "SQLite threads per check at full speed",
                "CPU us",
                (None, product.storage_us * ratio(1, product.checks.max(1))),
                Goal::None,
            ),
        ])
    }

    /// Row 4. The product resumes sessions, so the baseline for its goal does, too.
    pub fn tls(&self) -> Result<Vec<Row>> {
        let (floors, product) = self.compare(&Comparison {
            scheme: "https",
            port: self.target.tls,
            endpoints: 15_000,
            floors: &["tls", "tls-fresh"],
        })?;
        let row = |what, floor: &Sum, goal| {
            Row::new(
                what,
                "CPU us",
                (Some(floor.cpu_per_check()), product.cpu_per_check()),
                goal,
            )
        };
        Ok(vec![
            row(
                "TLS check, both resume sessions",
                &floors[0],
                Goal::Ratio(1.25),
            ),
            row("TLS check against full handshakes", &floors[1], Goal::None),
        ])
    }

    pub fn tcp(&self) -> Result<Vec<Row>> {
        let (floors, product) = self.compare(&Comparison {
            scheme: "tcp",
            port: self.target.tcp,
            endpoints: 40_000,
            floors: &["tcp"],
        })?;
        Ok(vec![Row::new(
            "TCP check at full speed, stored",
            "CPU us",
            (Some(floors[0].cpu_per_check()), product.cpu_per_check()),
            Goal::None,
        )])
    }

    fn compare(&self, case: &Comparison<'_>) -> Result<(Vec<Sum>, Sum)> {
        let mut product_sum = Sum::default();
        let mut sums: Vec<Sum> = case.floors.iter().map(|_| Sum::default()).collect();
        seed::fill(
            &self.folder,
            &[Seed::known(case.scheme, case.port, case.endpoints)],
        )?;
        for _ in 0..ROUNDS {
            for (kind, sum) in case.floors.iter().zip(&mut sums) {
                let mut floor = Floor::start(&self.folder, kind, case.port, ("loop", IN_FLIGHT))?;
                std::thread::sleep(Duration::from_millis(500));
                sum.add_floor(floor.window(Duration::from_secs(2))?);
            }
            let product = Product::start(&self.folder, FULL)?;
            std::thread::sleep(Duration::from_secs(2));
            product_sum.add(product.window(Duration::from_secs(3))?);
        }
        Ok((sums, product_sum))
    }

    /// Rows 2, 6, 8 and 9: a thousand endpoints, each once a second.
    pub fn offered(&self) -> Result<Vec<Row>> {
        let (mut floors, mut products) = (Sum::default(), Sum::default());
        let (mut median, mut memory) = (0, 0);
        let port = self.target.http;
        for _ in 0..ROUNDS {
            let mut floor = Floor::start(&self.folder, "http", port, ("heap", 1000))?;
            std::thread::sleep(Duration::from_secs(1));
            floors.add_floor(floor.window(Duration::from_secs(4))?);
            drop(floor);
            seed::fill(&self.folder, &[Seed::known("http", port, 1000)])?;
            let product = Product::start(&self.folder, &[("PROBE_INTERVAL", "1")])?;
            std::thread::sleep(Duration::from_secs(2));
            products.add(product.window(Duration::from_secs(4))?);
            memory = product.memory()?.max(memory);
            median += seed::ask(&self.folder, MEDIAN)?.0;
        }
        let (median, rounds) = (u64::try_from(median)?, u64::from(ROUNDS));
        Ok(vec![
            Row::new(
                "HTTP check at 1,000/s, stored",
                "CPU us",
                (Some(floors.cpu_per_check()), products.cpu_per_check()),
                Goal::Ratio(1.5),
            ),
            Row::new(
                "checks run of 1,000/s due",
                "percent",
                (None, products.per_second() / 10.0),
                Goal::AtLeast(99.0),
            ),
            Row::new(
                "started within 5 ms of being due, at 1,000/s",
                "percent",
                (None, products.on_time / f64::from(products.windows) * 100.0),
                Goal::AtLeast(99.0),
            ),
            Row::new(
                "memory with 1,000 endpoints",
                "MB",
                (None, ratio(memory, 1_000_000)),
                Goal::AtMost(20.0),
            ),
            Row::new(
                "bytes to disk per check at 1,000/s",
                "bytes",
                (None, ratio(products.written, products.checks.max(1))),
                Goal::AtMost(150.0),
            ),
            Row::new(
                "SQLite threads per check at 1,000/s",
                "CPU us",
                (None, products.storage_us * ratio(1, products.checks.max(1))),
                Goal::AtMost(3.0),
            ),
            Row::new(
                "median latency at 1,000/s",
                "us",
                (Some(ratio(floors.median_us, rounds)), ratio(median, rounds)),
                Goal::Difference(200.0),
            ),
        ])
    }
}

/// The median latency of the latest 4,000 stored checks.
const MEDIAN: &str = "SELECT latency_us, 0 FROM
    (SELECT latency_us FROM check_results ORDER BY id DESC LIMIT 4000) ORDER BY latency_us LIMIT 1 OFFSET 2000";
