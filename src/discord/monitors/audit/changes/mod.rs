//! Which fields an event changed, each with its old and its new value.

pub(super) mod texts;

use std::time::Duration;

use serde_json::Value;

use self::texts::{Field, Format};
use crate::discord::monitors::audit::details::{self, Details};
use crate::discord::ui::embed::relative;
use crate::domain::text;

/// More changes than this are counted, so that a line stays short.
const LISTED: usize = 5;

/// The changes of an edit, after a colon; empty if the event does not say them.
pub(super) fn edited(details: Details<'_>) -> String {
    let Some(changes) = details.changes() else {
        return String::new();
    };
    let parts = texts::FIELDS
        .iter()
        .filter_map(|field| changes.get(field.name).map(|change| changed(field, change)));
    listed(parts.collect())
}

/// The changes of an event. Without old values, what was set.
pub(super) fn edited_or_set(details: Details<'_>) -> String {
    if details.changes().is_some() {
        return edited(details);
    }
    let parts = texts::FIELDS
        .iter()
        // These are in the sentence already.
        .filter(|field| !matches!(field.name, "name" | "title"))
        .filter_map(|field| Some((field, details.0.get(field.name)?)))
        .filter(|(_, value)| !value.is_null())
        .map(|(field, value)| texts::set(field.words, &shown(field, value)));
    listed(parts.collect())
}

fn listed(mut parts: Vec<String>) -> String {
    let more = parts.len().saturating_sub(LISTED);
    parts.truncate(LISTED);
    if more > 0 {
        parts.push(texts::more_changes(more));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!(": {}", parts.join(", ")),
    }
}

fn changed(field: &Field, change: &Value) -> String {
    let (from, to) = (&change["from"], &change["to"]);
    if from.is_null() && field.none.is_empty() {
        return texts::set(field.words, &shown(field, to));
    }
    texts::changed(field.words, &shown(field, from), &shown(field, to))
}

/// A value as members read it.
fn shown(field: &Field, value: &Value) -> String {
    let none = || match field.none {
        "" => texts::NO_VALUE.to_owned(),
        none => none.to_owned(),
    };
    match (field.format, value) {
        (_, Value::Null) => none(),
        (Format::Length, Value::Number(millis)) => {
            text::duration(Duration::from_millis(millis.as_u64().unwrap_or(0)))
        }
        (Format::Time, value) => details::time(value).map_or_else(none, relative),
        (Format::Channel, Value::String(id)) if is_id(id) => format!("<#{id}>"),
        (Format::Role, Value::String(id)) if is_id(id) => format!("<@&{id}>"),
        (Format::User, Value::String(id)) if is_id(id) => format!("<@{id}>"),
        (_, Value::Bool(true)) => texts::ON.to_owned(),
        (_, Value::Bool(false)) => texts::OFF.to_owned(),
        (_, Value::String(written)) => details::quoted(written),
        (_, Value::Array(values)) if values.is_empty() => texts::NO_VALUE.to_owned(),
        (_, Value::Array(values)) => {
            let each = values.iter().map(|value| shown(field, value));
            each.collect::<Vec<_>>().join(" ")
        }
        (_, other) => text::cut(&text::escape(&other.to_string()), 32),
    }
}

fn is_id(written: &str) -> bool {
    !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit())
}
