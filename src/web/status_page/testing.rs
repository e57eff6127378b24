//! Snapshots for tests.

use std::time::Duration;

use super::snapshot::{DAYS, PageFacts, PageSnapshot, PublicGroup, PublicItem, PublicStatus};
use crate::domain::Timestamp;
use crate::domain::history::uptime::ClassTimes;
use crate::domain::silences::maintenance::Tz;
use crate::domain::text;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A moment of the tests, written as RFC 3339.
pub fn at(text: &str) -> Timestamp {
    text::parse_timestamp(text).unwrap()
}

/// When the snapshots were made.
pub fn now() -> Timestamp {
    at("2026-12-01T12:00:00Z")
}

/// An item that was online all the time.
pub fn item(name: &str, status: PublicStatus) -> PublicItem {
    let online = ClassTimes {
        online: DAY,
        ..ClassTimes::default()
    };
    let mut days = vec![online; DAYS];
    days[DAYS - 1].online = DAY / 2;
    PublicItem {
        key: name.to_lowercase().replace(' ', "-"),
        name: name.to_owned(),
        status,
        since: Some(at("2026-11-12T08:30:00Z")),
        days,
        last_24_hours: online,
        latency: None,
    }
}

/// A page with one group.
pub fn page(items: Vec<PublicItem>) -> PageSnapshot {
    let days = u32::try_from(DAYS).unwrap();
    let today = at("2026-12-01T00:00:00Z");
    PageSnapshot {
        page: PageFacts {
            slug: "shop".to_owned(),
            title: "Example Shop".to_owned(),
            about: String::new(),
            zone: Tz::UTC,
            base_url: "https://status.example.org/status/shop".to_owned(),
            base_path: "/status/shop".to_owned(),
            is_password_protected: false,
        },
        generated_at: now(),
        days: (0..days).rev().map(|ago| today.minus(DAY * ago)).collect(),
        announcements: Vec::new(),
        groups: vec![PublicGroup { name: None, items }],
        incidents: Vec::new(),
        maintenance: Vec::new(),
    }
}

/// A page with an item for each status.
pub fn page_of(statuses: &[PublicStatus]) -> PageSnapshot {
    let items = statuses.iter().enumerate();
    page(
        items
            .map(|(number, status)| item(&format!("Item {number}"), *status))
            .collect(),
    )
}
