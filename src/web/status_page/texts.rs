//! Every text of a status page that does not come from people, in English. One language is one file like this one.

use std::time::Duration;

use super::snapshot::{MaintenancePhase, NotePhase, PageBanner, PublicStatus};
use crate::domain::text;

/// The language of this file, as `lang` of HTML and `language` of feeds.
pub const LANGUAGE: &str = "en";

pub const UNAVAILABLE: &str =
    "This page cannot be shown at the moment. Try again in a few seconds.\n";
pub const SKIP_TO_STATUS: &str = "Skip to the current status";
pub const ITEM: &str = "Name";
pub const STATUS: &str = "Status";
pub const UPTIME: &str = "Uptime";
pub const LATENCY: &str = "p95 latency";
pub const DAYS_AGO: &str = "90 days ago";
pub const TODAY: &str = "Today";
pub const ITEMS: &str = "Items";
pub const NO_ITEMS: &str = "This page has no items yet.";
pub const DATE: &str = "Date";
pub const DOWNTIME: &str = "Offline";
pub const IN_MAINTENANCE: &str = "In maintenance";
pub const OPEN_INCIDENTS: &str = "Open incidents";
pub const CURRENT_MAINTENANCE: &str = "Maintenance in progress";
pub const PLANNED_MAINTENANCE: &str = "Planned maintenance";
pub const ANNOUNCEMENTS: &str = "Announcements";
pub const INCIDENT_HISTORY: &str = "Incident history";
pub const NO_INCIDENTS: &str = "No incidents";
pub const NO_NOTES: &str = "No updates have been published.";
pub const UPDATES: &str = "Updates";
pub const AFFECTED: &str = "Affected";
pub const STARTED: &str = "Started";
pub const ENDED: &str = "Resolved";
pub const LENGTH: &str = "Duration";
pub const STILL_OPEN: &str = "Still open";
pub const RSS: &str = "RSS";
pub const JSON_FEED: &str = "JSON Feed";
pub const CALENDAR: &str = "Calendar";
pub const SUMMARY: &str = "JSON";
pub const SUBSCRIBE: &str = "Subscribe";
pub const MADE_WITH: &str = "Made with Rollcall";
pub const UPTIME_RULE: &str = "Uptime is time online ÷ (time online + time offline), of 90 days. It is cut, not rounded. Maintenance and time that was not watched do not count.";
pub const NO_UPTIME: &str = "no data";

pub const NOT_FOUND_TITLE: &str = "Page not found";
pub const NOT_FOUND: &str = "There is no status page at this address.";

pub const PASSWORD_TITLE: &str = "Password required";
pub const PASSWORD_PROMPT: &str = "This status page is protected by a password.";
pub const PASSWORD: &str = "Password";
pub const OPEN_PAGE: &str = "Open page";
pub const WRONG_PASSWORD: &str = "That password is not correct. Try again.";
pub const TOO_MANY_PASSWORDS: &str = "Too many attempts. Try again in a minute.";

/// What the marks of a strip stand for, in the order of the legend.
pub const LEGEND: [(&str, &str); 5] = [
    ("online", "Online"),
    ("brief", "Offline for less than 15 min"),
    ("offline", "Offline for 15 min or longer"),
    ("maintenance", "Maintenance"),
    ("unknown", "No data"),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub fn banner(banner: PageBanner) -> String {
    match banner {
        PageBanner::Empty => "Nothing to show yet".to_owned(),
        PageBanner::AllOnline => "All systems are online".to_owned(),
        PageBanner::Offline { items, of } if items == of => match of {
            1 => "The only item is offline".to_owned(),
            _ => format!("All {of} items are offline"),
        },
        PageBanner::Offline { items: 1, of } => format!("1 of {of} items is offline"),
        PageBanner::Offline { items, of } => format!("{items} of {of} items are offline"),
        PageBanner::Warnings { items: 1, .. } => "1 item has a warning".to_owned(),
        PageBanner::Warnings { items, .. } => format!("{items} items have a warning"),
        PageBanner::Maintenance { items, of } if items == of => match of {
            1 => "The only item is in maintenance".to_owned(),
            _ => format!("All {of} items are in maintenance"),
        },
        PageBanner::Maintenance { items: 1, of } => format!("1 of {of} items is in maintenance"),
        PageBanner::Maintenance { items, of } => {
            format!("{items} of {of} items are in maintenance")
        }
        PageBanner::Unknown { items, of } if items == of => "There is no current data".to_owned(),
        PageBanner::Unknown { items: 1, of } => format!("No current data for 1 of {of} items"),
        PageBanner::Unknown { items, of } => {
            format!("No current data for {items} of {of} items")
        }
    }
}

/// The status as a word.
pub const fn status(status: PublicStatus) -> &'static str {
    match status {
        PublicStatus::Online => "Online",
        PublicStatus::Warning => "Warning",
        PublicStatus::Offline => "Offline",
        PublicStatus::Maintenance => "Maintenance",
        PublicStatus::Unknown => "No data",
        PublicStatus::Paused => "Paused",
        PublicStatus::Removed => "Removed",
    }
}

