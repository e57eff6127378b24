//! `rollcall summary schedule | stop | list`: which channels get summaries, and when.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::json;
use crate::actions::history::summary::schedules;
use crate::app::AppError;
use crate::cli::alerts::check_channel;
use crate::cli::terminal::guild_argument::GuildArgument;
use crate::cli::terminal::{app_error, print_line, print_note, usage};
use crate::cli::{Database, with_store};
use crate::clock::Clock;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::history::summary::schedule::{
    ScheduleId, SummaryPeriod, SummaryTimes, parse_day,
};
use crate::domain::silences::maintenance::parse_time;
use crate::domain::text;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::history::summary_schedule::{self, NewSchedule, StoredSchedule};

#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// Send a summary to a channel every day, week or month
    Schedule(ScheduleArguments),
    /// Stop the summaries of a schedule
    Stop {
        /// Id of the schedule, as in `rollcall summary list`
        id: i64,
        #[command(flatten)]
        guild: GuildArgument,
    },
    /// List the channels that get summaries, and when
    List {
        #[command(flatten)]
        guild: GuildArgument,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct ScheduleArguments {
    /// How often
    #[arg(long, value_enum)]
    period: PeriodName,
    /// Channel for the summaries, by id; Discord is asked whether it belongs to the Discord server
    #[arg(long, value_name = "ID", value_parser = usage::discord_id)]
    channel: u64,
    /// Local time in the time zone of the Discord server
    #[arg(long, value_name = "TIME", default_value = "09:00", value_parser = minute)]
    at: u16,
    /// Day of the week of a weekly summary (default: mon), day of the month from 1 to 28 of a monthly one (default: 1)
    #[arg(long, value_name = "DAY")]
    day: Option<String>,
    #[command(flatten)]
    guild: GuildArgument,
    /// Print the schedule as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PeriodName {
    Daily,
    Weekly,
    Monthly,
}

impl From<PeriodName> for SummaryPeriod {
    fn from(name: PeriodName) -> Self {
        match name {
            PeriodName::Daily => Self::Daily,
            PeriodName::Weekly => Self::Weekly,
            PeriodName::Monthly => Self::Monthly,
        }
    }
}

fn minute(text: &str) -> Result<u16, String> {
    parse_time(text).map_err(|error| error.to_string())
}

pub(super) async fn run(settings: &Settings, command: ScheduleCommand) -> Result<(), AppError> {
    let database = match command {
        ScheduleCommand::Schedule(_) => Database::MayBeNew,
        ScheduleCommand::Stop { .. } | ScheduleCommand::List { .. } => Database::Existing,
    };
    with_store(settings, database, async |store| match command {
        ScheduleCommand::Schedule(arguments) => schedule(settings, store, arguments).await,
        ScheduleCommand::Stop { id, guild } => {
            let (requester, now) = (guild.requester(settings), Clock::SYSTEM.now());
            let stopped = schedules::stop(store, requester, ScheduleId(id), now).await;
            let stopped = stopped.map_err(app_error)?;
            print_line(&format!(
                "Stopped the summaries for channel {} ({})",
                stopped.channel, stopped.times
            ));
            Ok(())
        }
        ScheduleCommand::List { guild, json } => list(store, guild.guild_id(settings), json).await,
    })
    .await
}

async fn schedule(
    settings: &Settings,
    store: &Store,
    arguments: ScheduleArguments,
) -> Result<(), AppError> {
    let requester = arguments.guild.requester(settings);
    if requester.guild == GuildId::LOCAL {
        return Err(AppError::Setting(
            "summaries are sent in a Discord server. Use --guild or set DISCORD_GUILD_ID"
                .to_owned(),
        ));
    }
    let day = parse_day(arguments.period.into(), arguments.day.as_deref());
    let day = day.map_err(|error| AppError::Setting(format!("--day: {error}")))?;
    let times = SummaryTimes::new(day, arguments.at)
        .ok_or_else(|| AppError::Setting("the time is not one of a day".to_owned()))?;
    let channel = ChannelId(arguments.channel);
    check_channel(settings, requester.guild, channel).await?;
    let new = NewSchedule { channel, times };
    let set = schedules::schedule(store, requester, new, Clock::SYSTEM.now()).await;
    let id = set.map_err(app_error)?;
    let known = summary_schedule::list(&store.reader, requester.guild).await?;
    for one in known.iter().filter(|one| one.id == id) {
        match arguments.json {
            true => print_line(&json::schedule(one).to_string()),
            false => print_line(&line(one)),
        }
    }
    Ok(())
}

async fn list(store: &Store, guild: GuildId, as_json: bool) -> Result<(), AppError> {
    let all = summary_schedule::list(&store.reader, guild).await?;
    if as_json {
        let all: Vec<Value> = all.iter().map(json::schedule).collect();
        print_line(&Value::Array(all).to_string());
        return Ok(());
    }
    if all.is_empty() {
        print_note(
            "No summaries are scheduled. Schedule them: rollcall summary schedule --period weekly --channel ID",
        );
    }
    for one in &all {
        print_line(&line(one));
    }
    Ok(())
}

/// `3  channel 4200  weekly, mon at 09:00  next 2026-12-07 08:00 UTC`.
fn line(one: &StoredSchedule) -> String {
    let next = match &one.broken {
        None => format!("next {}", text::minute(one.next_due_at)),
        Some(reason) => format!("broken: {reason}"),
    };
    format!("{}  channel {}  {}  {next}", one.id, one.channel, one.times)
}
