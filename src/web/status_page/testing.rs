//! Snapshots for tests.

use std::time::Duration;

use super::snapshot::{
    DAYS, NotePhase, PageFacts, PageSnapshot, PublicAnnouncement, PublicGroup, PublicIncident,
    PublicItem, PublicLatency, PublicMaintenance, PublicNote, PublicStatus,
};
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
pub fn page_with(items: Vec<PublicItem>) -> PageSnapshot {
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
            root_path: String::new(),
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
    page_with(
        items
            .map(|(number, status)| item(&format!("Item {number}"), *status))
            .collect(),
    )
}

/// Pages of the size that people have: items with a few bad days each, different ones for each item.
pub fn varied_items(number: u64) -> Vec<PublicItem> {
    let items = (0..number).zip(NAMES.iter().cycle()).map(|(index, kind)| {
        let name = format!("{kind} {}", index + 1);
        let mut item = item(&name, PublicStatus::Online);
        let mut random = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = |limit: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) % limit
        };
        for _ in 0..next(6) {
            let offline = Duration::from_secs(60 * (1 + next(120)));
            let day = &mut item.days[usize::try_from(next(89)).unwrap()];
            day.offline = offline;
            day.online = DAY - offline;
        }
        if index % 9 == 4 {
            let first = usize::try_from(next(60)).unwrap();
            item.days[..first].fill(ClassTimes::default());
        }
        if index % 7 == 3 {
            let day = &mut item.days[usize::try_from(next(89)).unwrap()];
            day.maintenance = Duration::from_secs(7_200);
        }
        item
    });
    items.collect()
}

const NAMES: [&str; 8] = [
    "Website",
    "Payments",
    "Search",
    "API",
    "Database",
    "Mail",
    "Downloads",
    "Game server",
];

/// Latency with a daily wave and one gap.
pub fn latency(slowest: u64) -> PublicLatency {
    let medians = (0..48_u64).map(|step| {
        let wave = step.abs_diff(24) * slowest / 60 + slowest / 5 + step * 7 % 11;
        (step != 30 && step != 31).then(|| Duration::from_millis(wave))
    });
    PublicLatency {
        medians: medians.collect(),
        p95_24_hours: Some(Duration::from_millis(slowest)),
        p95_7_days: Some(Duration::from_millis(slowest + 10)),
        p95_30_days: Some(Duration::from_millis(slowest + 20)),
        p95_90_days: None,
    }
}

/// A note of an incident.
pub fn note(when: &str, phase: NotePhase, body: &str) -> PublicNote {
    PublicNote {
        at: at(when),
        phase,
        body: body.to_owned(),
    }
}

/// A page with something in every part of it.
pub fn full_page() -> PageSnapshot {
    let mut items = varied_items(12);
    items[1].status = PublicStatus::Offline;
    items[1].since = Some(at("2026-12-01T11:20:00Z"));
    items[1].days[DAYS - 1].offline = Duration::from_secs(2_400);
    items[2].status = PublicStatus::Warning;
    items[2].since = Some(at("2026-12-01T11:59:20Z"));
    items[5].status = PublicStatus::Maintenance;
    items[5].since = Some(at("2026-12-01T10:00:00Z"));
    items[8].status = PublicStatus::Unknown;
    items[9].status = PublicStatus::Paused;
    items[11].status = PublicStatus::Removed;
    items[11].since = Some(at("2026-11-20T10:00:00Z"));
    items[11].days[DAYS - 11..].fill(ClassTimes::default());
    let services = items.split_off(6);
    let mut page = page_with(items);
    page.groups[0].name = Some("Customers".to_owned());
    page.groups.push(PublicGroup {
        name: Some("Internal services".to_owned()),
        items: services,
    });
    page.page.about =
        "Status of **Example Shop**. [Contact us](https://example.org/contact).".to_owned();
    page.announcements = vec![PublicAnnouncement {
        key: "winter-sale".to_owned(),
        title: "Winter sale".to_owned(),
        body: "Expect more traffic than usual until Sunday.".to_owned(),
        published_at: at("2026-11-30T09:00:00Z"),
    }];
    page.incidents = incidents();
    page.maintenance = vec![
        PublicMaintenance {
            key: "m-7".to_owned(),
            title: "New disks".to_owned(),
            body: "Mail is delivered late.".to_owned(),
            starts_at: at("2026-12-01T10:00:00Z"),
            ends_at: at("2026-12-01T13:00:00Z"),
            updated_at: at("2026-11-25T10:00:00Z"),
            items: vec!["Mail 6".to_owned()],
        },
        PublicMaintenance {
            key: "m-9".to_owned(),
            title: "Database upgrade".to_owned(),
            body: String::new(),
            starts_at: at("2026-12-05T02:00:00Z"),
            ends_at: at("2026-12-05T04:30:00Z"),
            updated_at: at("2026-11-28T10:00:00Z"),
            items: vec!["Database 5".to_owned(), "API 4".to_owned()],
        },
    ];
    page
}

fn incidents() -> Vec<PublicIncident> {
    let incident = |id, began: &str| PublicIncident {
        id,
        title: None,
        began_at: at(began),
        resolved_at: None,
        items: vec!["Payments 2".to_owned()],
        notes: Vec::new(),
    };
    vec![
        PublicIncident {
            title: Some("Payments fail".to_owned()),
            notes: vec![
                note(
                    "2026-12-01T11:25:00Z",
                    NotePhase::Investigating,
                    "We are looking into failed payments.",
                ),
                note(
                    "2026-12-01T11:45:00Z",
                    NotePhase::Identified,
                    "The bank has *a problem*: see [its status](https://bank.example/status).",
                ),
            ],
            ..incident(42, "2026-12-01T11:20:00Z")
        },
        PublicIncident {
            resolved_at: Some(at("2026-11-12T10:05:00Z")),
            items: vec!["Website 1".to_owned(), "API 4".to_owned()],
            notes: vec![
                note("2026-11-12T09:30:00Z", NotePhase::Monitoring, "Restarted."),
                note(
                    "2026-11-12T10:05:00Z",
                    NotePhase::Resolved,
                    "A full disk stopped the web servers. We watch it now.",
                ),
                note(
                    "2026-11-14T10:00:00Z",
                    NotePhase::PostMortem,
                    "Logs were not rotated.\n\n- rotation is on\n- an alert at 80 %",
                ),
            ],
            ..incident(40, "2026-11-12T09:20:00Z")
        },
        PublicIncident {
            resolved_at: Some(at("2026-09-20T10:20:00Z")),
            ..incident(31, "2026-09-20T10:00:00Z")
        },
    ]
}
