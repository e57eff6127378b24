//! Reads the details of an event. Old events have fewer, so that each may be missing.

use std::time::Duration;

use serde_json::Value;

use crate::domain::{Timestamp, text};

/// The longest text of a detail, in characters.
const TEXT: usize = 64;

/// The details of an event: a JSON object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Details<'a>(pub &'a Value);

impl<'a> Details<'a> {
    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str()
    }

    /// A text in backticks.
    pub(super) fn code(self, key: &str) -> Option<String> {
        self.text(key).map(quoted)
    }

    pub(super) fn number(self, key: &str) -> Option<u64> {
        self.0.get(key)?.as_u64()
    }

    pub(super) fn flag(self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A length that is stored in milliseconds.
    pub(super) fn length(self, key: &str) -> Option<Duration> {
        self.number(key).map(Duration::from_millis)
    }

    pub(super) fn time(self, key: &str) -> Option<Timestamp> {
        time(self.0.get(key)?)
    }

    /// What changed, by field.
    pub(super) fn changes(self) -> Option<&'a serde_json::Map<String, Value>> {
        self.0.get("changes")?.as_object()
    }
}

/// A text in backticks, cut.
pub(super) fn quoted(written: &str) -> String {
    text::code(&text::cut(written, TEXT))
}

/// A time: milliseconds since 1970, or RFC 3339.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(millis) => millis.as_i64().map(Timestamp::from_millis),
        Value::String(written) => text::parse_timestamp(written),
        _ => None,
    }
}
