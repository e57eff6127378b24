//! The page as JSON in the shape of Statuspage's `/api/v2/summary.json`, which many bots and widgets read already.
//!
//! That shape has no status for *no data*, *paused* and *removed*: such items are omitted, because every other status would be a
//! claim. What Rollcall does not have is `null`.

use serde::Serialize;

use crate::domain::{Timestamp, text};
use crate::web::status_page::html::incident_title;
use crate::web::status_page::markdown;
use crate::web::status_page::public_text::{name, title};
use crate::web::status_page::snapshot::{
    MaintenancePhase, PageBanner, PageSnapshot, PublicIncident, PublicItem, PublicMaintenance,
    PublicStatus,
};
use crate::web::status_page::texts;

#[derive(Serialize)]
struct StatuspageView {
    page: StatuspagePage,
    status: StatuspageStatus,
    components: Vec<StatuspageComponent>,
    incidents: Vec<StatuspageIncident>,
    scheduled_maintenances: Vec<StatuspageMaintenance>,
}

#[derive(Serialize)]
struct StatuspagePage {
    id: String,
    name: String,
    url: String,
    time_zone: String,
    updated_at: String,
}

#[derive(Serialize)]
struct StatuspageStatus {
    /// `none`, `minor`, `major`, `critical` or `maintenance`.
    indicator: &'static str,
    description: String,
}

/// An item, or a group of them.
#[derive(Clone, Serialize)]
struct StatuspageComponent {
    id: String,
    name: String,
    status: &'static str,
    created_at: String,
    updated_at: String,
    /// From 1.
    position: usize,
    description: Option<String>,
    showcase: bool,
    start_date: Option<String>,
    group_id: Option<String>,
    page_id: String,
    group: bool,
    only_show_if_degraded: bool,
    /// The IDs of its items; of groups only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<String>,
}

#[derive(Serialize)]
struct StatuspageIncident {
    id: String,
    name: String,
    /// `investigating`, `identified`, `monitoring` or `resolved`; of maintenance `scheduled` or `in_progress`.
    status: &'static str,
    created_at: String,
    updated_at: String,
    monitoring_at: Option<String>,
    resolved_at: Option<String>,
    impact: &'static str,
    shortlink: String,
    started_at: String,
    page_id: String,
    /// The latest first.
    incident_updates: Vec<StatuspageUpdate>,
    components: Vec<StatuspageComponent>,
}

#[derive(Serialize)]
struct StatuspageUpdate {
    id: String,
    status: &'static str,
    body: String,
    incident_id: String,
    created_at: String,
    updated_at: String,
    display_at: String,
}

#[derive(Serialize)]
struct StatuspageMaintenance {
    #[serde(flatten)]
    incident: StatuspageIncident,
    scheduled_for: String,
    scheduled_until: String,
}

/// The status of the page and its items, open incidents, and maintenance that is current or planned.
pub fn summary(snapshot: &PageSnapshot) -> String {
    let page = &snapshot.page;
    let components = components(snapshot);
    let open = snapshot.incidents.iter();
    let open = open.filter(|one| one.resolved_at.is_none());
    let now = snapshot.generated_at;
    let windows = snapshot.maintenance.iter();
    let windows = windows.filter(|one| one.phase(now) != MaintenancePhase::Ended);
    let view = StatuspageView {
        page: StatuspagePage {
            id: page.slug.clone(),
            name: title(&page.title),
            url: page.base_url.clone(),
            time_zone: page.zone.to_string(),
            updated_at: moment(now),
        },
        status: StatuspageStatus {
            indicator: indicator(snapshot.banner()),
            description: texts::banner(snapshot.banner()),
        },
        incidents: open
            .map(|one| incident(snapshot, &components, one))
            .collect(),
        scheduled_maintenances: windows
            .map(|one| maintenance(snapshot, &components, one))
            .collect(),
        components,
    };
    // Every key of the view is a text.
    serde_json::to_string(&view).unwrap_or_default()
}

