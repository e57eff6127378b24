//! `/bot health`: the health of the bot itself. It shows no guild's monitors.

use crate::discord::bot::health_card::{self, HealthReport};
use crate::discord::bot::texts;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::{Context, DiscordState};
use crate::health::OtherFacts;

/// Show information about the bot
#[poise::command(slash_command, guild_only, subcommands("health"))]
pub(in crate::discord) async fn bot(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Show the health of the bot: connection, background jobs and database
#[poise::command(slash_command, guild_only)]
async fn health(ctx: Context<'_>) -> Result<(), CommandError> {
    let work = async {
        let health = bot_health(ctx.data()).await?;
        Ok(Message::embed(health_card::health(&health)))
    };
    reply::answer(ctx, work).await
}

/// Collects the health of the bot itself.
async fn bot_health(app: &DiscordState) -> Result<HealthReport, CommandError> {
    let (health, metrics) = (&app.health, &app.metrics);
    let facts = health.facts(OtherFacts {
        is_database_readable: app.store.reader.is_alive().await.is_ok(),
        is_write_failing: app.store.writer.is_failing(),
        is_connectivity_lost: app.checks.is_connectivity_lost(),
        is_name_resolution_lost: app.checks.is_name_resolution_lost(),
    });
    Ok(HealthReport {
        shards: health.shards(),
        uptime: health.uptime(),
        reconnects_today: health.reconnects_on(app.now().day()),
        failed_checks: health.failed_checks(),
        problems: facts
            .failing()
            .into_iter()
            .map(|fact| texts::problem(fact.as_str(), facts.word(fact)))
            .collect(),
        checks_queued: metrics.checks_queued.get(),
        checks_in_flight: metrics.checks_in_flight.get(),
        writes_waiting: app.store.writer.waiting(),
        database_bytes: app.store.reader.size_on_disk(),
        jobs: app.recent_runs.all(&app.store.reader).await?,
    })
}
