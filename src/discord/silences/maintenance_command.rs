//! `/maintenance …`: maintenance windows, in which outages are expected. Every subcommand requires Manage Server.

use std::time::Duration;

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use crate::actions::Requester;
use crate::actions::silences::{end as ending, start as starting};
use crate::discord::Context;
use crate::discord::silences::{maintenance_card, texts};
use crate::discord::ui::complete;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::domain::monitor::parse_name;
use crate::domain::silences::maintenance::{
    TimeWindow, Tz, WeekDays, Weekly, parse_length, parse_moment, parse_time, parse_zone,
};
use crate::domain::silences::silence::{NewSilence, SilenceKind, SilenceScope};
use crate::domain::text;
use crate::store::guild::guild_setting;
use crate::store::silences::silence as rows;

/// Manage maintenance windows: checks continue, notifications are off
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("start", "schedule", "list", "end")
)]
pub(in crate::discord) async fn maintenance(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Start maintenance now
#[poise::command(slash_command, guild_only)]
async fn start(
    ctx: Context<'_>,
    #[description = "Duration, such as 30m or 2h (default: 1h)"]
    #[max_length = 16]
    duration: Option<String>,
    #[description = "Only this monitor"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: Option<String>,
    #[description = "Only this group"]
    #[autocomplete = "complete::group"]
    #[max_length = 64]
    group: Option<String>,
    #[description = "Title"]
    #[max_length = 64]
    title: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let now = ctx.data().now();
        let window = TimeWindow {
            starts_at: now,
            ends_at: now.plus(length_of(duration.as_deref())?),
        };
        let new = NewSilence {
            kind: SilenceKind::Maintenance,
            title: title_of(title.as_deref())?,
            scope: scope(ctx, requester, monitor, group).await?,
            window,
            weekly: None,
        };
        submit(ctx, requester, new).await
    };
    reply::answer(ctx, work).await
}

/// Schedule maintenance, once or on certain days
#[poise::command(slash_command, guild_only)]
#[expect(
    clippy::too_many_arguments,
    reason = "the options of a slash command are its arguments"
)]
async fn schedule(
    ctx: Context<'_>,
    #[description = "Title"]
    #[max_length = 64]
    title: String,
    #[description = "Start, such as 2026-12-01 22:30; with days only the time, such as 22:30"]
    #[max_length = 20]
    at: String,
    #[description = "Duration, such as 30m or 2h"]
    #[max_length = 16]
    duration: String,
    #[description = "Repeat on these days: mon,thu or daily (default: once)"]
    #[max_length = 40]
    days: Option<String>,
    #[description = "Time zone, such as Europe/Berlin (default: that of the settings)"]
    #[autocomplete = "complete::zone"]
    #[max_length = 40]
    zone: Option<String>,
    #[description = "Only this monitor"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: Option<String>,
    #[description = "Only this group"]
    #[autocomplete = "complete::group"]
    #[max_length = 64]
    group: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let now = ctx.data().now();
        let zone = match zone {
            Some(zone) => parse_zone(&zone).map_err(|error| wrong("zone", error))?,
            None => guild_setting::timezone(&ctx.data().store.reader, requester.guild).await?,
        };
        let (window, weekly) = match days {
            None => (once(&at, &duration, zone)?, None),
            Some(days) => {
                let weekly = weekly(&at, &days, &duration, zone)?;
                let next = weekly.next(now).ok_or_else(texts::time_does_not_exist)?;
                (next, Some(weekly))
            }
        };
        let new = NewSilence {
            kind: SilenceKind::Maintenance,
            title: title_of(Some(&title))?,
            scope: scope(ctx, requester, monitor, group).await?,
            window,
            weekly,
        };
        submit(ctx, requester, new).await
    };
    reply::answer(ctx, work).await
}

/// The window of maintenance that is scheduled once. Of several mistakes, the first option's comes first.
fn once(at: &str, duration: &str, zone: Tz) -> Result<TimeWindow, CommandError> {
    let starts_at = parse_moment(at, zone).map_err(|error| wrong("at", error))?;
    let ends_at = starts_at.plus(length_of(Some(duration))?);
    Ok(TimeWindow { starts_at, ends_at })
}

