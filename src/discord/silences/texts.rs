//! The texts of mutes and maintenance windows in Discord: replies, errors, choices and the lines of the list.

use crate::discord::ui::embed::{bold, date_and_time, relative};
use crate::discord::ui::error::CommandError;
use crate::domain::Timestamp;
use crate::domain::silences::maintenance::Weekly;
use crate::domain::silences::silence::SilenceScope;
use crate::domain::text;
use crate::store::silences::silence::Silence;

// Mutes

pub(super) fn muted(monitor: &str, until: Timestamp) -> String {
    format!("Muted {} until {}.", bold(monitor), date_and_time(until))
}

pub(super) fn unmuted(monitor: &str) -> String {
    format!("Unmuted {}.", bold(monitor))
}

// Maintenance: replies and errors

/// The title of a maintenance window that is started without one.
pub(super) const DEFAULT_TITLE: &str = "maintenance";

pub(super) fn ended(title: &str) -> String {
    match title == DEFAULT_TITLE {
        true => "Ended the maintenance.".to_owned(),
        false => format!("Ended the maintenance {}.", bold(title)),
    }
}

pub(super) fn no_such_maintenance() -> CommandError {
    CommandError::Refused(
        "This maintenance does not exist. `/maintenance list` shows running and scheduled maintenance."
            .into(),
    )
}

/// `/maintenance end` without an option, while there are several windows.
pub(super) fn several_windows(count: usize) -> CommandError {
    CommandError::Refused(format!(
        "This Discord server has {count} maintenance windows. Choose one with `which`."
    ))
}

pub(super) fn several_windows_with_title(count: usize, title: &str) -> CommandError {
    CommandError::Refused(format!(
        "{count} maintenance windows have the title {}. Choose one from the list.",
        text::code(&text::cut(title, 64))
    ))
}

/// `/maintenance schedule` with `days` and a date.
pub(super) fn date_and_days() -> CommandError {
    CommandError::Refused(
        "With `days`, `at` is a time without a date, such as `at:22:30 days:mon,thu`. Without `days`, the maintenance takes place once."
            .into(),
    )
}

pub(super) fn time_does_not_exist() -> CommandError {
    CommandError::Refused(
        "This time does not exist in this time zone. Choose another time for `at`, such as `22:30`."
            .into(),
    )
}

pub(super) fn monitor_and_group() -> CommandError {
    CommandError::Refused(
        "Choose either `monitor` or `group`, not both. Without them, the maintenance covers all monitors."
            .into(),
    )
}

pub(super) fn maintenance_choice(title: &str, is_running: bool) -> String {
    match is_running {
        true => format!("{title} · running"),
        false => format!("{title} · scheduled"),
    }
}

// Maintenance: the list

pub(super) const LIST_TITLE: &str = "Maintenance";
pub(super) const EMPTY_LIST_TITLE: &str = "No maintenance";
pub(super) const EMPTY_LIST: &str =
    "Start it now with `/maintenance start`, or plan it with `/maintenance schedule`.";

/// One line of the list: what the window covers, and when it runs.
pub(super) fn window(one: &Silence, now: Timestamp) -> String {
    let maintenance = covered(one);
    let ends = date_and_time(one.window.ends_at);
    if one.window.is_open(now) {
        return match &one.weekly {
            None => format!("🟠 {maintenance}: running until {ends}"),
            Some(weekly) => {
                let weekly = schedule(weekly);
                format!("🟠 {maintenance}: running until {ends}, repeats {weekly}")
            }
        };
    }
    let starts = date_and_time(one.window.starts_at);
    let starts_in = relative(one.window.starts_at);
    let length = text::duration(one.window.ends_at.since(one.window.starts_at));
    match &one.weekly {
        None => format!("⚪ {maintenance}: starts {starts_in} ({starts}) and lasts {length}"),
        Some(weekly) => {
            let weekly = schedule(weekly);
            format!(
                "⚪ {maintenance}: starts {starts_in} ({starts}), lasts {length}, repeats {weekly}"
            )
        }
    }
}

/// A maintenance window with its title and its monitors.
fn covered(one: &Silence) -> String {
    let title = bold(&one.title);
    match &one.scope {
        SilenceScope::All => format!("{title} (all monitors)"),
        SilenceScope::Group(name) => format!("{title} (group {})", text::escape(name)),
        SilenceScope::Some(monitors) => {
            let monitors = text::count(monitors.len() as u64, "monitor");
            format!("{title} ({monitors})")
        }
    }
}

/// Days, local time and time zone: `mon,thu at 22:30 (Europe/Berlin)`.
fn schedule(weekly: &Weekly) -> String {
    let (hour, minute) = (weekly.minute / 60, weekly.minute % 60);
    let (days, zone) = (weekly.days, weekly.zone.name());
    format!("{days} at {hour:02}:{minute:02} ({zone})")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;

    #[test]
    fn texts_of_silences() {
        let texts = [
            muted("shop", NOW.plus(Duration::from_secs(3_600))),
            unmuted("shop"),
            DEFAULT_TITLE.to_owned(),
            ended("updates"),
            ended(DEFAULT_TITLE),
            date_and_days().to_string(),
            no_such_maintenance().to_string(),
            several_windows(3).to_string(),
            several_windows_with_title(2, "updates").to_string(),
            time_does_not_exist().to_string(),
            monitor_and_group().to_string(),
            maintenance_choice("updates", true),
            maintenance_choice("updates", false),
            LIST_TITLE.to_owned(),
            EMPTY_LIST_TITLE.to_owned(),
            EMPTY_LIST.to_owned(),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Muted **shop** until <t:1769864400:f>.
        Unmuted **shop**.
        maintenance
        Ended the maintenance **updates**.
        Ended the maintenance.
        With `days`, `at` is a time without a date, such as `at:22:30 days:mon,thu`. Without `days`, the maintenance takes place once.
        This maintenance does not exist. `/maintenance list` shows running and scheduled maintenance.
        This Discord server has 3 maintenance windows. Choose one with `which`.
        2 maintenance windows have the title `updates`. Choose one from the list.
        This time does not exist in this time zone. Choose another time for `at`, such as `22:30`.
        Choose either `monitor` or `group`, not both. Without them, the maintenance covers all monitors.
        updates · running
        updates · scheduled
        Maintenance
        No maintenance
        Start it now with `/maintenance start`, or plan it with `/maintenance schedule`.
        ");
    }
}
