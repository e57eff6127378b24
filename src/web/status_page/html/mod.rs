//! The pages of a status page as HTML: the page itself, an incident, what other sites embed, the question for a password, and the
//! answer for addresses without a page. No page has a script, an inline style or a request to another host.

mod incident_view;
mod row_view;
mod strip;
#[cfg(test)]
mod tests;

use askama::Template;

use super::markdown;
use super::public_text::{name, title};
use super::snapshot::{MaintenancePhase, PageBanner, PageFacts, PageSnapshot, PublicIncident};
use super::stylesheet::STYLESHEET;
use super::texts;
use crate::domain::text;
pub(super) use incident_view::incident_title;
use incident_view::{AnnouncementView, IncidentPart, MaintenanceView, MonthView, TimeView};
use row_view::{RowContext, RowView};

/// The most items that other sites embed.
const EMBEDDED: usize = 20;

/// What every page of one status page has in its head and its foot.
struct FrameView {
    title: String,
    base_path: String,
    base_url: String,
    is_password_protected: bool,
    /// The path of the stylesheet.
    stylesheet: String,
    /// The color of a link preview, of the banner.
    theme_color: &'static str,
    /// The class of the banner, and the name of its icon.
    class: &'static str,
    banner: String,
    updated: TimeView,
    zone: String,
    /// The path of the page itself.
    home: String,
}

impl FrameView {
    fn of(snapshot: &PageSnapshot) -> Self {
        let PageFacts {
            base_path,
            base_url,
            zone,
            ..
        } = &snapshot.page;
        let banner = snapshot.banner();
        let class = banner_class(banner);
        Self {
            title: title(&snapshot.page.title),
            base_path: base_path.clone(),
            base_url: base_url.clone(),
            is_password_protected: snapshot.page.is_password_protected,
            stylesheet: stylesheet(&snapshot.page.root_path),
            theme_color: theme_color(class),
            class,
            banner: texts::banner(banner),
            updated: TimeView::of(snapshot.generated_at, *zone),
            zone: zone.to_string(),
            home: match base_path.is_empty() {
                true => "/".to_owned(),
                false => base_path.clone(),
            },
        }
    }
}

pub(super) fn banner_class(banner: PageBanner) -> &'static str {
    match banner {
        PageBanner::Empty | PageBanner::Unknown { .. } => "unknown",
        PageBanner::AllOnline => "online",
        PageBanner::Warnings { .. } => "warning",
        PageBanner::Offline { .. } => "offline",
        PageBanner::Maintenance { .. } => "maintenance",
    }
}

/// The colors of the light theme in the stylesheet: previews of links in chats have one color, for both themes.
pub(super) fn theme_color(class: &str) -> &'static str {
    match class {
        "online" => "#197c43",
        "warning" => "#9a6200",
        "offline" => "#c52a2a",
        "maintenance" => "#6a3fc0",
        _ => "#69717b",
    }
}

struct ItemGroupView {
    name: Option<String>,
    rows: Vec<RowView>,
    has_latency: bool,
}

impl ItemGroupView {
    /// The name of the table for people who do not see it.
    fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(texts::ITEMS)
    }
}

fn groups(snapshot: &PageSnapshot) -> Vec<ItemGroupView> {
    let context = RowContext::of(snapshot);
    let groups = snapshot.groups.iter().filter(|one| !one.items.is_empty());
    let groups = groups.map(|group| {
        let rows: Vec<RowView> = group.items.iter().map(|item| context.row(item)).collect();
        ItemGroupView {
            name: group.name.as_deref().map(name),
            has_latency: rows.iter().any(|row| row.latency.is_some()),
            rows,
        }
    });
    groups.collect()
}

#[derive(Template)]
#[template(path = "page.html", config = "src/web/askama.toml")]
struct PageView {
    frame: FrameView,
    about: String,
    description: String,
    announcements: Vec<AnnouncementView>,
    open: Vec<IncidentPart>,
    current: Vec<MaintenanceView>,
    groups: Vec<ItemGroupView>,
    planned: Vec<MaintenanceView>,
    months: Vec<MonthView>,
}

