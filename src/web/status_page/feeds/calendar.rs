//! Maintenance and incidents as iCalendar (RFC 5545), so that planned maintenance stands in people's calendars.

use crate::domain::{Timestamp, text};
use crate::web::status_page::html::incident_title;
use crate::web::status_page::markdown;
use crate::web::status_page::public_text::{listed, title};
use crate::web::status_page::snapshot::{PageSnapshot, PublicIncident, PublicMaintenance};
use crate::web::status_page::texts;

/// The type of the document, as `Content-Type`.
pub const CONTENT_TYPE: &str = "text/calendar; charset=utf-8";

/// The longest line in bytes, without its end.
const LONGEST_LINE: usize = 75;

/// The longest description in characters.
const LONGEST_DESCRIPTION: usize = 1_000;

/// The maintenance windows and the resolved incidents of a page. An open incident has no end yet, and is no appointment.
pub fn calendar(snapshot: &PageSnapshot) -> String {
    let mut out = CalendarWriter::default();
    out.line("BEGIN:VCALENDAR");
    out.line("VERSION:2.0");
    out.line("PRODID:-//Rollcall//Status page//EN");
    out.line("CALSCALE:GREGORIAN");
    out.line("METHOD:PUBLISH");
    out.text("NAME", &texts::feed(&title(&snapshot.page.title)));
    out.text("X-WR-CALNAME", &texts::feed(&title(&snapshot.page.title)));
    out.line("REFRESH-INTERVAL;VALUE=DURATION:PT1H");
    for window in &snapshot.maintenance {
        maintenance(&mut out, snapshot, window);
    }
    for one in &snapshot.incidents {
        incident(&mut out, snapshot, one);
    }
    out.line("END:VCALENDAR");
    out.written
}

fn maintenance(out: &mut CalendarWriter, snapshot: &PageSnapshot, window: &PublicMaintenance) {
    let affected = texts::affects(&listed(&window.items));
    let body = markdown::plain(&window.body);
    out.event(&CalendarEvent {
        uid: uid(snapshot, "maintenance", &window.key),
        changed_at: window.updated_at,
        starts_at: window.starts_at,
        ends_at: window.ends_at,
        summary: texts::maintenance_title(&title(&window.title)),
        description: format!("{affected}\n{body}"),
        url: snapshot.page.base_url.clone(),
        category: "MAINTENANCE",
    });
}

fn incident(out: &mut CalendarWriter, snapshot: &PageSnapshot, incident: &PublicIncident) {
    let Some(ends_at) = incident.resolved_at else {
        return;
    };
    let affected = texts::affects(&listed(&incident.items));
    let latest = incident
        .notes
        .last()
        .map(|note| markdown::plain(&note.body));
    out.event(&CalendarEvent {
        uid: uid(snapshot, "incident", &incident.id.to_string()),
        changed_at: incident.updated_at(),
        starts_at: incident.began_at,
        ends_at,
        summary: incident_title(incident),
        description: format!("{affected}\n{}", latest.unwrap_or_default()),
        url: format!("{}/incidents/{}", snapshot.page.base_url, incident.id),
        category: "INCIDENT",
    });
}

/// Stays the same while the event changes, and when the page gets another address.
fn uid(snapshot: &PageSnapshot, kind: &str, key: &str) -> String {
    format!("{kind}-{key}@{}.rollcall", snapshot.page.slug)
}

struct CalendarEvent {
    uid: String,
    changed_at: Timestamp,
    starts_at: Timestamp,
    ends_at: Timestamp,
    summary: String,
    description: String,
    url: String,
    category: &'static str,
}

/// Writes lines of at most 75 bytes that end as RFC 5545 says.
#[derive(Default)]
struct CalendarWriter {
    written: String,
}

