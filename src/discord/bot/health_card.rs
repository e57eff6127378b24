//! The card of the bot's own health.

use std::time::Duration;

use discord_gateway_relay::Stage;
use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{AMBER, GREEN, relative, relative_or};
use crate::domain::text;
use crate::health::Shard;
use crate::store::job_run::JobRun;

/// The most shards that are listed; with more, only those that are not ready are listed, up to the same number.
const LISTED_SHARDS: usize = 8;

/// The bot's health, collected from the process and the database.
#[derive(Clone, Debug)]
pub(in crate::discord) struct HealthReport {
    pub shards: Vec<Shard>,
    pub uptime: Duration,
    pub reconnects_today: u64,
    /// Health checks in a row that found the connection not ready.
    pub failed_checks: u32,
    pub scheduler_is_running: bool,
    pub checks_queued: i64,
    pub checks_in_flight: i64,
    pub writes_waiting: usize,
    pub database_bytes: u64,
    /// The last run of every job, with the job's name.
    pub jobs: Vec<(String, JobRun)>,
}

impl HealthReport {
    fn is_healthy(&self) -> bool {
        self.scheduler_is_running && self.shards.iter().all(|shard| shard.stage == Stage::Ready)
    }

    fn last_run(&self, name: &str) -> Option<&JobRun> {
        self.jobs
            .iter()
            .find(|(job, _)| job == name)
            .map(|(_, run)| run)
    }
}

pub(in crate::discord) fn health(health: &HealthReport) -> CreateEmbed {
    let (title, colour) = if health.is_healthy() {
        ("All systems operational", GREEN)
    } else {
        ("Some systems have problems", AMBER)
    };
    let keep_alive = health.last_run("keep_alive").map(|run| run.finished_at);
    CreateEmbed::new()
        .title(title)
        .colour(colour)
        .field("Connection to Discord", connection(health), false)
        .field("Uptime", text::duration(health.uptime), true)
        .field(
            "Reconnects today",
            health.reconnects_today.to_string(),
            true,
        )
        .field("Last keep-alive", relative_or(keep_alive, "never"), true)
        .field("Queues", queues(health), false)
        .field("Jobs", text::cut(&jobs(health), 1024), false)
        .field("Database", text::bytes(health.database_bytes), true)
}

fn connection(health: &HealthReport) -> String {
    let is_long = health.shards.len() > LISTED_SHARDS;
    let mut lines = vec![text::count(health.shards.len() as u64, "shard")];
    let listed = health
        .shards
        .iter()
        .enumerate()
        .filter(|(_, shard)| !is_long || shard.stage != Stage::Ready)
        .take(LISTED_SHARDS);
    for (id, shard) in listed {
        let mark = if shard.stage == Stage::Ready {
            "🟢"
        } else {
            "🟡"
        };
        let latency = shard
            .latency
            .map_or_else(|| "latency not measured yet".to_owned(), text::latency);
        lines.push(format!("{mark} {id}: {} · {latency}", shard.stage.as_str()));
    }
    if health.failed_checks > 0 {
        lines.push(format!(
            "{} failed in a row",
            text::count(health.failed_checks.into(), "health check")
        ));
    }
    lines.join("\n")
}

fn queues(health: &HealthReport) -> String {
    let mut parts = vec![
        format!("{} waiting", plural(health.checks_queued, "check")),
        format!("{} running", plural(health.checks_in_flight, "check")),
        format!(
            "{} waiting",
            text::count(health.writes_waiting as u64, "write")
        ),
    ];
    if !health.scheduler_is_running {
        parts.push("**the scheduler is stuck**".to_owned());
    }
    parts.join(" · ")
}

fn plural(number: i64, noun: &str) -> String {
    text::count(u64::try_from(number).unwrap_or(0), noun)
}

fn jobs(health: &HealthReport) -> String {
    if health.jobs.is_empty() {
        return "none has run yet".to_owned();
    }
    let line = |(name, run): &(String, JobRun)| {
        let took = run.finished_at.since(run.started_at);
        format!(
            "`{name}` {} · took {}",
            relative(run.started_at),
            text::latency(took)
        )
    };
    let lines: Vec<String> = health.jobs.iter().map(line).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::discord::ui::embed_testing::embed_json;
    use crate::discord::ui::embed_testing::fits;
    use crate::health::Shard;

    use crate::store::job_run::JobRun;

    fn health_of(shards: usize, stage: Stage) -> HealthReport {
        let run = |started: u64, took: u64| JobRun {
            started_at: NOW.minus(Duration::from_secs(started)),
            finished_at: NOW
                .minus(Duration::from_secs(started))
                .plus(Duration::from_millis(took)),
            summary: "is not shown".into(),
        };
        HealthReport {
            shards: vec![
                Shard {
                    stage,
                    latency: Some(Duration::from_millis(45)),
                    guilds: 3,
                };
                shards
            ],
            uptime: Duration::from_secs(90_000),
            reconnects_today: 2,
            failed_checks: 0,
            scheduler_is_running: true,
            checks_queued: 0,
            checks_in_flight: 1,
            writes_waiting: 0,
            database_bytes: 12_345_678,
            jobs: vec![
                ("keep_alive".into(), run(120, 3)),
                ("recheck".into(), run(1_200, 850)),
            ],
        }
    }

    #[test]
    fn bot_health_fits_with_hundreds_of_shards_not_ready() {
        let healthy = health(&health_of(1, Stage::Ready));
        insta::assert_json_snapshot!("health", embed_json(healthy));
        let mut unhealthy = health_of(400, Stage::Identifying);
        (unhealthy.failed_checks, unhealthy.scheduler_is_running) = (u32::MAX, false);
        unhealthy.jobs = vec![unhealthy.jobs[0].clone(); 60];
        let shown = health(&unhealthy);
        fits(shown.clone());
        assert_eq!(embed_json(shown)["title"], "Some systems have problems");
        // With many shards, only those that are not ready are listed.
        let many = embed_json(health(&health_of(400, Stage::Ready)));
        assert_eq!(many["fields"][0]["value"], "400 shards");
    }
}
