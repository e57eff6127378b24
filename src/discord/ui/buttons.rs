//! The rows of buttons and menus under the messages of Rollcall.

use std::collections::BTreeSet;

use poise::serenity_prelude as serenity;
use serenity::{
    ButtonStyle, ChannelType, CreateActionRow, CreateButton, CreateSelectMenu,
    CreateSelectMenuKind, CreateSelectMenuOption,
};

use super::custom_id::history_view::{HistoryView, IncidentsView};
use super::custom_id::{Button, OfferedLimit};
use super::texts;
use super::view::{EndpointsView, OfflineView, Pages};
use crate::domain::monitor::MonitorId;
use crate::domain::servers::metric_limit::MetricLimit;
use crate::domain::servers::threshold::Thresholds;
use crate::domain::text;
use crate::notify::wording;
use crate::store::incidents::incident;

/// Discord's limits for a select menu: options, and characters per option.
const MENU_LENGTH: usize = 25;
const MENU_TEXT: usize = 100;

/// Previous and next if there are several pages, and *Recheck all* for managers.
pub(in crate::discord) fn offline_rows(pages: Pages, view: OfflineView) -> Vec<CreateActionRow> {
    let to_page = |page| Button::OfflinePage {
        page,
        reason: view.reason,
    };
    let mut buttons = page_buttons(pages, to_page);
    if view.may_manage {
        buttons.push(Button::RecheckAll.with_label(texts::RECHECK_ALL, ButtonStyle::Primary));
    }
    row(buttons)
}

pub(in crate::discord) fn endpoints_rows(
    pages: Pages,
    view: EndpointsView,
) -> Vec<CreateActionRow> {
    row(page_buttons(pages, |page| Button::EndpointsPage {
        page,
        all: view.all,
    }))
}

pub(in crate::discord) fn objectives_rows(pages: Pages) -> Vec<CreateActionRow> {
    row(page_buttons(pages, |page| Button::ObjectivesPage { page }))
}

pub(in crate::discord) fn uptime_rows(pages: Pages, view: &HistoryView) -> Vec<CreateActionRow> {
    row(page_buttons(pages, |page| {
        Button::UptimePage(view.with_page(page))
    }))
}

pub(in crate::discord) fn outages_rows(pages: Pages, view: &HistoryView) -> Vec<CreateActionRow> {
    row(page_buttons(pages, |page| {
        Button::OutagesPage(view.with_page(page))
    }))
}

pub(in crate::discord) fn incidents_rows(
    pages: Pages,
    view: IncidentsView,
) -> Vec<CreateActionRow> {
    row(page_buttons(pages, |page| {
        Button::IncidentsPage(IncidentsView { page, ..view })
    }))
}

pub(in crate::discord) fn recheck_row(id: MonitorId) -> Vec<CreateActionRow> {
    row(vec![
        Button::Recheck(id).with_label(texts::RECHECK, ButtonStyle::Secondary),
    ])
}

pub(in crate::discord) fn suggestion_row(
    id: MonitorId,
    proposed: Thresholds,
) -> Vec<CreateActionRow> {
    row(vec![
        Button::TakeThresholds(id, proposed)
            .with_label(texts::APPLY_THRESHOLDS, ButtonStyle::Primary),
        Button::KeepThresholds(id).with_label(texts::KEEP_THRESHOLDS, ButtonStyle::Secondary),
    ])
}

/// The button that sets the first limits of a server; nothing if there are none to offer.
pub(in crate::discord) fn limits_row(
    id: MonitorId,
    suggested: &[MetricLimit],
) -> Vec<CreateActionRow> {
    let offered: Vec<OfferedLimit> = suggested.iter().filter_map(OfferedLimit::of).collect();
    if offered.is_empty() {
        return Vec::new();
    }
    let label = texts::add_limits(&offered);
    row(vec![
        Button::AddLimits(id, offered).with_label(label, ButtonStyle::Primary),
    ])
}

/// The buttons under an open incident, and a menu of its monitors if there are several.
pub(in crate::discord) fn incident_rows(incident: &incident::Incident) -> Vec<CreateActionRow> {
    let id = incident.id;
    let mut rows = row(vec![
        Button::RecheckIncident(id).with_label(texts::RECHECK, ButtonStyle::Secondary),
        Button::Acknowledge(id)
            .with_label(texts::ACKNOWLEDGE, ButtonStyle::Primary)
            .disabled(incident.acknowledged.is_some()),
        Button::Mute(id).with_label(texts::MUTE, ButtonStyle::Secondary),
        Button::Maintain(id)
            .with_label(texts::MAINTENANCE, ButtonStyle::Secondary)
            .disabled(incident.maintained.is_some()),
    ]);
    rows.extend(monitor_menu_row(incident));
    rows
}

/// The menu of channels under the first endpoint of a guild without alerts.
pub(in crate::discord) fn alert_channel_menu() -> CreateActionRow {
    channel_menu(&Button::AlertChannel, texts::SEND_ALERTS_TO)
}

/// A menu of the channels that can have alerts.
pub(in crate::discord) fn channel_menu(button: &Button, placeholder: &str) -> CreateActionRow {
    let kind = CreateSelectMenuKind::Channel {
        channel_types: Some(vec![ChannelType::Text, ChannelType::News]),
        default_channels: None,
    };
    let menu = CreateSelectMenu::new(button.custom_id(), kind).placeholder(placeholder);
    CreateActionRow::SelectMenu(menu)
}

/// A menu of the roles of a guild.
pub(in crate::discord) fn role_menu(button: &Button, placeholder: &str) -> CreateActionRow {
    let kind = CreateSelectMenuKind::Role {
        default_roles: None,
    };
    let menu = CreateSelectMenu::new(button.custom_id(), kind).placeholder(placeholder);
    CreateActionRow::SelectMenu(menu)
}

fn monitor_menu_row(incident: &incident::Incident) -> Option<CreateActionRow> {
    let mut seen = BTreeSet::new();
    let options: Vec<CreateSelectMenuOption> = incident
        .outages
        .iter()
        .filter(|outage| outage.exists && seen.insert(outage.monitor_id.0))
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
        .placeholder(texts::CHOOSE_MONITOR);
    Some(CreateActionRow::SelectMenu(menu))
}

fn page_buttons(pages: Pages, to_page: impl Fn(u32) -> Button) -> Vec<CreateButton> {
    if pages.count == 1 {
        return Vec::new();
    }
    // Ids within a message must differ. On the first and last page one button is disabled but keeps its own id.
    vec![
        to_page(pages.page - 1)
            .with_label(texts::PREVIOUS, ButtonStyle::Secondary)
            .disabled(pages.page == 1),
        to_page(pages.page + 1)
            .with_label(texts::NEXT, ButtonStyle::Secondary)
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
