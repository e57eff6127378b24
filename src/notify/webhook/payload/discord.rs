//! The format `discord`: Discord's webhooks.

use serde_json::{Value, json};

use super::people::{self, Style};
use super::{TEST_SENTENCE, link};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::text;
use crate::notify::transport::CurrentIncident;
use crate::notify::wording;
use crate::store::incidents::incident::Incident;

const RED: u32 = 0x00da_373c;
const GREEN: u32 = 0x0023_a55a;
const GREY: u32 = 0x0080_848e;
const AMBER: u32 = 0x00f0_b232;

pub(super) fn of_test() -> Value {
    body(TEST_SENTENCE, "", GREEN)
}

pub(super) fn of_incident(current: &CurrentIncident) -> Value {
    let style = Style {
        escape: text::escape,
        code: text::code,
        when: |at| format!("<t:{}:R>", at.seconds()),
    };
    let title = wording::title(&current.incident, text::escape);
    let mut body = body(
        &title,
        &people::lines(current, &style),
        color(&current.incident),
    );
    body["embeds"][0]["url"] = link(current).into();
    body
}

fn body(title: &str, description: &str, color: u32) -> Value {
    json!({
        "username": "Rollcall",
        "embeds": [{ "title": text::cut(title, 256), "description": description, "color": color }],
        "allowed_mentions": { "parse": [] },
    })
}

fn color(incident: &Incident) -> u32 {
    match (incident.ended_at, &incident.kind) {
        (
            _,
            NotificationKind::Bulk { is_down: true, .. }
            | NotificationKind::ErrorBudgetUsed {
                is_missed: true, ..
            },
        )
        | (None, NotificationKind::Incident) => RED,
        (Some(_), NotificationKind::Incident) if incident.counts.continued > 0 => AMBER,
        (Some(_), NotificationKind::Incident) if !incident.counts.has_recovery() => GREY,
        (_, NotificationKind::Bulk { is_down: false, .. })
        | (Some(_), NotificationKind::Incident) => GREEN,
        _ => AMBER,
    }
}
