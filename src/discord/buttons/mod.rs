//! Buttons and their custom ids. `press` handles presses.
//!
//! All of a button's state is in its custom id, so buttons work after a restart. The id is untrusted input: it names a page
//! or a monitor, never a guild or a permission.

mod press;

use std::collections::BTreeSet;
use std::time::Duration;

use poise::serenity_prelude as serenity;
use serenity::{
    ButtonStyle, CreateActionRow, CreateButton, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption,
};

use super::cards::Pages;
use super::handlers::{EndpointsView, OfflineView};
use crate::domain::check_result::FailureClass;
use crate::domain::grouping::IncidentId;
use crate::domain::monitor::MonitorId;
use crate::domain::target::Target;
use crate::domain::text;
use crate::domain::threshold::Thresholds;
use crate::notify::wording;
use crate::store::incident;

pub(super) use press::on_event;

/// Discord's limit for a custom id, in characters.
const CUSTOM_ID_LENGTH: usize = 100;

/// Discord's limits for a select menu: options, and characters per option.
const MENU_LENGTH: usize = 25;
const MENU_TEXT: usize = 100;

/// A button or menu under a message of Rollcall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Button {
    OfflinePage {
        page: u32,
        reason: Option<FailureClass>,
    },
    EndpointsPage {
        page: u32,
        all: bool,
    },
    RecheckAll,
    Recheck(MonitorId),
    Add(Target),
    /// Applies these thresholds to a server.
    TakeThresholds(MonitorId, Thresholds),
    KeepThresholds(MonitorId),
    /// Rechecks the endpoints of an incident.
    RecheckIncident(IncidentId),
    Acknowledge(IncidentId),
    /// Mutes an incident for an hour.
    Mute(IncidentId),
    /// Starts an hour of maintenance for an incident.
    Maintain(IncidentId),
    /// A menu of an incident's monitors. The chosen one is in the interaction's values, not in the id.
    Members(IncidentId),
}

impl Button {
    /// A button that adds `target`; `None` if the target does not fit into an id.
    pub(super) fn add(target: &Target) -> Option<Self> {
        let button = Self::Add(target.clone());
        (button.custom_id().len() <= CUSTOM_ID_LENGTH).then_some(button)
    }

    /// The custom id: a keyword and its arguments, separated by `|`. The format is stable, because old messages keep it.
    pub(super) fn custom_id(&self) -> String {
        match self {
            Self::OfflinePage { page, reason } => {
                format!(
                    "offline|{page}|{}",
                    reason.map_or("any", FailureClass::as_str)
                )
            }
            Self::EndpointsPage { page, all } => {
                format!("endpoints|{page}|{}", if *all { "all" } else { "active" })
            }
            Self::RecheckAll => "recheck-all".to_owned(),
            Self::Recheck(id) => format!("recheck|{id}"),
            Self::Add(target) => format!("add|{target}"),
            Self::TakeThresholds(id, thresholds) => {
                let lengths = [
                    thresholds.online(),
                    thresholds.warning(),
                    thresholds.offline(),
                ];
                let [online, warning, offline] = lengths.map(|length| length.as_secs());
                format!("thresholds|{id}|{online}|{warning}|{offline}")
            }
            Self::KeepThresholds(id) => format!("keep-thresholds|{id}"),
            Self::RecheckIncident(incident) => format!("recheck-incident|{}", incident.0),
            Self::Acknowledge(incident) => format!("acknowledge|{}", incident.0),
            Self::Mute(incident) => format!("mute|{}", incident.0),
            Self::Maintain(incident) => format!("maintain|{}", incident.0),
            Self::Members(incident) => format!("members|{}", incident.0),
        }
    }

