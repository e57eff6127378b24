//! `rollcall uptime`: uptime, downtime and outages of monitors in a range.

use serde_json::{Value, json};

use crate::actions::history::uptime::{self, MonitorUptime};
use crate::app::AppError;
use crate::cli::history::monitor_arguments::MonitorArguments;
use crate::cli::terminal::{print_line, print_note};
use crate::cli::{Database, with_store};
use crate::clock::Clock;
use crate::domain::history::range::{HistoryRange, SUGGESTIONS, parse_range};
use crate::domain::millis;
use crate::domain::text;
use crate::settings::Settings;
use crate::store::guild::guild_setting;
use crate::store::history::monitor_history::HistoryScope;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct UptimeArguments {
    #[command(flatten)]
    monitors: MonitorArguments,
    /// Range in the time zone of the Discord server, such as 24h, 7d, today, "this month", 2026-10, 2026-Q3 or
    /// 2026-10-03..2026-10-17
    #[arg(long, value_name = "RANGE", default_value = "30d")]
    range: String,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) async fn run(
    settings: &Settings,
    arguments: UptimeArguments,
) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| {
        let now = Clock::SYSTEM.now();
        let guild = arguments.monitors.guild.guild_id(settings);
        let zone = guild_setting::timezone(&store.reader, guild).await?;
        let range = parse_range(&arguments.range, zone, now)
            .map_err(|error| AppError::Setting(format!("--range: {error}")))?;
        let scope = arguments.monitors.scope(settings, store).await?;
        let found = uptime::list(&store.reader, guild, &scope, range, now).await?;
        match scope {
            HistoryScope::Group(name) if found.is_empty() => Err(AppError::Other(format!(
                "no group `{name}` has monitors in this range"
            ))),
            _ => {
                print(&found, range, arguments.json);
                Ok(())
            }
        }
    })
    .await
}

fn print(found: &[MonitorUptime], range: HistoryRange, as_json: bool) {
    if as_json {
        let all: Vec<Value> = found.iter().map(|one| shown(one, range)).collect();
        print_line(&Value::Array(all).to_string());
        return;
    }
    print_note(&format!(
        "From {} to {}",
        text::minute(range.from),
        text::minute(range.to)
    ));
    if found.is_empty() {
        print_note(&format!(
            "There are no monitors in this range. Other ranges: {}",
            SUGGESTIONS.join(", ")
        ));
    }
    for one in found {
        print_line(&line(one));
    }
    for one in found {
        if let Some(exact_from) = one.exact_from(range) {
            print_note(&format!(
                "{} has changed its status too often: before {}, its figures are those of whole days in UTC",
                one.monitor.name,
                text::minute(exact_from)
            ));
        }
    }
}

/// `3  99.95 %  shop  21 min 36 s of downtime in 3 outages`.
fn line(one: &MonitorUptime) -> String {
    let (monitor, summary) = (&one.monitor, &one.summary);
    let times = summary.times;
    let uptime = times
        .uptime()
        .map_or_else(|| "not enough data".to_owned(), |uptime| uptime.to_string());
    let mut parts = vec![match summary.outages {
        0 => "no downtime".to_owned(),
        outages => format!(
            "{} of downtime in {}",
            text::duration(times.offline),
            text::count(u64::from(outages), "outage")
        ),
    }];
    let share = times.watched().as_secs_f64() / times.total().as_secs_f64().max(0.001);
    if times.watched() < times.total() {
        // Cut, so that 100 % means all of it.
        parts.push(format!("watched {:.1} %", (share * 1000.0).floor() / 10.0));
    }
    if let Some(slow) = one.latencies.quantile(0.95) {
        parts.push(format!("p95 {}", text::latency(slow)));
    }
    if !times.maintenance.is_zero() {
        parts.push(format!(
            "{} of maintenance",
            text::duration(times.maintenance)
        ));
    }
    if monitor.removed_at.is_some() {
        parts.push("removed".to_owned());
    }
    format!(
        "{}  {uptime}  {}  {}",
        monitor.id,
        monitor.name,
        parts.join(", ")
    )
}

fn shown(one: &MonitorUptime, range: HistoryRange) -> Value {
    let (monitor, summary) = (&one.monitor, &one.summary);
    let times = summary.times;
    let quantile = |share| {
        let length = one.latencies.quantile(share)?;
        u64::try_from(length.as_micros()).ok()
    };
    json!({
        "id": monitor.id.0, "name": monitor.name,
        "from": text::timestamp(range.from), "to": text::timestamp(range.to),
        "watched_ms": millis(times.watched()), "online_ms": millis(times.online),
        "offline_ms": millis(times.offline), "maintenance_ms": millis(times.maintenance),
        "unknown_ms": millis(times.unknown), "paused_ms": millis(times.paused),
        "outages": summary.outages, "uptime": times.uptime().map(|uptime| uptime.fraction()),
        "p50_us": quantile(0.5), "p95_us": quantile(0.95), "p99_us": quantile(0.99),
        "longest_outage_ms": millis(summary.longest_outage),
        "mean_time_to_recovery_ms": summary.mean_time_to_recovery.map(millis),
        "mean_time_between_outages_ms": summary.mean_time_between_outages().map(millis),
        "blips": summary.blips, "exact_from": one.exact_from(range).map(text::timestamp),
        "removed_at": monitor.removed_at.map(text::timestamp),
    })
}
