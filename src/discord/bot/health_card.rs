//! The card of the bot's own health.

use std::time::Duration;

use discord_gateway_relay::Stage;
use poise::serenity_prelude::CreateEmbed;

use crate::discord::bot::texts;
use crate::discord::ui::embed::{AMBER, GREEN, relative_or};
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
    /// What does not work.
    pub problems: Vec<String>,
    pub checks_queued: i64,
    pub checks_in_flight: i64,
    pub writes_waiting: usize,
    pub database_bytes: u64,
    /// The last run of every job, with the job's name.
    pub jobs: Vec<(String, JobRun)>,
}

impl HealthReport {
    fn is_healthy(&self) -> bool {
        self.problems.is_empty()
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
        (texts::HEALTHY, GREEN)
    } else {
        (texts::UNHEALTHY, AMBER)
    };
    let keep_alive = health.last_run("keep_alive").map(|run| run.finished_at);
    let mut card = CreateEmbed::new().title(title).colour(colour);
    if !health.problems.is_empty() {
        card = card.field(texts::PROBLEMS, health.problems.join("\n"), false);
    }
    card.field(texts::CONNECTION, connection(health), false)
        .field("Uptime", text::duration(health.uptime), true)
        .field(
            "Reconnects today",
            health.reconnects_today.to_string(),
            true,
        )
        .field("Last keep-alive", relative_or(keep_alive, "never"), true)
        .field("Queues", queues(health), false)
        .field("Background jobs", text::cut(&jobs(health), 1024), false)
        .field("Database", text::bytes(health.database_bytes), true)
}

fn connection(health: &HealthReport) -> String {
    let is_long = health.shards.len() > LISTED_SHARDS;
    let mut lines = vec![texts::shards(health.shards.len())];
    let listed = health
        .shards
        .iter()
        .enumerate()
        .filter(|(_, shard)| !is_long || shard.stage != Stage::Ready)
        .take(LISTED_SHARDS);
    for (id, shard) in listed {
        let is_ready = shard.stage == Stage::Ready;
        lines.push(texts::shard(
            id,
            is_ready,
            shard.stage.as_str(),
            shard.latency,
        ));
    }
    if health.failed_checks > 0 {
        lines.push(texts::failed_health_checks(health.failed_checks));
    }
    lines.join("\n")
}

fn queues(health: &HealthReport) -> String {
    // A gauge is signed, but these count.
    let count = |gauge: i64| u64::try_from(gauge).unwrap_or(0);
    texts::queues(
        count(health.checks_queued),
        count(health.checks_in_flight),
        health.writes_waiting as u64,
    )
}

fn jobs(health: &HealthReport) -> String {
    if health.jobs.is_empty() {
        return texts::NO_JOB_RUN.to_owned();
    }
    let line = |(name, run): &(String, JobRun)| {
        let took = run.finished_at.since(run.started_at);
        texts::job_run(name, run.started_at, took)
    };
    let lines: Vec<String> = health.jobs.iter().map(line).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, embed_json, fits};

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
            problems: Vec::new(),
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
    fn a_healthy_bot_is_shown_with_every_job() {
        insta::assert_snapshot!(card_text(health(&health_of(1, Stage::Ready))), @"
        [green] Rollcall is healthy
        Connection to Discord: 1 shard
        🟢 0: ready · 45 ms
        Uptime: 1 d 1 h
        Reconnects today: 2
        Last keep-alive: <t:1769860680:R>
        Queues: 0 checks waiting · 1 check running · 0 writes waiting
        Background jobs: `keep_alive` <t:1769860680:R> · took 3.00 ms
        `recheck` <t:1769859600:R> · took 850 ms
        Database: 12.3 MB
        ");
    }

    #[test]
    fn a_bot_with_problems_names_them() {
        let mut problems = health_of(2, Stage::Ready);
        problems.shards[1] = Shard {
            stage: Stage::Identifying,
            latency: None,
            guilds: 0,
        };
        problems.failed_checks = 4;
        problems.problems = vec![
            texts::problem("scheduler", "stuck"),
            texts::problem("check_results", "waiting"),
        ];
        problems.checks_queued = 250;
        problems.writes_waiting = 1;
        insta::assert_snapshot!(card_text(health(&problems)), @"
        [amber] Rollcall has problems
        Problems: scheduler: stuck
        check results: waiting
        Connection to Discord: 2 shards
        🟢 0: ready · 45 ms
        🟡 1: identifying · latency not measured yet
        4 health checks failed in a row
        Uptime: 1 d 1 h
        Reconnects today: 2
        Last keep-alive: <t:1769860680:R>
        Queues: 250 checks waiting · 1 check running · 1 write waiting
        Background jobs: `keep_alive` <t:1769860680:R> · took 3.00 ms
        `recheck` <t:1769859600:R> · took 850 ms
        Database: 12.3 MB
        ");
    }

    #[test]
    fn a_bot_that_has_just_started_has_no_jobs_yet() {
        let mut started = health_of(1, Stage::Connecting);
        started.shards[0] = Shard {
            stage: Stage::Connecting,
            ..Shard::default()
        };
        (started.uptime, started.reconnects_today) = (Duration::from_secs(2), 0);
        started.checks_in_flight = 0;
        started.jobs = Vec::new();
        started.problems = vec![texts::problem("gateway", "connecting")];
        insta::assert_snapshot!(card_text(health(&started)), @"
        [amber] Rollcall has problems
        Problems: gateway: connecting
        Connection to Discord: 1 shard
        🟡 0: connecting · latency not measured yet
        Uptime: 2 s
        Reconnects today: 0
        Last keep-alive: never
        Queues: 0 checks waiting · 0 checks running · 0 writes waiting
        Background jobs: No background job has run yet.
        Database: 12.3 MB
        ");
    }

    #[test]
    fn bot_health_fits_with_hundreds_of_shards_not_ready() {
        let mut unhealthy = health_of(400, Stage::Identifying);
        unhealthy.failed_checks = u32::MAX;
        unhealthy.problems = vec![texts::problem("discord_runtime", "not loaded"); 12];
        unhealthy.jobs = vec![unhealthy.jobs[0].clone(); 60];
        let shown = health(&unhealthy);
        fits(shown.clone());
        assert_eq!(embed_json(shown)["title"], "Rollcall has problems");
        // With many shards, only those that are not ready are listed.
        let many = embed_json(health(&health_of(400, Stage::Ready)));
        assert_eq!(many["fields"][0]["value"], "400 shards");
    }
}
