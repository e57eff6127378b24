//! What a status page shows in public. No type here has a field for an address, a target, a member, or an ID but the public ones, so
//! none can appear on a page. Names in it are the public ones of the page, never those of monitors.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::history::uptime::{ClassTimes, Uptime};
use crate::domain::silences::maintenance::Tz;

/// The number of days that a strip shows, the current one included.
pub const DAYS: usize = 90;

/// The longest texts, in characters. A page cuts what is longer, so that no text can make it large.
pub const LONGEST_NAME: usize = 100;
pub const LONGEST_TITLE: usize = 200;
pub const LONGEST_BODY: usize = 4_000;

/// One page at one moment: all that its HTML, feeds, badges and JSON are made of.
#[derive(Clone, Debug)]
pub struct PageSnapshot {
    pub page: PageFacts,
    /// When the snapshot was made. Everything in it is of this moment.
    pub generated_at: Timestamp,
    /// When each day of the strips starts in the zone of the page, oldest first; the last one is today. At most `DAYS`.
    pub days: Vec<Timestamp>,
    /// Newest first.
    pub announcements: Vec<PublicAnnouncement>,
    /// In the order of the page; may be empty.
    pub groups: Vec<PublicGroup>,
    /// Open ones, and those that were resolved in the last 90 days; newest first, at most 50.
    pub incidents: Vec<PublicIncident>,
    /// Current and planned ones, and those that ended in the last 90 days; by their start, at most 50.
    pub maintenance: Vec<PublicMaintenance>,
}

/// What a page is.
#[derive(Clone, Debug)]
pub struct PageFacts {
    /// `[a-z0-9-]{1,40}`.
    pub slug: String,
    /// Plain text.
    pub title: String,
    /// Markdown; empty if there is none.
    pub about: String,
    /// Days and times of the page are in this zone.
    pub zone: Tz,
    /// Where browsers find the page, without a slash at the end: `https://status.example.org/status/shop`, or of a host name of its
    /// own `https://status.example.org`.
    pub base_url: String,
    /// The path of `base_url`: `/status/shop`, or empty.
    pub base_path: String,
    /// The path below which Rollcall is found, from a reverse proxy: `/rollcall`, or empty.
    pub root_path: String,
    /// A page with a password has no picture and no feeds in its head, because programs that fetch them have no cookie.
    pub is_password_protected: bool,
}

/// A text of the guild for all readers of the page.
#[derive(Clone, Debug)]
pub struct PublicAnnouncement {
    /// Stable and unique among the announcements of the page, for feeds: letters, digits and hyphens.
    pub key: String,
    /// Plain text.
    pub title: String,
    /// Markdown; may be empty.
    pub body: String,
    pub published_at: Timestamp,
}

/// Items under one heading.
#[derive(Clone, Debug)]
pub struct PublicGroup {
    /// `None`: items without a heading.
    pub name: Option<String>,
    /// In the order of the page.
    pub items: Vec<PublicItem>,
}

/// A monitor under its public name.
#[derive(Clone, Debug)]
pub struct PublicItem {
    /// Stable and unique on the page, in the addresses of badges: `[a-z0-9-]{1,40}`.
    pub key: String,
    /// The public name, plain text.
    pub name: String,
    pub status: PublicStatus,
    /// Since when it has this status; of a removed one, when it was removed. `None`: not known.
    pub since: Option<Timestamp>,
    /// What each day of the strip was, in the order of `PageSnapshot::days` and as many. Before the monitor was added and after it
    /// was removed, a day is unknown.
    pub days: Vec<ClassTimes>,
    /// What the last 24 hours were.
    pub last_24_hours: ClassTimes,
    /// `None` if the page does not show latency, or the monitor has none.
    pub latency: Option<PublicLatency>,
}

impl PublicItem {
    /// Uptime of the latest days of the strip, today included, by the one definition. `None` without enough data.
    pub fn uptime(&self, days: usize) -> Option<Uptime> {
        let mut times = ClassTimes::default();
        for day in self.days.iter().rev().take(days) {
            times.add(*day);
        }
        times.uptime()
    }
}

/// The latency of an item: how long the checks took that passed.
#[derive(Clone, Debug, Default)]
pub struct PublicLatency {
    /// Medians of steps of the same length, oldest first, up to now; `None` for a step without checks. At most 96.
    pub medians: Vec<Option<Duration>>,
    /// The 95th percentile of the last 24 hours, 7, 30 and 90 days; `None` without checks.
    pub p95_24_hours: Option<Duration>,
    pub p95_7_days: Option<Duration>,
    pub p95_30_days: Option<Duration>,
    pub p95_90_days: Option<Duration>,
}

/// The status of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PublicStatus {
    Online,
    /// Failing, but not for long enough to count as offline.
    Warning,
    Offline,
    /// In a maintenance window, whatever its checks show.
    Maintenance,
    /// Not checked yet, or Rollcall could not check.
    Unknown,
    /// A person paused the checks.
    Paused,
    /// The monitor was removed; the item keeps its past.
    Removed,
}

impl PublicStatus {
    /// The name in JSON and in classes of the stylesheet.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Warning => "warning",
            Self::Offline => "offline",
            Self::Maintenance => "maintenance",
            Self::Unknown => "unknown",
            Self::Paused => "paused",
            Self::Removed => "removed",
        }
    }

    /// Whether it does not count in the banner: people ended or paused the checks.
    pub const fn is_retired(self) -> bool {
        matches!(self, Self::Paused | Self::Removed)
    }
}