    /// Parses a custom id; `None` if it is not a valid id of Rollcall.
    pub(super) fn parse(custom_id: &str) -> Option<Self> {
        let (keyword, rest) = custom_id.split_once('|').unwrap_or((custom_id, ""));
        match keyword {
            "offline" => {
                let (page, reason) = rest.split_once('|')?;
                let reason = if reason == "any" {
                    None
                } else {
                    Some(reason.parse::<FailureClass>().ok()?)
                };
                Some(Self::OfflinePage {
                    page: page.parse().ok()?,
                    reason,
                })
            }
            "endpoints" => {
                let (page, which) = rest.split_once('|')?;
                let all = match which {
                    "all" => true,
                    "active" => false,
                    _ => return None,
                };
                Some(Self::EndpointsPage {
                    page: page.parse().ok()?,
                    all,
                })
            }
            "recheck-all" if rest.is_empty() => Some(Self::RecheckAll),
            "recheck" => Some(Self::Recheck(MonitorId(rest.parse().ok()?))),
            "add" => Some(Self::Add(rest.parse().ok()?)),
            "thresholds" => {
                let mut parts = rest.split('|');
                let id = MonitorId(parts.next()?.parse().ok()?);
                let mut seconds = || Some(Duration::from_secs(parts.next()?.parse().ok()?));
                let thresholds = Thresholds::new(seconds()?, seconds()?, seconds()?).ok()?;
                let is_whole = parts.next().is_none();
                is_whole.then_some(Self::TakeThresholds(id, thresholds))
            }
            "recheck-incident" => Some(Self::RecheckIncident(IncidentId(rest.parse().ok()?))),
            "acknowledge" => Some(Self::Acknowledge(IncidentId(rest.parse().ok()?))),
            "mute" => Some(Self::Mute(IncidentId(rest.parse().ok()?))),
            "maintain" => Some(Self::Maintain(IncidentId(rest.parse().ok()?))),
            "members" => Some(Self::Members(IncidentId(rest.parse().ok()?))),
            "keep-thresholds" => Some(Self::KeepThresholds(MonitorId(rest.parse().ok()?))),
            _ => None,
        }
    }

    fn with_label(&self, label: impl Into<String>, style: ButtonStyle) -> CreateButton {
        CreateButton::new(self.custom_id())
            .label(label)
            .style(style)
    }
}

/// Previous and next if there are several pages, and *Recheck all* for managers.
pub(super) fn offline_rows(pages: Pages, view: OfflineView) -> Vec<CreateActionRow> {
    let to_page = |page| Button::OfflinePage {
        page,
        reason: view.reason,
    };
    let mut buttons = page_buttons(pages, to_page);
    if view.may_manage {
        buttons.push(Button::RecheckAll.with_label("Recheck all", ButtonStyle::Primary));
    }
    row(buttons)
}

pub(super) fn endpoints_rows(pages: Pages, view: EndpointsView) -> Vec<CreateActionRow> {
    row(page_buttons(pages, |page| Button::EndpointsPage {
        page,
        all: view.all,
    }))
}

pub(super) fn recheck_row(id: MonitorId) -> Vec<CreateActionRow> {
    row(vec![
        Button::Recheck(id).with_label("Recheck", ButtonStyle::Secondary),
    ])
}

pub(super) fn suggestion_row(id: MonitorId, proposed: Thresholds) -> Vec<CreateActionRow> {
    row(vec![
        Button::TakeThresholds(id, proposed).with_label("Apply", ButtonStyle::Primary),
        Button::KeepThresholds(id).with_label("Keep", ButtonStyle::Secondary),
    ])
}

/// The buttons under an open incident, and a menu of its monitors if there are several.
pub(super) fn incident_rows(incident: &incident::Incident) -> Vec<CreateActionRow> {
    let id = incident.id;
    let mut rows = row(vec![
        Button::RecheckIncident(id).with_label("Recheck", ButtonStyle::Secondary),
        Button::Acknowledge(id)
            .with_label("Acknowledge", ButtonStyle::Primary)
            .disabled(incident.acknowledged.is_some()),
        Button::Mute(id).with_label("Mute 1 h", ButtonStyle::Secondary),
        Button::Maintain(id)
            .with_label("Maintenance", ButtonStyle::Secondary)
            .disabled(incident.maintained.is_some()),
    ]);
    rows.extend(monitor_menu_row(incident));
    rows
}

