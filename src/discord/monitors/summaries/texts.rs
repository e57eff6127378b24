//! The texts of summaries in Discord.

use crate::discord::ui::embed::relative;
use crate::discord::ui::error::CommandError;
use crate::domain::discord_id::ChannelId;
use crate::domain::history::summary::schedule::SummaryTimes;
use crate::domain::silences::maintenance::Tz;
use crate::domain::text;
use crate::store::history::summary_schedule::StoredSchedule;

/// Maximum characters of an invalid text that an error quotes.
const QUOTED: usize = 32;

pub(super) const NO_SCHEDULES: &str = "No summaries are scheduled yet. A manager can schedule them with `/summary schedule`. To see a summary now, run `/summaries show`.";

pub(super) const TITLE: &str = "Scheduled summaries";

/// Under a summary with more monitors than its file.
pub(super) fn cut_file(monitors: usize) -> String {
    let monitors = text::grouped(monitors as u64);
    format!("The file has the {monitors} worst monitors.")
}

/// A schedule in the list.
pub(super) fn schedule(one: &StoredSchedule) -> String {
    let (id, channel, times) = (one.id, one.channel, one.times);
    match &one.broken {
        None => {
            let next = relative(one.next_due_at);
            format!("`#{id}` <#{channel}> · {times} · next {next}")
        }
        Some(reason) => {
            let reason = text::escape(reason);
            format!("🟠 `#{id}` <#{channel}> · {times} · Rollcall cannot post there: {reason}")
        }
    }
}

/// The time zone of the times in the list.
pub(super) fn zone(zone: Tz) -> String {
    format!(
        "Time zone: {}. Change it with /settings timezone.",
        zone.name()
    )
}

/// A schedule as a choice.
pub(super) fn choice(one: &StoredSchedule) -> String {
    format!("#{} {}", one.id, one.times)
}

pub(super) fn scheduled(channel: ChannelId, times: SummaryTimes, zone: Tz) -> String {
    let zone = text::escape(zone.name());
    format!("Summaries for <#{channel}> are scheduled: {times} ({zone}).")
}

pub(super) fn stopped(one: &StoredSchedule) -> String {
    let (channel, times) = (one.channel, one.times);
    format!("Stopped the summaries for <#{channel}> ({times}).")
}

pub(super) fn invalid_schedule(entered: &str) -> CommandError {
    let entered = text::code(&text::cut(entered.trim(), QUOTED));
    CommandError::Refused(format!(
        "Invalid summary {entered}. Choose one from the list, or use its number from `/summaries list`, such as `#3`."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::discord_id::GuildId;
    use crate::domain::history::summary::schedule::{ScheduleId, SummaryDay};
    use crate::domain::silences::maintenance::WeekDay;

    #[test]
    fn texts_of_summaries() {
        let times = |day| SummaryTimes::new(day, 540).unwrap();
        let weekly = StoredSchedule {
            id: ScheduleId(3),
            guild: GuildId(1),
            channel: ChannelId(5),
            times: times(SummaryDay::Week(WeekDay::Mon)),
            next_due_at: NOW,
            broken: None,
        };
        let mut broken = weekly.clone();
        broken.times = times(SummaryDay::Month(28));
        broken.broken = Some("the channel has been deleted".to_owned());
        let lines = [
            schedule(&weekly),
            schedule(&broken),
            zone(Tz::America__New_York),
            choice(&weekly),
            scheduled(
                ChannelId(5),
                times(SummaryDay::Every),
                Tz::America__New_York,
            ),
            stopped(&weekly),
            invalid_schedule(" a`b ").to_string(),
            cut_file(10_000),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }
}