/// The times of weekly maintenance. Of several mistakes, the first option's comes first.
fn weekly(at: &str, days: &str, duration: &str, zone: Tz) -> Result<Weekly, CommandError> {
    if parse_moment(at, zone).is_ok() {
        return Err(texts::date_and_days());
    }
    let minute = parse_time(at).map_err(|error| wrong("at", error))?;
    let length = length_of(Some(duration))?;
    Ok(Weekly {
        days: WeekDays::parse(days).map_err(|error| wrong("days", error))?,
        minute,
        length,
        zone,
    })
}

/// List running and scheduled maintenance
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async { listed(ctx, requester).await };
    reply::answer(ctx, work).await
}

/// End or cancel maintenance; a weekly window is deleted with all its dates
#[poise::command(slash_command, guild_only)]
async fn end(
    ctx: Context<'_>,
    #[description = "Maintenance window (default: the only one)"]
    #[autocomplete = "maintenance_choices"]
    #[max_length = 100]
    which: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let known = rows::maintenance(&app.store.reader, Some(requester.guild)).await?;
        let one = meant(known, which.as_deref())?;
        let answer = texts::ended(&one.title);
        ending::end(&app.store, requester, one.id, app.now()).await?;
        Ok(Message::sentence(answer))
    };
    reply::answer(ctx, work).await
}

/// The maintenance that a member means: by `#` and its id, by its title, or the only one there is.
fn meant(
    mut known: Vec<rows::Silence>,
    which: Option<&str>,
) -> Result<rows::Silence, CommandError> {
    let which = which.map(str::trim);
    if let Some(which) = which {
        known.retain(|one| {
            which == format!("#{}", one.id.0) || one.title.eq_ignore_ascii_case(which)
        });
    }
    match (known.len(), which) {
        (0, _) => Err(texts::no_such_maintenance()),
        (1, _) => Ok(known.remove(0)),
        (several, None) => Err(texts::several_windows(several)),
        (several, Some(title)) => Err(texts::several_windows_with_title(several, title)),
    }
}

async fn submit(
    ctx: Context<'_>,
    requester: Requester,
    new: NewSilence,
) -> Result<Message, CommandError> {
    let app = ctx.data();
    starting::schedule(&app.store, requester, new, app.now()).await?;
    listed(ctx, requester).await
}

async fn listed(ctx: Context<'_>, requester: Requester) -> Result<Message, CommandError> {
    let known = rows::maintenance(&ctx.data().store.reader, Some(requester.guild)).await?;
    Ok(Message::embed(maintenance_card::list(
        &known,
        ctx.data().now(),
    )))
}

fn length_of(text: Option<&str>) -> Result<Duration, CommandError> {
    parse_length(text.unwrap_or("1h")).map_err(|error| wrong("duration", error))
}

fn title_of(text: Option<&str>) -> Result<String, CommandError> {
    parse_name(text.unwrap_or(texts::DEFAULT_TITLE)).map_err(|error| wrong("title", error))
}

async fn scope(
    ctx: Context<'_>,
    requester: Requester,
    monitor: Option<String>,
    group: Option<String>,
) -> Result<SilenceScope, CommandError> {
    let reader = &ctx.data().store.reader;
    match (monitor, group) {
        (None, None) => Ok(SilenceScope::All),
        (Some(monitor), None) => {
            let found = complete::named(reader, requester.guild, None, &monitor).await?;
            Ok(SilenceScope::Some(vec![found.id]))
        }
        (None, Some(group)) => complete::known_group(reader, requester.guild, &group)
            .await
            .map(SilenceScope::Group),
        (Some(_), Some(_)) => Err(texts::monitor_and_group()),
    }
}

async fn maintenance_choices(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let (partial, now) = (partial.trim().to_lowercase(), ctx.data().now());
    let known = rows::maintenance(&ctx.data().store.reader, Some(requester.guild)).await;
    let known = known.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot load maintenance windows for autocomplete");
        Vec::new()
    });
    let choices = known
        .into_iter()
        .filter(|one| one.title.to_lowercase().contains(&partial))
        .take(complete::CHOICES as usize)
        .map(|one| {
            let label = texts::maintenance_choice(&one.title, one.window.is_open(now));
            let label = text::cut(&label, 100);
            AutocompleteChoice::new(label, format!("#{}", one.id.0))
        });
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}
