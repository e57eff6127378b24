//! Measures how many heartbeats per second are acknowledged after their commit, compared with a bare loop of hyper and
//! SQLite in the same run, and how long a pass of the heartbeat monitor over a hundred thousand devices takes.
//! Run with `cargo bench --bench heartbeats`, with `-- --short` in under a minute. A build without optimization, as
//! `.ci/run` uses it, only shows that the benchmark works: it prints every figure and judges none.
//!
//! Product and baseline are separate processes. The load comes from this one and shares the machine with them, so only
//! the ratios say much. Linux only.

#[path = "../checks/clock.rs"]
mod clock;
mod floor;
mod load;
#[path = "../checks/process.rs"]
#[expect(dead_code, reason = "the bench of the checks measures more")]
mod process;
mod product;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use load::{Load, Manner};
use product::Product;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Number of devices. Each may send one heartbeat per second, so the load must be spread over many.
pub const DEVICES: u32 = 100_000;

/// Goals: the share of the baseline's rate, the 99th percentile of the response time, resident memory, and passes of
/// the heartbeat monitor.
const SHARE: f64 = 0.7;
const LATENCY: Duration = Duration::from_millis(50);
const MEMORY: u64 = 60 * 1024 * 1024;
const CALM_PASS: Duration = Duration::from_millis(100);
const BUSY_PASS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--role", "floor", folder] => floor::run(Path::new(folder)).map(|()| true),
        words if words.contains(&"--bench") => bench(words.contains(&"--short")),
        // As a test (`cargo test --all-targets`) it is enough that this compiles.
        _ => Ok(true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One line of the table.
struct Row {
    what: &'static str,
    found: String,
    goal: String,
    /// How much of the goal was used up: 1 just meets it.
    used: f64,
    /// Whether a slower machine would miss the goal: true for times, false for sizes and for shares of the baseline.
    depends_on_machine: bool,
}

/// A short run on a busy machine may miss a goal by this factor before it fails.
const LENIENCE: f64 = 2.0;

/// Whether every goal was met; in a short run, whether none was missed by far that holds on any machine.
fn bench(is_short: bool) -> Result<bool> {
    let length = Duration::from_secs(if is_short { 4 } else { 15 });
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let product = Product::start(&folder.path().join("product"))?;
    let mut rows = Vec::new();
    for (what, manner) in [
        ("new connections", Manner::Fresh),
        ("kept connections", Manner::Kept),
    ] {
        let floor = floor::Floor::start(&folder.path().join("floor"))?;
        let baseline = load::run(floor.address, "", (manner, length))?;
        drop(floor);
        let found = load::run(product.address, &product.key, (manner, length))?;
        rows.extend(load_rows(what, &found, &baseline));
    }
    rows.push(Row {
        what: "resident memory",
        found: format!("{:.1} MiB", mebibytes(product.memory()?)),
        goal: format!("at most {:.0} MiB", mebibytes(MEMORY)),
        used: mebibytes(product.memory()?) / mebibytes(MEMORY),
        depends_on_machine: false,
    });
    rows.extend(passes(product)?);
    let mut out = std::io::stdout();
    for row in &rows {
        let mark = if row.used <= 1.0 { "ok  " } else { "MISS" };
        writeln!(
            out,
            "{mark} {:<42} {:<70} goal: {}",
            row.what, row.found, row.goal
        )?;
    }
    if cfg!(debug_assertions) {
        writeln!(out, "no verdict: built without optimization")?;
        return Ok(true);
    }
    Ok(rows.iter().all(|row| match is_short {
        true => row.depends_on_machine || row.used <= LENIENCE,
        false => row.used <= 1.0,
    }))
}

/// The rate, compared with the baseline's, and the response time.
fn load_rows(what: &'static str, found: &Load, baseline: &Load) -> [Row; 2] {
    let share = found.per_second() / baseline.per_second();
    // Refused heartbeats were not acknowledged, and would make the others look fast.
    assert!(
        found.refused * 100 <= found.acknowledged(),
        "{} heartbeats were refused",
        found.refused
    );
    let rate = Row {
        what,
        found: format!(
            "{:.0}/s, {share:.2} of the baseline's {:.0}/s; {} refused",
            found.per_second(),
            baseline.per_second(),
            found.refused
        ),
        goal: format!("at least {SHARE}"),
        used: SHARE / share,
        depends_on_machine: false,
    };
    let slowest = found.percentile(99).as_secs_f64();
    let response_time = Row {
        what: "  response time",
        found: format!(
            "median {:.1} ms, p99 {:.1} ms; the baseline's {:.1} and {:.1} ms",
            found.percentile(50).as_secs_f64() * 1e3,
            slowest * 1e3,
            baseline.percentile(50).as_secs_f64() * 1e3,
            baseline.percentile(99).as_secs_f64() * 1e3,
        ),
        goal: format!("p99 within {} ms", LATENCY.as_millis()),
        used: slowest / LATENCY.as_secs_f64(),
        depends_on_machine: true,
    };
    [rate, response_time]
}

/// Passes of the heartbeat monitor when no device is overdue, and when ten thousand are.
fn passes(product: Product) -> Result<Vec<Row>> {
    let (calm, busy) = product.passes()?;
    let row = |what, took: Duration, goal: Duration| Row {
        what,
        found: format!("{:.1} ms", took.as_secs_f64() * 1e3),
        goal: format!("within {} ms", goal.as_millis()),
        used: took.as_secs_f64() / goal.as_secs_f64(),
        depends_on_machine: true,
    };
    Ok(vec![
        row("pass over 100,000 devices, none overdue", calm, CALM_PASS),
        row("pass over 100,000 devices, 10,000 overdue", busy, BUSY_PASS),
    ])
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes far below 2^52, shown with one decimal"
)]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