impl CalendarWriter {
    fn event(&mut self, event: &CalendarEvent) {
        let description = text::cut(event.description.trim(), LONGEST_DESCRIPTION);
        self.line("BEGIN:VEVENT");
        self.text("UID", &event.uid);
        self.line(&format!("DTSTAMP:{}", moment(event.changed_at)));
        self.line(&format!("LAST-MODIFIED:{}", moment(event.changed_at)));
        self.line(&format!("DTSTART:{}", moment(event.starts_at)));
        self.line(&format!("DTEND:{}", moment(event.ends_at)));
        self.text("SUMMARY", &event.summary);
        self.text("DESCRIPTION", &description);
        self.line(&format!("URL:{}", event.url));
        self.line(&format!("CATEGORIES:{}", event.category));
        // It does not make people busy.
        self.line("TRANSP:TRANSPARENT");
        self.line("END:VEVENT");
    }

    fn text(&mut self, name: &str, value: &str) {
        let mut line = format!("{name}:");
        for character in value.chars() {
            match character {
                '\\' | ';' | ',' => line.extend(['\\', character]),
                '\n' => line.push_str("\\n"),
                other => line.push(other),
            }
        }
        self.line(&line);
    }

    /// A line that is too long goes on in the next one, after a space.
    fn line(&mut self, line: &str) {
        let mut length = 0;
        for character in line.chars() {
            if length + character.len_utf8() > LONGEST_LINE {
                self.written.push_str("\r\n ");
                length = 1;
            }
            self.written.push(character);
            length += character.len_utf8();
        }
        self.written.push_str("\r\n");
    }
}

/// In UTC: `20261201T120000Z`.
fn moment(at: Timestamp) -> String {
    let whole = text::timestamp(Timestamp::from_millis(at.seconds() * 1_000));
    whole.replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::web::status_page::testing;

    /// Reads events as RFC 5545 says, independently of the writer.
    fn events(calendar: &str) -> Vec<BTreeMap<String, String>> {
        assert!(calendar.ends_with("\r\n"));
        for line in calendar.split("\r\n") {
            assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{line:?}");
        }
        let unfolded = calendar.replace("\r\n ", "");
        let mut events = Vec::new();
        for line in unfolded.split_terminator("\r\n") {
            let (name, value) = line.split_once(':').unwrap();
            match (name, value) {
                ("BEGIN", "VEVENT") => events.push(BTreeMap::new()),
                _ if events.is_empty() => {}
                _ => {
                    let event: &mut BTreeMap<String, String> = events.last_mut().unwrap();
                    event.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        events
    }

    #[test]
    fn a_calendar_is_rendered() {
        let calendar = calendar(&testing::full_page());
        insta::assert_snapshot!("calendar", calendar.replace("\r\n", "\n"));
        let events = events(&calendar);
        assert_eq!(events.len(), 4, "two windows and two resolved incidents");
        for event in &events {
            for name in ["UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"] {
                assert!(event.contains_key(name), "{name}: {event:?}");
            }
            assert!(event["DTEND"] > event["DTSTART"], "{event:?}");
        }
        assert_eq!(events[0]["DTSTART"], "20261201T100000Z");
        assert_eq!(events[0]["UID"], "maintenance-m-7@shop.rollcall");
    }

    #[test]
    fn a_window_that_moves_keeps_its_uid() {
        let mut snapshot = testing::full_page();
        let before = events(&calendar(&snapshot));
        snapshot.maintenance[0].starts_at = testing::at("2026-12-01T11:00:00Z");
        snapshot.page.base_url = "https://status.example.net".to_owned();
        let after = events(&calendar(&snapshot));
        assert_eq!(before[0]["UID"], after[0]["UID"]);
        assert_ne!(before[0]["DTSTART"], after[0]["DTSTART"]);
    }

    #[test]
    fn hostile_titles_stay_in_their_line() {
        let mut snapshot = testing::full_page();
        let hostile = "a\r\nBEGIN:VEVENT\nX;Y,Z\\ \u{85}\u{2028}Ωμέγα 店".repeat(20);
        snapshot.maintenance[0].title = hostile.clone();
        snapshot.maintenance[0].body = hostile.clone();
        snapshot.maintenance[0].items = vec![hostile];
        let events = events(&calendar(&snapshot));
        assert_eq!(events.len(), 4);
        let summary = &events[0]["SUMMARY"];
        assert!(summary.contains(r"X\;Y\,Z\\"), "{summary}");
    }
}
