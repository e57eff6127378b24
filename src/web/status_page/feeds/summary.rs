//! The page as JSON in Rollcall's own words.

use serde::Serialize;

use crate::domain::{Timestamp, text};
use crate::web::status_page::html::incident_title;
use crate::web::status_page::public_text::{name, title};
use crate::web::status_page::snapshot::{
    DAYS, MaintenancePhase, PageBanner, PageSnapshot, PublicIncident, PublicItem, PublicMaintenance,
};
use crate::web::status_page::texts;

#[derive(Serialize)]
struct PageSummaryView {
    title: String,
    url: String,
    time_zone: String,
    updated_at: String,
    status: &'static str,
    description: String,
    groups: Vec<SummaryGroup>,
    open_incidents: Vec<SummaryIncident>,
    maintenance: Vec<SummaryMaintenance>,
}

#[derive(Serialize)]
struct SummaryGroup {
    name: Option<String>,
    items: Vec<SummaryItem>,
}

#[derive(Serialize)]
struct SummaryItem {
    key: String,
    name: String,
    status: &'static str,
    since: Option<String>,
    /// In percent, cut after two decimals, as a text: `99.98`. `null` without enough data.
    uptime_90_days: Option<String>,
    downtime_90_days_seconds: u64,
    p95_24_hours_ms: Option<u64>,
}

#[derive(Serialize)]
struct SummaryIncident {
    id: i64,
    title: String,
    url: String,
    began_at: String,
    updated_at: String,
    phase: Option<&'static str>,
    items: Vec<String>,
}

#[derive(Serialize)]
struct SummaryMaintenance {
    key: String,
    title: String,
    phase: &'static str,
    starts_at: String,
    ends_at: String,
    items: Vec<String>,
}

/// The status of the page and its items, open incidents, and maintenance that is current or planned.
pub fn summary(snapshot: &PageSnapshot) -> String {
    let page = &snapshot.page;
    let open = snapshot.incidents.iter();
    let open = open.filter(|one| one.resolved_at.is_none());
    let groups = snapshot.groups.iter().map(|group| SummaryGroup {
        name: group.name.as_deref().map(name),
        items: group.items.iter().map(item).collect(),
    });
    let view = PageSummaryView {
        title: title(&page.title),
        url: page.base_url.clone(),
        time_zone: page.zone.to_string(),
        updated_at: moment(snapshot.generated_at),
        status: status(snapshot.banner()),
        description: texts::banner(snapshot.banner()),
        groups: groups.collect(),
        open_incidents: open.map(|one| incident(snapshot, one)).collect(),
        maintenance: maintenance(snapshot),
    };
    // Every key of the view is a text.
    serde_json::to_string(&view).unwrap_or_default()
}

fn status(banner: PageBanner) -> &'static str {
    match banner {
        PageBanner::AllOnline => "online",
        PageBanner::Warnings { .. } => "warning",
        PageBanner::Offline { .. } => "offline",
        PageBanner::Maintenance { .. } => "maintenance",
        PageBanner::Empty | PageBanner::Unknown { .. } => "unknown",
    }
}

fn item(item: &PublicItem) -> SummaryItem {
    let downtime: std::time::Duration = item.days.iter().map(|day| day.offline).sum();
    let uptime = item.uptime(DAYS).map(|uptime| uptime.basis_points());
    let p95 = item.latency.as_ref().and_then(|one| one.p95_24_hours);
    SummaryItem {
        key: item.key.clone(),
        name: name(&item.name),
        status: item.status.as_str(),
        since: item.since.map(moment),
        uptime_90_days: uptime.map(|points| format!("{}.{:02}", points / 100, points % 100)),
        downtime_90_days_seconds: downtime.as_secs(),
        p95_24_hours_ms: p95.and_then(|p95| u64::try_from(p95.as_millis()).ok()),
    }
}

fn incident(snapshot: &PageSnapshot, incident: &PublicIncident) -> SummaryIncident {
    SummaryIncident {
        id: incident.id,
        title: incident_title(incident),
        url: format!("{}/incidents/{}", snapshot.page.base_url, incident.id),
        began_at: moment(incident.began_at),
        updated_at: moment(incident.updated_at()),
        phase: incident.notes.last().map(|note| note.phase.as_str()),
        items: incident.items.iter().map(|one| name(one)).collect(),
    }
}

fn maintenance(snapshot: &PageSnapshot) -> Vec<SummaryMaintenance> {
    let view = |window: &PublicMaintenance, phase| SummaryMaintenance {
        key: window.key.clone(),
        title: title(&window.title),
        phase,
        starts_at: moment(window.starts_at),
        ends_at: moment(window.ends_at),
        items: window.items.iter().map(|one| name(one)).collect(),
    };
    let windows = snapshot.maintenance.iter();
    windows
        .filter_map(|window| match window.phase(snapshot.generated_at) {
            MaintenancePhase::Current => Some(view(window, "current")),
            MaintenancePhase::Planned => Some(view(window, "planned")),
            MaintenancePhase::Ended => None,
        })
        .collect()
}

fn moment(at: Timestamp) -> String {
    text::timestamp(Timestamp::from_millis(at.seconds() * 1_000))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::web::status_page::testing;

    #[test]
    fn a_summary_is_rendered() {
        let mut snapshot = testing::full_page();
        snapshot.groups[0].items.truncate(2);
        snapshot.groups[0].items[0].latency = Some(testing::latency(120));
        snapshot.groups.truncate(1);
        let summary: Value = serde_json::from_str(&summary(&snapshot)).unwrap();
        insta::assert_json_snapshot!("summary", summary);
    }

    #[test]
    fn an_empty_page_has_a_summary() {
        let summary = summary(&testing::page_with(Vec::new()));
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["status"], "unknown");
    }
}