fn indicator(banner: PageBanner) -> &'static str {
    match banner {
        PageBanner::AllOnline => "none",
        PageBanner::Empty | PageBanner::Warnings { .. } | PageBanner::Unknown { .. } => "minor",
        PageBanner::Offline { items, of } if items == of => "critical",
        PageBanner::Offline { .. } => "major",
        PageBanner::Maintenance { .. } => "maintenance",
    }
}

/// The status of a component; `None` where the shape has none.
fn status(status: PublicStatus) -> Option<&'static str> {
    match status {
        PublicStatus::Online => Some("operational"),
        PublicStatus::Warning => Some("degraded_performance"),
        PublicStatus::Offline => Some("major_outage"),
        PublicStatus::Maintenance => Some("under_maintenance"),
        PublicStatus::Unknown | PublicStatus::Paused | PublicStatus::Removed => None,
    }
}

/// The items in the order of the page, each group with a name before its items.
fn components(snapshot: &PageSnapshot) -> Vec<StatuspageComponent> {
    let mut components: Vec<StatuspageComponent> = Vec::new();
    for (number, group) in snapshot.groups.iter().enumerate() {
        let group_id = group.name.as_ref().map(|_| format!("group-{}", number + 1));
        let items = group.items.iter().filter_map(|one| {
            let status = status(one.status)?;
            Some(item(snapshot, one, status, group_id.clone()))
        });
        let items: Vec<StatuspageComponent> = items.collect();
        if let (Some(id), Some(group_name)) = (group_id, &group.name)
            && !items.is_empty()
        {
            components.push(StatuspageComponent {
                id,
                name: name(group_name),
                status: worst(&items),
                group: true,
                group_id: None,
                components: items.iter().map(|one| one.id.clone()).collect(),
                ..items[0].clone()
            });
        }
        components.extend(items);
    }
    for (index, component) in components.iter_mut().enumerate() {
        component.position = index + 1;
    }
    components
}

fn item(
    snapshot: &PageSnapshot,
    item: &PublicItem,
    status: &'static str,
    group_id: Option<String>,
) -> StatuspageComponent {
    let since = moment(item.since.unwrap_or(snapshot.generated_at));
    StatuspageComponent {
        id: item.key.clone(),
        name: name(&item.name),
        status,
        created_at: since.clone(),
        updated_at: since,
        position: 0,
        description: None,
        showcase: true,
        start_date: None,
        group_id,
        page_id: snapshot.page.slug.clone(),
        group: false,
        only_show_if_degraded: false,
        components: Vec::new(),
    }
}

/// Of a group: a part of its items offline is a partial outage.
fn worst(items: &[StatuspageComponent]) -> &'static str {
    let having = |status| items.iter().filter(|one| one.status == status).count();
    match having("major_outage") {
        0 => {}
        offline if offline == items.len() => return "major_outage",
        _ => return "partial_outage",
    }
    let others = ["degraded_performance", "under_maintenance"];
    let worst = others.into_iter().find(|status| having(status) > 0);
    worst.unwrap_or("operational")
}

/// The components with these public names.
fn affected(components: &[StatuspageComponent], names: &[String]) -> Vec<StatuspageComponent> {
    let names: Vec<String> = names.iter().map(|one| name(one)).collect();
    let affected = components.iter();
    let affected = affected.filter(|one| !one.group && names.contains(&one.name));
    affected.cloned().collect()
}