impl PageView {
    /// The shape of a mark in the legend, as strips have it.
    fn mark(&self, class: &str) -> &'static str {
        match class {
            "online" => "M0 3h5v14H0z",
            "brief" => "M0 1h5v18H0z",
            "offline" => "M0 0h5v20H0z",
            "maintenance" => "M0 5h5v10H0z",
            _ => "M0 9h5v2H0z",
        }
    }
}

/// The page itself.
pub fn page(snapshot: &PageSnapshot) -> String {
    let open = snapshot
        .incidents
        .iter()
        .filter(|one| one.resolved_at.is_none());
    let zone = snapshot.page.zone;
    let announcements = snapshot.announcements.iter();
    let description = text::cut(&markdown::plain(&snapshot.page.about), 200);
    let view = PageView {
        frame: FrameView::of(snapshot),
        about: markdown::render(&snapshot.page.about),
        description,
        announcements: announcements
            .map(|one| AnnouncementView::of(one, zone))
            .collect(),
        open: open.map(|one| IncidentPart::of(one, snapshot)).collect(),
        current: incident_view::maintenance(snapshot, MaintenancePhase::Current),
        groups: groups(snapshot),
        planned: incident_view::maintenance(snapshot, MaintenancePhase::Planned),
        months: incident_view::months(snapshot),
    };
    rendered(&view)
}

#[derive(Template)]
#[template(path = "incident.html", config = "src/web/askama.toml")]
struct IncidentPage {
    frame: FrameView,
    id: i64,
    incident: IncidentPart,
}

/// The page of one incident. `None`: the status page has none with this number.
pub fn incident(snapshot: &PageSnapshot, id: i64) -> Option<String> {
    let incident: &PublicIncident = snapshot.incidents.iter().find(|one| one.id == id)?;
    let view = IncidentPage {
        frame: FrameView::of(snapshot),
        id,
        incident: IncidentPart::of(incident, snapshot),
    };
    Some(rendered(&view))
}

#[derive(Template)]
#[template(path = "embed.html", config = "src/web/askama.toml")]
struct EmbedView {
    frame: FrameView,
    items: Vec<RowView>,
}

/// The banner and the first items, for frames on other sites.
pub fn embed(snapshot: &PageSnapshot) -> String {
    let context = RowContext::of(snapshot);
    let items = snapshot.items().take(EMBEDDED);
    let view = EmbedView {
        frame: FrameView::of(snapshot),
        items: items.map(|item| context.row(item)).collect(),
    };
    rendered(&view)
}

#[derive(Template)]
#[template(path = "not_found.html", config = "src/web/askama.toml")]
struct NotFoundView {
    stylesheet: String,
}

/// The one answer for pages that do not exist, are not public, or belong to somewhere else. `root_path` is that of `PageFacts`.
pub fn not_found(root_path: &str) -> String {
    rendered(&NotFoundView {
        stylesheet: stylesheet(root_path),
    })
}

fn stylesheet(root_path: &str) -> String {
    format!("{root_path}{}", STYLESHEET.path)
}

/// Why the question for a password is asked again.
#[cfg_attr(not(test), expect(dead_code, reason = "no page has a password yet"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    Wrong,
    TooMany,
}

#[derive(Template)]
#[template(path = "password.html", config = "src/web/askama.toml")]
struct PasswordView<'a> {
    stylesheet: String,
    base_path: &'a str,
    refusal: Option<&'static str>,
}

/// The question for the password of a page: it says nothing about the page, not even its title. The form posts the field `password`
/// to `{base_path}/password`.
#[cfg_attr(not(test), expect(dead_code, reason = "no page has a password yet"))]
pub fn password(page: &PageFacts, refusal: Option<PasswordRefusal>) -> String {
    rendered(&PasswordView {
        stylesheet: stylesheet(&page.root_path),
        base_path: &page.base_path,
        refusal: refusal.map(|refusal| match refusal {
            PasswordRefusal::Wrong => texts::WRONG_PASSWORD,
            PasswordRefusal::TooMany => texts::TOO_MANY_PASSWORDS,
        }),
    })
}

/// Writing to a string does not fail, and no value of a view does.
fn rendered(view: &impl Template) -> String {
    view.render().unwrap_or_default()
}
