//! `/summary schedule | stop`: which channels get summaries and when, for managers.

use poise::serenity_prelude as serenity;

use super::{handlers, schedule_option};
use crate::discord::Context;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply;
use crate::domain::discord_id::ChannelId;
use crate::domain::history::summary::schedule::{
    DEFAULT_MINUTE, SummaryPeriod, SummaryTimes, parse_day,
};
use crate::domain::silences::maintenance::parse_time;
use crate::store::history::summary_schedule::NewSchedule;

/// How often summaries are sent. Append only: Discord identifies a choice by its index.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum PeriodChoice {
    #[name = "daily"]
    Daily,
    #[name = "weekly"]
    Weekly,
    #[name = "monthly"]
    Monthly,
}

impl From<PeriodChoice> for SummaryPeriod {
    fn from(choice: PeriodChoice) -> Self {
        match choice {
            PeriodChoice::Daily => Self::Daily,
            PeriodChoice::Weekly => Self::Weekly,
            PeriodChoice::Monthly => Self::Monthly,
        }
    }
}

/// Schedule summaries for channels
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("schedule", "stop")
)]
pub(in crate::discord) async fn summary(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Send a summary to a channel every day, week or month
#[poise::command(slash_command, guild_only)]
async fn schedule(
    ctx: Context<'_>,
    #[description = "How often"] period: PeriodChoice,
    #[description = "Channel for the summaries"]
    #[channel_types("Text", "News")]
    channel: serenity::PartialChannel,
    #[description = "Local time, such as 22:30 (default: 09:00)"]
    #[max_length = 8]
    time: Option<String>,
    #[description = "Such as mon for weekly (default: mon), 1 to 28 for monthly (default: 1)"]
    #[max_length = 16]
    day: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let new = NewSchedule {
            channel: ChannelId(channel.id.get()),
            times: times(period.into(), day.as_deref(), time.as_deref())?,
        };
        handlers::schedule(ctx.data(), requester, new).await
    };
    reply::answer(ctx, work).await
}

/// Stop the summaries of a schedule
#[poise::command(slash_command, guild_only)]
async fn stop(
    ctx: Context<'_>,
    #[description = "Number of the schedule, such as #3"]
    #[autocomplete = "schedule_option::suggest"]
    #[max_length = 64]
    summary: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let id = schedule_option::parse(&summary)?;
        handlers::stop(ctx.data(), requester, id).await
    };
    reply::answer(ctx, work).await
}

fn times(
    period: SummaryPeriod,
    day: Option<&str>,
    time: Option<&str>,
) -> Result<SummaryTimes, CommandError> {
    let minute = time.map(parse_time).transpose();
    let minute = minute.map_err(|error| wrong("time", error))?;
    let day = parse_day(period, day).map_err(|error| wrong("day", error))?;
    SummaryTimes::new(day, minute.unwrap_or(DEFAULT_MINUTE))
        .ok_or_else(|| CommandError::Internal("the times of a summary were refused".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_names_a_period_a_day_and_a_time() {
        use SummaryPeriod::{Daily, Monthly, Weekly};
        for (period, day, time, shown) in [
            (Daily, None, None, "daily at 09:00"),
            (
                Weekly,
                Some("friday"),
                Some("22:30"),
                "weekly, fri at 22:30",
            ),
            (Monthly, Some("28"), None, "monthly, day 28 at 09:00"),
        ] {
            assert_eq!(times(period, day, time).unwrap().to_string(), shown);
        }
        let mistakes = [
            times(Daily, Some("mon"), None),
            times(Weekly, Some("someday"), None),
            times(Monthly, Some("29"), None),
            times(Daily, None, Some("24:00")),
        ];
        let sentences = mistakes.map(|mistake| mistake.unwrap_err().to_string());
        insta::assert_snapshot!(sentences.join("\n"));
    }
}
