//! The texts of changes in the audit log: the fields that an edit can change, and how each value is shown.

use crate::domain::text;

/// How the value of a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::discord::monitors::audit) enum Format {
    Plain,
    /// Milliseconds.
    Length,
    Time,
    Channel,
    Role,
    User,
}

/// A field of an event's details: its name in storage, its words, and how its values are shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::discord::monitors::audit) struct Field {
    pub name: &'static str,
    pub words: &'static str,
    pub format: Format,
    /// What holds without a value.
    pub none: &'static str,
}

/// In place of a value.
pub(in crate::discord::monitors::audit) const NO_VALUE: &str = "none";
pub(in crate::discord::monitors::audit) const ON: &str = "on";
pub(in crate::discord::monitors::audit) const OFF: &str = "off";

/// A field that had no value before.
pub(in crate::discord::monitors::audit) fn set(field: &str, value: &str) -> String {
    format!("{field} {value}")
}

pub(in crate::discord::monitors::audit) fn changed(field: &str, from: &str, to: &str) -> String {
    format!("{field} {from} → {to}")
}

pub(in crate::discord::monitors::audit) fn more_changes(number: usize) -> String {
    format!("and {}", text::count(number as u64, "more change"))
}

const fn field(name: &'static str, words: &'static str, format: Format) -> Field {
    Field {
        name,
        words,
        format,
        none: "",
    }
}

const fn or(none: &'static str, field: Field) -> Field {
    Field { none, ..field }
}

/// The fields of details that say what was set, in the order in which they are shown.
pub(in crate::discord::monitors::audit) const FIELDS: [Field; 35] = [
    field("name", "name", Format::Plain),
    field("title", "title", Format::Plain),
    field("target", "target", Format::Plain),
    field("address", "address", Format::Plain),
    field("format", "format", Format::Plain),
    or("default", field("interval_ms", "interval", Format::Length)),
    field("method", "method", Format::Plain),
    field("expected_status", "expected status", Format::Plain),
    field("keyword", "keyword", Format::Plain),
    field("headers", "headers", Format::Plain),
    field("redirects", "redirects", Format::Plain),
    field("verify_tls", "certificate check", Format::Plain),
    or(
        "default",
        field("threshold_ms", "threshold", Format::Length),
    ),
    field("slug", "slug", Format::Plain),
    field("is_active", "active", Format::Plain),
    field("auto_thresholds", "automatic thresholds", Format::Plain),
    field("channel", "channel", Format::Channel),
    field("role", "role", Format::Role),
    field("notify", "notifications", Format::Plain),
    field("recovery", "messages about recoveries", Format::Plain),
    field("warnings", "messages about warnings", Format::Plain),
    or(
        "off",
        field("remind_after_ms", "reminder after", Format::Length),
    ),
    or(
        "off",
        field("escalate_after_ms", "escalation after", Format::Length),
    ),
    field("escalate_role", "escalation to", Format::Role),
    field("escalate_user", "escalation to", Format::User),
    field("bulk_count", "endpoints for a summary", Format::Plain),
    field("bulk_percent", "percent for a summary", Format::Plain),
    or(
        "off",
        field("bulk_window_ms", "summary within", Format::Length),
    ),
    field("group", "group", Format::Plain),
    field("weekly", "weekly on", Format::Plain),
    field("from", "begins", Format::Time),
    field("to", "ends", Format::Time),
    field("until", "ends", Format::Time),
    field("timezone", "time zone", Format::Plain),
    field("picture_theme", "theme of pictures", Format::Plain),
];