/// The status and for how long it has been so, such as `Offline for 2 h 5 min`.
pub fn status_lasting(shown: PublicStatus, length: Duration) -> String {
    match length.as_secs() {
        0..60 => status(shown).to_owned(),
        _ => format!("{} for {}", status(shown), minutes(length)),
    }
}

/// How long something was so, such as `for 2 h 5 min`.
pub fn lasting(length: Duration) -> String {
    match length.as_secs() {
        0..60 => "for less than 1 min".to_owned(),
        _ => format!("for {}", minutes(length)),
    }
}

/// A duration without its seconds, because a page is made once for many readers: `2 h 5 min`, and `less than 1 min`.
pub fn minutes(length: Duration) -> String {
    match length.as_secs() {
        0..60 => "less than 1 min".to_owned(),
        seconds => text::duration(Duration::from_secs(seconds / 60 * 60)),
    }
}

pub fn times_in(zone: &str) -> String {
    format!("Times are in {zone}.")
}

/// For people who do not see the strip.
pub fn strip(uptime: &str, days_offline: usize) -> String {
    match days_offline {
        0 => format!("Last 90 days: uptime {uptime}, no day with downtime"),
        1 => format!("Last 90 days: uptime {uptime}, 1 day with downtime"),
        days => format!("Last 90 days: uptime {uptime}, {days} days with downtime"),
    }
}

/// For people who do not see the line.
pub fn latency(p95: &str) -> String {
    format!("95th percentile of the last 24 hours: {p95}")
}

/// What a mark of the strip shows to a pointer.
pub fn day(date: &str, downtime: Duration, maintenance: Duration) -> String {
    let downtime = (!downtime.is_zero()).then(|| format!("offline {}", lasting(downtime)));
    let maintenance =
        (!maintenance.is_zero()).then(|| format!("in maintenance {}", lasting(maintenance)));
    let parts: Vec<String> = downtime.into_iter().chain(maintenance).collect();
    format!("{date}: {}", parts.join(", "))
}

pub fn earlier_days(number: usize) -> String {
    format!("{} before that", text::count(number as u64, "more day"))
}

/// In a picture that shows a part of the items.
pub fn more_items(number: usize) -> String {
    format!("and {}", text::count(number as u64, "more item"))
}

/// A month, 1 to 12, of a year.
pub fn month(year: &str, month: usize) -> String {
    let name = MONTHS.get(month.wrapping_sub(1)).unwrap_or(&"");
    format!("{name} {year}")
}

/// The title of an incident that has none of its own.
pub fn incident_title(items: &[String]) -> String {
    match items {
        [] => "Incident".to_owned(),
        [one] => format!("{one}: outage"),
        [one, other] => format!("{one} and {other}: outage"),
        [one, rest @ ..] => format!("{one} and {} other items: outage", rest.len()),
    }
}

pub const fn phase(phase: NotePhase) -> &'static str {
    match phase {
        NotePhase::Investigating => "Investigating",
        NotePhase::Identified => "Identified",
        NotePhase::Monitoring => "Monitoring",
        NotePhase::Resolved => "Resolved",
        NotePhase::PostMortem => "Post-mortem",
    }
}

pub const fn maintenance_phase(phase: MaintenancePhase) -> &'static str {
    match phase {
        MaintenancePhase::Planned => "Planned",
        MaintenancePhase::Current => "In progress",
        MaintenancePhase::Ended => "Ended",
    }
}

/// The title of a maintenance window in feeds.
pub fn maintenance_title(title: &str) -> String {
    format!("Maintenance: {title}")
}

/// The title of an incident in feeds.
pub fn incident_in_feed(title: &str, is_open: bool) -> String {
    match is_open {
        true => title.to_owned(),
        false => format!("Resolved: {title}"),
    }
}

pub fn affects(items: &str) -> String {
    format!("Affected: {items}")
}

pub fn from_to(from: &str, to: &str) -> String {
    format!("{from} to {to}")
}

/// The title of a feed.
pub fn feed(title: &str) -> String {
    format!("{title}: status")
}

pub fn feed_description(title: &str) -> String {
    format!("Incidents and maintenance of {title}")
}

/// The labels of badges.
pub const BADGE_STATUS: &str = "status";
pub const BADGE_NO_DATA: &str = "no data";

pub fn badge_uptime(range: &str) -> String {
    format!("uptime {range}")
}

pub fn badge_latency(range: &str) -> String {
    format!("p95 {range}")
}

/// The value of a badge of a whole page.
pub fn badge_banner(banner: PageBanner) -> String {
    match banner {
        PageBanner::Empty => BADGE_NO_DATA.to_owned(),
        PageBanner::AllOnline => "all online".to_owned(),
        PageBanner::Offline { items, of } => format!("{items} of {of} offline"),
        PageBanner::Warnings { items: 1, .. } => "1 warning".to_owned(),
        PageBanner::Warnings { items, .. } => format!("{items} warnings"),
        PageBanner::Maintenance { .. } => "maintenance".to_owned(),
        PageBanner::Unknown { .. } => BADGE_NO_DATA.to_owned(),
    }
}
