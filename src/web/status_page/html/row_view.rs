//! One item of a page as a template shows it.

use crate::domain::silences::maintenance::Tz;
use crate::domain::{Timestamp, text};
use crate::web::status_page::day_class::DayClass;
use crate::web::status_page::public_text::{date, name};
use crate::web::status_page::snapshot::{DAYS, PageSnapshot, PublicItem, PublicStatus};
use crate::web::status_page::texts;

use super::strip;

/// The most days of a row that are listed.
const LISTED_DAYS: usize = 14;

/// An item: its name, its status, its days.
pub(super) struct RowView {
    pub name: String,
    /// The class in the stylesheet, and the name of the icon.
    pub class: &'static str,
    pub status: String,
    /// Markup of its own: shapes.
    pub strip: String,
    pub strip_label: String,
    /// Days with downtime or maintenance, the latest first.
    pub days: Vec<DayView>,
    /// How many more there are.
    pub earlier_days: usize,
    pub uptime: Option<String>,
    pub latency: Option<LatencyView>,
}

/// A day with downtime or maintenance.
pub(super) struct DayView {
    pub date: String,
    pub downtime: String,
    pub maintenance: String,
}

/// The latency of an item.
pub(super) struct LatencyView {
    /// A path; empty without checks.
    pub line: String,
    pub p95: String,
}

/// What all rows of a page share.
pub(super) struct RowContext {
    zone: Tz,
    now: Timestamp,
    dates: Vec<String>,
}

impl RowContext {
    pub fn of(snapshot: &PageSnapshot) -> Self {
        let zone = snapshot.page.zone;
        let skipped = snapshot.days.len().saturating_sub(DAYS);
        let days = snapshot.days.iter().skip(skipped);
        Self {
            zone,
            now: snapshot.generated_at,
            dates: days.map(|day| date(*day, zone)).collect(),
        }
    }

    pub fn row(&self, item: &PublicItem) -> RowView {
        // Of an item with more days than the page, the latest.
        let skipped = item.days.len().saturating_sub(self.dates.len());
        let times = &item.days[skipped..];
        let dates = &self.dates[self.dates.len() - times.len()..];
        let marked: Vec<DayView> = times
            .iter()
            .zip(dates)
            .rev()
            .filter(|(times, _)| DayClass::of(times).is_marked())
            .map(|(times, date)| DayView {
                date: date.clone(),
                downtime: amount(times.offline),
                maintenance: amount(times.maintenance),
            })
            .collect();
        let days_offline = times
            .iter()
            .filter(|times| !times.offline.is_zero())
            .count();
        let uptime = item.uptime(DAYS).map(|uptime| uptime.to_string());
        let shown = uptime.as_deref().unwrap_or(texts::NO_UPTIME);
        RowView {
            name: name(&item.name),
            class: item.status.as_str(),
            status: self.status(item),
            strip: strip::strip(times, dates),
            strip_label: texts::strip(shown, days_offline),
            earlier_days: marked.len().saturating_sub(LISTED_DAYS),
            days: marked.into_iter().take(LISTED_DAYS).collect(),
            latency: latency(item),
            uptime,
        }
    }

    /// The word, and for how long it has been so if that is worth knowing.
    fn status(&self, item: &PublicItem) -> String {
        let word = texts::status(item.status);
        match (item.status, item.since) {
            (PublicStatus::Online | PublicStatus::Unknown, _) | (_, None) => word.to_owned(),
            (PublicStatus::Removed, Some(since)) => format!("{word} {}", date(since, self.zone)),
            (_, Some(since)) => texts::status_lasting(item.status, self.now.since(since)),
        }
    }
}

fn amount(length: std::time::Duration) -> String {
    match length.is_zero() {
        true => "–".to_owned(),
        false => texts::minutes(length),
    }
}

fn latency(item: &PublicItem) -> Option<LatencyView> {
    let latency = item.latency.as_ref()?;
    let p95 = latency.p95_24_hours.map(text::latency);
    Some(LatencyView {
        line: strip::line(&latency.medians),
        p95: p95.unwrap_or_else(|| texts::NO_UPTIME.to_owned()),
    })
}