/// An incident that was published on the page.
#[derive(Clone, Debug)]
pub struct PublicIncident {
    /// The number in its address, the same as in Discord.
    pub id: i64,
    /// Plain text. `None`: the page makes one of the names of the items.
    pub title: Option<String>,
    /// From the first failure on.
    pub began_at: Timestamp,
    /// `None` while it is open.
    pub resolved_at: Option<Timestamp>,
    /// Public names of the items of this page that it affects; not empty.
    pub items: Vec<String>,
    /// Oldest first, public ones only.
    pub notes: Vec<PublicNote>,
}

impl PublicIncident {
    /// When something about it changed last.
    pub fn updated_at(&self) -> Timestamp {
        let note = self.notes.iter().map(|note| note.at).max();
        self.began_at
            .max(note.max(self.resolved_at).unwrap_or_default())
    }

    /// How long it lasted, or has lasted until `now`.
    pub fn length(&self, now: Timestamp) -> Duration {
        self.resolved_at.unwrap_or(now).since(self.began_at)
    }
}

/// What was published about an incident at one moment.
#[derive(Clone, Debug)]
pub struct PublicNote {
    pub at: Timestamp,
    pub phase: NotePhase,
    /// Markdown.
    pub body: String,
}

/// What people were doing about an incident when they wrote a note.
#[cfg_attr(not(test), expect(dead_code, reason = "no incident is published yet"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotePhase {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
    PostMortem,
}

impl NotePhase {
    /// The name in JSON: that of the widely read shape, where the last one is `postmortem`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
            Self::PostMortem => "postmortem",
        }
    }
}

/// One maintenance window; of one that repeats, each time is one.
#[derive(Clone, Debug)]
pub struct PublicMaintenance {
    /// Stable and unique among those of the page, for calendars and feeds: letters, digits and hyphens. It stays when the window is
    /// moved.
    pub key: String,
    /// Plain text.
    pub title: String,
    /// Markdown; may be empty.
    pub body: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// When it was planned, or changed last.
    pub updated_at: Timestamp,
    /// Public names of the items of this page that it covers; not empty.
    pub items: Vec<String>,
}

/// Where a maintenance window is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintenancePhase {
    Planned,
    Current,
    Ended,
}

impl PublicMaintenance {
    pub fn phase(&self, now: Timestamp) -> MaintenancePhase {
        match now {
            now if now < self.starts_at => MaintenancePhase::Planned,
            now if now < self.ends_at => MaintenancePhase::Current,
            _ => MaintenancePhase::Ended,
        }
    }
}

/// What the whole page says in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageBanner {
    /// The page has no items, or all are paused or removed.
    Empty,
    AllOnline,
    /// At least one item has a warning, and none is offline.
    Warnings {
        items: usize,
        of: usize,
    },
    Offline {
        items: usize,
        of: usize,
    },
    /// At least one item is in maintenance; the others are online or unknown.
    Maintenance {
        items: usize,
        of: usize,
    },
    /// At least one item is unknown, and the others are online: no data is never *all online*.
    Unknown {
        items: usize,
        of: usize,
    },
}

impl PageSnapshot {
    pub fn items(&self) -> impl Iterator<Item = &PublicItem> {
        self.groups.iter().flat_map(|group| &group.items)
    }

    /// The worst of the items decides. Paused and removed ones do not count.
    pub fn banner(&self) -> PageBanner {
        let counted = |item: &&PublicItem| !item.status.is_retired();
        let of = self.items().filter(counted).count();
        let having = |status| self.items().filter(|item| item.status == status).count();
        if of == 0 {
            return PageBanner::Empty;
        }
        let items = having(PublicStatus::Offline);
        if items > 0 {
            return PageBanner::Offline { items, of };
        }
        let items = having(PublicStatus::Warning);
        if items > 0 {
            return PageBanner::Warnings { items, of };
        }
        let items = having(PublicStatus::Maintenance);
        if items > 0 {
            return PageBanner::Maintenance { items, of };
        }
        match having(PublicStatus::Unknown) {
            0 => PageBanner::AllOnline,
            items => PageBanner::Unknown { items, of },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::status_page::testing;

    #[test]
    fn the_worst_item_decides_the_banner() {
        use PublicStatus::{Maintenance, Offline, Online, Paused, Removed, Unknown, Warning};
        for (statuses, banner) in [
            (&[][..], PageBanner::Empty),
            (&[Paused, Removed], PageBanner::Empty),
            (&[Online, Online], PageBanner::AllOnline),
            (&[Online, Paused, Removed], PageBanner::AllOnline),
            (
                &[Online, Unknown, Unknown],
                PageBanner::Unknown { items: 2, of: 3 },
            ),
            (
                &[Maintenance, Unknown, Online],
                PageBanner::Maintenance { items: 1, of: 3 },
            ),
            (
                &[Maintenance, Warning, Online],
                PageBanner::Warnings { items: 1, of: 3 },
            ),
            (
                &[Offline, Maintenance, Warning, Removed],
                PageBanner::Offline { items: 1, of: 3 },
            ),
        ] {
            let snapshot = testing::page_of(statuses);
            assert_eq!(snapshot.banner(), banner, "{statuses:?}");
        }
    }

    #[test]
    fn uptime_is_that_of_the_latest_days() {
        let mut item = testing::item("shop", PublicStatus::Online);
        let last = item.days.len() - 1;
        item.days[last - 30].offline = Duration::from_secs(3_600);
        assert_eq!(item.uptime(30).unwrap().to_string(), "100 %");
        assert_eq!(item.uptime(31).unwrap().to_string(), "99.86 %");
        item.days.fill(ClassTimes::default());
        assert_eq!(item.uptime(90), None);
    }
}
