//! Measures how soon an alert is posted after its cause is committed: among a thousand monitors, when three thousand fail at
//! once, and while another guild keeps its channel busy. Run with `cargo bench --bench alerts`, with `-- --short` in under a
//! minute. A build without optimization, as `.ci/run` uses it, only shows that the benchmark works.
//!
//! The stand-in for Discord runs in this process and shares the machine with the product, so the times are upper bounds.

#[path = "../checks/clock.rs"]
mod clock;
mod product;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use discord_sandbox::{GuildId, Sandbox};
use product::{Busy, Product};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const MONITORS: u32 = 1_000;
const MANY: u32 = 3_000;

/// Goals: from the commit to the message, edits of one incident in a second, and the wait beside a busy guild.
const LATENCY: Duration = Duration::from_millis(500);
const EDITS: f64 = 1.0;
const BESIDE_BUSY: Duration = Duration::from_secs(5);

/// Outages in a run, one after another. Discord accepts five messages in five seconds.
const OUTAGES: u32 = 20;
const OUTAGES_SHORT: u32 = 4;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|known| known == word);
    let done = match has("--bench") {
        true => bench(has("--short")),
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

/// One line of the table.
struct Row {
    what: &'static str,
    found: String,
    goal: String,
    is_met: bool,
}

fn bench(is_short: bool) -> Result<bool> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outages = if is_short { OUTAGES_SHORT } else { OUTAGES };
    let rows = runtime.block_on(async {
        Ok::<_, Box<dyn std::error::Error>>([
            one_by_one(outages).await?,
            at_once().await?,
            beside_busy_guild().await?,
        ])
    })?;
    let mut out = std::io::stdout();
    for row in &rows {
        let mark = if row.is_met { "ok  " } else { "MISS" };
        let Row {
            what, found, goal, ..
        } = row;
        writeln!(out, "{mark} {what:<42} {found:<60} goal: {goal}")?;
    }
    if cfg!(debug_assertions) {
        writeln!(out, "no verdict: built without optimization")?;
        return Ok(true);
    }
    Ok(rows.iter().all(|row| row.is_met))
}

/// From the answer to a failed ping to the message, among a thousand monitors.
async fn one_by_one(outages: u32) -> Result<Row> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let sandbox = Sandbox::start().await;
    let product = Product::start(folder.path(), &sandbox, MONITORS).await?;
    let mut times = Vec::new();
    for device in 1..=outages {
        times.push(alert(&product, &sandbox, device).await?);
        // Below Discord's limit for a channel, which is not what is measured.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let slowest = times.last().copied().unwrap_or_default();
    Ok(Row {
        what: "alert, among 1,000 monitors",
        found: format!(
            "median {:.0} ms, slowest {:.0} ms",
            median.as_secs_f64() * 1e3,
            slowest.as_secs_f64() * 1e3
        ),
        goal: format!("median within {} ms", LATENCY.as_millis()),
        is_met: median <= LATENCY,
    })
}

/// Three thousand devices fail one right after another: one message, and few edits.
async fn at_once() -> Result<Row> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let sandbox = Sandbox::start().await;
    let product = Product::start(folder.path(), &sandbox, MANY).await?;
    let started = clock::now();
    for device in 1..=MANY {
        product.fail(device)?;
    }
    let failed_after = started.elapsed();
    messages(&sandbox, sandbox.guild(), |texts| {
        texts
            .last()
            .is_some_and(|text| text.contains("3000 monitors"))
    })
    .await?;
    let length = started.elapsed();
    let count = sandbox.messages(sandbox.guild()).len();
    let edits = sandbox.record().requests;
    let edits = edits
        .iter()
        .filter(|request| request.method == "PATCH")
        .count();
    Ok(Row {
        what: "3,000 outages at once",
        found: format!(
            "{count} message, {edits} edits in {:.1} s, complete {:.1} s after the last",
            length.as_secs_f64(),
            (length - failed_after).as_secs_f64()
        ),
        goal: format!("1 message, at most {EDITS} edit/s"),
        // The edits at both ends count.
        is_met: count == 1 && edits as f64 <= EDITS * length.as_secs_f64() + 1.0,
    })
}

/// An outage while another guild has 200 incidents to post and changes 120 others every five seconds.
async fn beside_busy_guild() -> Result<Row> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let sandbox = Sandbox::start().await;
    let product = Product::start(folder.path(), &sandbox, MONITORS).await?;
    let other = sandbox.add_guild("Busy");
    let busy = Busy {
        guild: other.0,
        channel: sandbox.channel(other),
        due: 200,
        changing: 120,
    };
    product.add_busy(&busy).await?;
    messages(&sandbox, other, |texts| texts.len() >= 5).await?;
    let mut slowest = Duration::ZERO;
    for device in 1..=3 {
        product.change_busy(&busy).await?;
        slowest = slowest.max(alert(&product, &sandbox, device).await?);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    Ok(Row {
        what: "alert beside a busy guild",
        found: format!("slowest of 3: {:.0} ms", slowest.as_secs_f64() * 1e3),
        goal: format!("within {} s", BESIDE_BUSY.as_secs()),
        is_met: slowest <= BESIDE_BUSY,
    })
}

/// Fails a device; returns the time until its alert is in the channel.
async fn alert(product: &Product, sandbox: &Sandbox, device: u32) -> Result<Duration> {
    product.age_incidents().await?;
    let started = clock::now();
    product.fail(device)?;
    let name = format!("device {device}");
    messages(sandbox, sandbox.guild(), |texts| {
        texts.last().is_some_and(|text| text.contains(&name))
    })
    .await?;
    Ok(started.elapsed())
}

/// Waits until the messages of a guild's channel are as wanted.
async fn messages(
    sandbox: &Sandbox,
    guild: GuildId,
    are_wanted: impl Fn(&[String]) -> bool,
) -> Result<()> {
    let started = clock::now();
    while started.elapsed() < Duration::from_secs(60) {
        let texts: Vec<String> = sandbox
            .messages(guild)
            .iter()
            .map(|one| one.text())
            .collect();
        if are_wanted(&texts) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err("a message did not come within a minute".into())
}