fn incident(
    snapshot: &PageSnapshot,
    components: &[StatuspageComponent],
    incident: &PublicIncident,
) -> StatuspageIncident {
    let id = incident.id.to_string();
    let updates = incident.notes.iter().enumerate().rev();
    let updates = updates.map(|(number, note)| StatuspageUpdate {
        id: format!("{id}-{}", number + 1),
        status: note.phase.as_str(),
        body: markdown::plain(&note.body),
        incident_id: id.clone(),
        created_at: moment(note.at),
        updated_at: moment(note.at),
        display_at: moment(note.at),
    });
    let phase = incident.notes.last().map(|note| note.phase.as_str());
    StatuspageIncident {
        name: incident_title(incident),
        // An open one is not resolved, whatever its latest note says.
        status: phase
            .filter(|phase| ["identified", "monitoring"].contains(phase))
            .unwrap_or("investigating"),
        created_at: moment(incident.began_at),
        updated_at: moment(incident.updated_at()),
        monitoring_at: None,
        resolved_at: incident.resolved_at.map(moment),
        impact: "major",
        shortlink: format!("{}/incidents/{id}", snapshot.page.base_url),
        started_at: moment(incident.began_at),
        page_id: snapshot.page.slug.clone(),
        incident_updates: updates.collect(),
        components: affected(components, &incident.items),
        id,
    }
}

fn maintenance(
    snapshot: &PageSnapshot,
    components: &[StatuspageComponent],
    window: &PublicMaintenance,
) -> StatuspageMaintenance {
    let status = match window.phase(snapshot.generated_at) {
        MaintenancePhase::Current => "in_progress",
        MaintenancePhase::Planned | MaintenancePhase::Ended => "scheduled",
    };
    let updated_at = moment(window.updated_at);
    StatuspageMaintenance {
        incident: StatuspageIncident {
            id: window.key.clone(),
            name: title(&window.title),
            status,
            created_at: updated_at.clone(),
            updated_at: updated_at.clone(),
            monitoring_at: None,
            resolved_at: None,
            impact: "maintenance",
            shortlink: snapshot.page.base_url.clone(),
            started_at: moment(window.starts_at),
            page_id: snapshot.page.slug.clone(),
            incident_updates: vec![StatuspageUpdate {
                id: format!("{}-1", window.key),
                status,
                body: markdown::plain(&window.body),
                incident_id: window.key.clone(),
                created_at: updated_at.clone(),
                updated_at: updated_at.clone(),
                display_at: updated_at,
            }],
            components: affected(components, &window.items),
        },
        scheduled_for: moment(window.starts_at),
        scheduled_until: moment(window.ends_at),
    }
}

fn moment(at: Timestamp) -> String {
    text::timestamp(Timestamp::from_millis(at.seconds() * 1_000))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::web::status_page::testing;

    fn parsed(snapshot: &PageSnapshot) -> Value {
        serde_json::from_str(&summary(snapshot)).unwrap()
    }

    #[test]
    fn a_summary_is_rendered() {
        let mut snapshot = testing::full_page();
        snapshot.groups[0].items.truncate(3);
        snapshot.groups.truncate(1);
        insta::assert_json_snapshot!("statuspage_summary", parsed(&snapshot));
    }

    #[test]
    fn what_has_no_status_in_the_shape_is_omitted() {
        let summary = parsed(&testing::full_page());
        let components = summary["components"].as_array().unwrap();
        let names: Vec<&str> = components
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "Customers",
                "Website 1",
                "Payments 2",
                "Search 3",
                "API 4",
                "Database 5",
                "Mail 6",
                "Internal services",
                "Downloads 7",
                "Game server 8",
                "Search 11",
            ]
        );
        assert_eq!(components[0]["status"], "partial_outage");
        let positions = components
            .iter()
            .map(|one| one["position"].as_u64().unwrap());
        assert!(positions.eq(1..=11));
        let affected = &summary["incidents"][0]["components"];
        assert_eq!(affected[0]["id"], components[2]["id"]);
    }

    #[test]
    fn the_indicator_is_that_of_the_worst_item() {
        use PublicStatus::{Maintenance, Offline, Online, Unknown, Warning};
        for (statuses, indicator) in [
            (&[][..], "minor"),
            (&[Online], "none"),
            (&[Online, Unknown], "minor"),
            (&[Online, Warning], "minor"),
            (&[Online, Maintenance], "maintenance"),
            (&[Online, Offline], "major"),
            (&[Offline, Offline], "critical"),
        ] {
            let summary = parsed(&testing::page_of(statuses));
            assert_eq!(summary["status"]["indicator"], indicator, "{statuses:?}");
        }
    }
}
