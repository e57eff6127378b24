//! Measures the history: packing against reading the same rows, its size on disk, and how long ranges take to answer. Run with
//! `cargo bench --bench history`, with `-- --short` in under a minute. A build without optimization, as `.ci/run` uses it, only
//! shows that the benchmark works: it prints every figure and judges none.
//!
//! The product runs as its own process and packs a log that was written by one statement. Answers are measured from the request to
//! the last byte. Linux only.

#[path = "../checks/clock.rs"]
mod clock;
mod guild;
mod packing;
#[path = "../checks/process.rs"]
#[expect(dead_code, reason = "the bench of the checks measures more")]
mod process;
mod product;
mod ranges;
mod seed;
#[path = "../checks/table.rs"]
#[expect(dead_code, reason = "the bench of the checks compares more")]
mod table;
mod target;

use std::io::Write;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How large a history is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Monitors of which every check is kept, one each minute.
    pub checked: u32,
    /// Days of the history.
    pub days: u32,
    /// Monitors of a guild with days and spans.
    pub monitors: u32,
}

const FULL: Size = Size {
    checked: 80,
    days: 90,
    monitors: 1_000,
};

const SHORT: Size = Size {
    checked: 10,
    days: 14,
    monitors: 200,
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|known| known == word);
    let done = match has("--bench") {
        true => bench(has("--short"), has("--json")),
        // As a test (`cargo test --all-targets`) it is enough that this compiles.
        false => Ok(true),
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

/// Whether no figure missed by far a goal that holds on any machine.
fn bench(is_short: bool, as_json: bool) -> Result<bool> {
    let size = if is_short { SHORT } else { FULL };
    let runtime = tokio::runtime::Runtime::new()?;
    // In the build directory instead of the system's temporary directory, which may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let rows = runtime.block_on(async {
        let checks = folder.path().join("checks");
        let packing = packing::measure(&checks, size).await?;
        let mut rows = packing.rows;
        rows.extend(ranges::of_one_monitor(&checks, size).await?);
        let guild = guild::CheckedGuild::start(&folder.path().join("guild"), &checks, size).await?;
        rows.push(guild.share_of_a_check(packing.per_check).await?);
        rows.push(guild.uptime(size).await?);
        Ok::<_, Box<dyn std::error::Error>>(rows)
    })?;
    let text = match as_json {
        true => table::json(&rows),
        false => table::text(&rows),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    if cfg!(debug_assertions) {
        let _ = writeln!(std::io::stderr(), "no verdict: built without optimization");
        return Ok(true);
    }
    Ok(!is_short || !rows.iter().any(table::Row::fails_short_run))
}
