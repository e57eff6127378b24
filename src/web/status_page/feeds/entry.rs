//! An incident, a maintenance window or an announcement as feeds show it.

use std::cmp::Reverse;
use std::fmt::Write;

use crate::domain::text::minute;
use crate::domain::{Timestamp, text};
use crate::web::status_page::html::incident_title;
use crate::web::status_page::markdown;
use crate::web::status_page::public_text::{escaped, listed, title};
use crate::web::status_page::snapshot::{
    PageSnapshot, PublicAnnouncement, PublicIncident, PublicMaintenance,
};
use crate::web::status_page::texts;

/// The most entries of a feed.
const MOST: usize = 50;

/// An entry of a feed.
pub(super) struct FeedEntry {
    /// Stable, whatever the entry says later.
    pub id: String,
    pub url: String,
    pub title: String,
    /// HTML with the same promises as a page: no markup of people but Markdown.
    pub content: String,
    pub published_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The entries of a page, the latest change first.
pub(super) fn entries(snapshot: &PageSnapshot) -> Vec<FeedEntry> {
    let incidents = snapshot.incidents.iter();
    let incidents = incidents.map(|one| incident(snapshot, one));
    let maintenance = snapshot.maintenance.iter();
    let maintenance = maintenance.map(|one| window(snapshot, one));
    let announcements = snapshot.announcements.iter();
    let announcements = announcements.map(|one| announcement(snapshot, one));
    let mut entries: Vec<FeedEntry> = incidents.chain(maintenance).chain(announcements).collect();
    entries.sort_by(|one, other| {
        let key = |entry: &FeedEntry| Reverse(entry.updated_at);
        key(one)
            .cmp(&key(other))
            .then_with(|| one.id.cmp(&other.id))
    });
    entries.truncate(MOST);
    entries
}

/// The address of an entry that is a part of the page, and its ID.
fn part(snapshot: &PageSnapshot, kind: &str, key: &str) -> String {
    format!("{}#{kind}-{key}", snapshot.page.base_url)
}

fn incident(snapshot: &PageSnapshot, incident: &PublicIncident) -> FeedEntry {
    let url = format!("{}/incidents/{}", snapshot.page.base_url, incident.id);
    let mut content = affected(&incident.items);
    for note in incident.notes.iter().rev() {
        let (phase, at) = (texts::phase(note.phase), time(note.at));
        let body = markdown::render(&note.body);
        // Writing to a string does not fail, here and below.
        let _ = write!(content, "<p><strong>{phase}</strong> {at}</p>{body}");
    }
    FeedEntry {
        id: url.clone(),
        url,
        title: texts::incident_in_feed(&incident_title(incident), incident.resolved_at.is_none()),
        content,
        published_at: incident.began_at,
        updated_at: incident.updated_at(),
    }
}

fn window(snapshot: &PageSnapshot, window: &PublicMaintenance) -> FeedEntry {
    let (from, to) = (time(window.starts_at), time(window.ends_at));
    let mut content = format!("<p>{}</p>", texts::from_to(&from, &to));
    content.push_str(&affected(&window.items));
    content.push_str(&markdown::render(&window.body));
    FeedEntry {
        id: part(snapshot, "maintenance", &window.key),
        url: snapshot.page.base_url.clone(),
        title: texts::maintenance_title(&title(&window.title)),
        content,
        published_at: window.updated_at,
        updated_at: window.updated_at,
    }
}

fn announcement(snapshot: &PageSnapshot, announcement: &PublicAnnouncement) -> FeedEntry {
    FeedEntry {
        id: part(snapshot, "announcement", &announcement.key),
        url: snapshot.page.base_url.clone(),
        title: title(&announcement.title),
        content: markdown::render(&announcement.body),
        published_at: announcement.published_at,
        updated_at: announcement.published_at,
    }
}

fn affected(items: &[String]) -> String {
    format!("<p>{}</p>", escaped(&texts::affects(&listed(items))))
}

/// A moment in HTML. Readers of feeds do not know the zone of the page.
fn time(at: Timestamp) -> String {
    let machine = text::timestamp(Timestamp::from_millis(at.seconds() * 1_000));
    format!(r#"<time datetime="{machine}">{}</time>"#, minute(at))
}
