//! Compares the product with a baseline and prints ratios: `cargo bench --bench checks`, with `-- --short` in under a
//! minute, with `--json` for machines. A build without optimization, as `.ci/run` uses it, only shows that the benchmark
//! works: it prints every figure and judges none.
//!
//! Absolute figures say more about the machine than about the program, so every figure of the product is compared with
//! a baseline (`floor`) that was measured in the same run: a minimal program that does only the step in question.
//! Product, baseline and target are separate processes. Linux only.

mod certificate;
mod child;
mod clock;
mod command;
mod floor;
mod process;
mod product;
mod rows;
mod scale;
mod seed;
mod table;
mod target;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How many loopback addresses the target is reached at, because the local ports for a single one would run out.
const ADDRESSES: u8 = 16;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--role", folder, role @ ..] => run_role(Path::new(folder), role).map(|()| true),
        words if words.contains(&"--bench") => bench(words),
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

fn run_role(folder: &Path, role: &[&str]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match *role {
        ["target"] => runtime.block_on(target::run(folder)),
        ["floor", kind, port, manner, count] => {
            let plan = floor::Plan {
                kind,
                port: port.parse()?,
                manner,
                count: count.parse()?,
            };
            runtime.block_on(floor::run(plan, folder))
        }
        _ => Err("no such role".into()),
    }
}

/// Whether no figure missed by far a goal that holds on any machine.
fn bench(words: &[&str]) -> Result<bool> {
    let is_short = words.contains(&"--short");
    // In the build directory instead of the system's temporary directory, which may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    certificate::write(folder.path())?;
    let bench = rows::Bench {
        target: child::Target::start(folder.path())?,
        folder: folder.path().to_owned(),
    };
    let mut table = Vec::new();
    let only = words.iter().find_map(|word| word.strip_prefix("--only="));
    let parts: [(&str, bool, rows::Section); 6] = [
        ("full", true, rows::Bench::full_speed),
        ("offered", true, rows::Bench::offered),
        ("tls", true, rows::Bench::tls),
        ("tcp", false, rows::Bench::tcp),
        ("stalled", false, rows::Bench::stalled),
        ("many", false, rows::Bench::many),
    ];
    for (name, is_in_short, part) in parts {
        let is_wanted = only.map_or(is_in_short || !is_short, |only| only == name);
        if is_wanted {
            let _ = writeln!(std::io::stderr(), "measuring: {name}");
            table.extend(part(&bench)?);
        }
    }
    let text = if words.contains(&"--json") {
        table::json(&table)
    } else {
        table::text(&table)
    };
    std::io::stdout().write_all(text.as_bytes())?;
    if cfg!(debug_assertions) {
        let _ = writeln!(std::io::stderr(), "no verdict: built without optimization");
        return Ok(true);
    }
    Ok(!is_short || !table.iter().any(table::Row::fails_short_run))
}
