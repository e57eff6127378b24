//! Incidents, maintenance and announcements as templates show them.

use crate::domain::silences::maintenance::Tz;
use crate::domain::{Timestamp, text};
use crate::web::status_page::markdown;
use crate::web::status_page::public_text::{date, listed, title};
use crate::web::status_page::snapshot::{
    MaintenancePhase, PageSnapshot, PublicAnnouncement, PublicIncident, PublicMaintenance,
    PublicNote,
};
use crate::web::status_page::texts;

/// A moment, for programs and for people.
pub(super) struct TimeView {
    pub machine: String,
    pub shown: String,
}

impl TimeView {
    pub fn of(at: Timestamp, zone: Tz) -> Self {
        Self {
            machine: text::timestamp(Timestamp::from_millis(at.seconds() * 1_000)),
            shown: text::local_minute(at, zone),
        }
    }
}

impl TimeView {
    /// The end of something: without its date if that is the one of the start.
    fn after(start: Timestamp, end: Timestamp, zone: Tz) -> Self {
        let mut view = Self::of(end, zone);
        let day = date(end, zone);
        if day == date(start, zone) {
            view.shown = view.shown.split_off(day.len()).trim_start().to_owned();
        }
        view
    }
}

/// An incident with its notes, the latest first.
pub(super) struct IncidentPart {
    pub href: String,
    pub title: String,
    pub is_open: bool,
    pub began: TimeView,
    pub ended: Option<TimeView>,
    pub length: String,
    pub items: String,
    pub notes: Vec<NotePart>,
}

pub(super) struct NotePart {
    pub phase: &'static str,
    /// The class in the stylesheet.
    pub class: &'static str,
    pub at: TimeView,
    /// Markup of its own, rendered from Markdown.
    pub body: String,
}

/// The title of an incident, its own or one of its items.
pub fn incident_title(incident: &PublicIncident) -> String {
    let own = incident.title.as_deref().map(title);
    own.filter(|own| !own.is_empty()).unwrap_or_else(|| {
        let names = incident.items.iter().map(|one| title(one));
        title(&texts::incident_title(&names.collect::<Vec<_>>()))
    })
}

impl IncidentPart {
    pub fn of(incident: &PublicIncident, snapshot: &PageSnapshot) -> Self {
        let zone = snapshot.page.zone;
        let notes = incident.notes.iter().rev();
        Self {
            href: format!("{}/incidents/{}", snapshot.page.base_path, incident.id),
            title: incident_title(incident),
            is_open: incident.resolved_at.is_none(),
            began: TimeView::of(incident.began_at, zone),
            ended: incident.resolved_at.map(|at| TimeView::of(at, zone)),
            length: texts::minutes(incident.length(snapshot.generated_at)),
            items: listed(&incident.items),
            notes: notes.map(|note| NotePart::of(note, zone)).collect(),
        }
    }

    /// With its latest note only, for lists.
    pub fn brief(incident: &PublicIncident, snapshot: &PageSnapshot) -> Self {
        let latest = incident.notes.last().cloned();
        let incident = PublicIncident {
            notes: latest.into_iter().collect(),
            ..incident.clone()
        };
        Self::of(&incident, snapshot)
    }
}

impl NotePart {
    fn of(note: &PublicNote, zone: Tz) -> Self {
        Self {
            phase: texts::phase(note.phase),
            class: note.phase.as_str(),
            at: TimeView::of(note.at, zone),
            body: markdown::render(&note.body),
        }
    }
}

/// The incidents that began in one month of the zone.
pub(super) struct MonthView {
    pub heading: String,
    pub incidents: Vec<IncidentPart>,
}

/// The resolved incidents by month, the latest first, from this month back to that of the first day of the strips. Months without
/// incidents are listed, too.
pub(super) fn months(snapshot: &PageSnapshot) -> Vec<MonthView> {
    let zone = snapshot.page.zone;
    let month_of = |at| date(at, zone).get(..7).unwrap_or_default().to_owned();
    let first = snapshot.days.first().copied();
    let days = snapshot.days.iter().rev().copied();
    let mut months: Vec<String> = std::iter::once(snapshot.generated_at)
        .chain(days)
        .map(month_of)
        .collect();
    let resolved = snapshot.incidents.iter();
    let mut resolved: Vec<&PublicIncident> =
        resolved.filter(|one| one.resolved_at.is_some()).collect();
    resolved.sort_by_key(|one| std::cmp::Reverse((one.began_at, one.id)));
    // One that began before the first day, and was resolved after it.
    let earlier = resolved.iter().map(|one| one.began_at);
    let earlier = earlier.filter(|began| first.is_none_or(|first| *began < first));
    months.extend(earlier.map(month_of));
    months.dedup();
    let months = months.into_iter().map(|month| MonthView {
        heading: heading(&month),
        incidents: resolved
            .iter()
            .filter(|one| month_of(one.began_at) == month)
            .map(|one| IncidentPart::brief(one, snapshot))
            .collect(),
    });
    months.collect()
}

/// Of a month such as `2026-11`.
fn heading(month: &str) -> String {
    let (year, number) = month.split_once('-').unwrap_or((month, ""));
    texts::month(year, number.parse().unwrap_or(0))
}

/// A maintenance window that is current or planned.
pub(super) struct MaintenanceView {
    pub title: String,
    pub phase: &'static str,
    pub starts: TimeView,
    pub ends: TimeView,
    pub length: String,
    pub items: String,
    /// Markup of its own, rendered from Markdown.
    pub body: String,
}

impl MaintenanceView {
    fn of(maintenance: &PublicMaintenance, snapshot: &PageSnapshot) -> Self {
        let zone = snapshot.page.zone;
        Self {
            title: title(&maintenance.title),
            phase: texts::maintenance_phase(maintenance.phase(snapshot.generated_at)),
            starts: TimeView::of(maintenance.starts_at, zone),
            ends: TimeView::after(maintenance.starts_at, maintenance.ends_at, zone),
            length: texts::minutes(maintenance.ends_at.since(maintenance.starts_at)),
            items: listed(&maintenance.items),
            body: markdown::render(&maintenance.body),
        }
    }
}

/// The windows of a phase, by their start.
pub(super) fn maintenance(
    snapshot: &PageSnapshot,
    phase: MaintenancePhase,
) -> Vec<MaintenanceView> {
    let windows = snapshot.maintenance.iter();
    windows
        .filter(|one| one.phase(snapshot.generated_at) == phase)
        .map(|one| MaintenanceView::of(one, snapshot))
        .collect()
}

pub(super) struct AnnouncementView {
    pub title: String,
    pub at: TimeView,
    /// Markup of its own, rendered from Markdown.
    pub body: String,
}

impl AnnouncementView {
    pub fn of(announcement: &PublicAnnouncement, zone: Tz) -> Self {
        Self {
            title: title(&announcement.title),
            at: TimeView::of(announcement.published_at, zone),
            body: markdown::render(&announcement.body),
        }
    }
}