fn monitor_menu_row(incident: &incident::Incident) -> Option<CreateActionRow> {
    let mut seen = BTreeSet::new();
    let options: Vec<CreateSelectMenuOption> = incident
        .outages
        .iter()
        .filter(|outage| outage.name.is_some() && seen.insert(outage.monitor_id.0))
        .map(|outage| {
            let label = text::cut(wording::name(outage), MENU_TEXT);
            let option = CreateSelectMenuOption::new(label, outage.monitor_id.to_string());
            match &outage.target {
                Some(target) => option.description(text::cut(target, MENU_TEXT)),
                None => option,
            }
        })
        .take(MENU_LENGTH)
        .collect();
    if options.len() < 2 {
        return None;
    }
    let kind = CreateSelectMenuKind::String { options };
    let menu = CreateSelectMenu::new(Button::Members(incident.id).custom_id(), kind)
        .placeholder("More about one of them");
    Some(CreateActionRow::SelectMenu(menu))
}

fn page_buttons(pages: Pages, to_page: impl Fn(u32) -> Button) -> Vec<CreateButton> {
    if pages.count == 1 {
        return Vec::new();
    }
    // Ids within a message must differ. On the first and last page one button is disabled but keeps its own id.
    vec![
        to_page(pages.page - 1)
            .with_label("Previous", ButtonStyle::Secondary)
            .disabled(pages.page == 1),
        to_page(pages.page + 1)
            .with_label("Next", ButtonStyle::Secondary)
            .disabled(pages.page == pages.count),
    ]
}

fn row(buttons: Vec<CreateButton>) -> Vec<CreateActionRow> {
    if buttons.is_empty() {
        Vec::new()
    } else {
        vec![CreateActionRow::Buttons(buttons)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_button_fits_into_a_custom_id_and_parses_back() {
        let long = format!("http://example.org/{}", "x".repeat(77))
            .parse()
            .unwrap();
        for button in [
            Button::OfflinePage {
                page: u32::MAX,
                reason: Some(FailureClass::UnexpectedStatus),
            },
            Button::OfflinePage {
                page: 1,
                reason: None,
            },
            Button::EndpointsPage { page: 2, all: true },
            Button::EndpointsPage {
                page: 2,
                all: false,
            },
            Button::RecheckAll,
            Button::Recheck(MonitorId(i64::MAX)),
            Button::TakeThresholds(MonitorId(i64::MAX), Thresholds::DEFAULT),
            Button::KeepThresholds(MonitorId(7)),
            Button::RecheckIncident(IncidentId(i64::MAX)),
            Button::Acknowledge(IncidentId(7)),
            Button::Mute(IncidentId(7)),
            Button::Maintain(IncidentId(7)),
            Button::Members(IncidentId(7)),
            Button::add(&long).expect("it fits exactly"),
        ] {
            let id = button.custom_id();
            assert!(id.len() <= CUSTOM_ID_LENGTH, "{id}");
            assert_eq!(Button::parse(&id), Some(button));
        }
    }

    #[test]
    fn targets_too_long_for_an_id_get_no_button() {
        let long = format!("http://example.org/{}", "x".repeat(78))
            .parse()
            .unwrap();
        assert_eq!(Button::add(&long), None);
    }

    #[test]
    fn invalid_custom_ids_are_rejected() {
        for forged in [
            "",
            "offline",
            "offline|1",
            "offline|x|any",
            "offline|1|down",
            "endpoints|1|",
            "recheck-all|9",
            "recheck|x",
            "add|nonsense",
            "remove|1",
            "thresholds|1|300|60|7200",
            "thresholds|1|300|3600",
            "thresholds|1|300|3600|7200|9",
            "keep-thresholds|x",
        ] {
            assert_eq!(Button::parse(forged), None, "{forged}");
        }
    }
}
