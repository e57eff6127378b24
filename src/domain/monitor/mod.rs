//! The properties of every monitor: its ID, its name and its check interval, with their limits.

pub mod name;
pub mod nearest_names;

use std::fmt;
use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::discord_id::GuildId;
use crate::text::duration_rule::{DurationError, DurationRule};

/// A monitor's ID; IDs are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorId(pub i64);

impl fmt::Display for MonitorId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// A monitor and the guild that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorRef {
    pub guild: GuildId,
    pub id: MonitorId,
}

/// The kind of a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum MonitorKind {
    /// Rollcall checks it.
    Endpoint,
    /// It sends heartbeats.
    Device,
    /// Its agent sends reports.
    Server,
}

impl MonitorKind {
    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// The maximum length of a name, in characters.
pub const MAX_NAME: usize = 64;

/// The shortest and the longest check interval.
pub const INTERVAL_RANGE: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(24 * 3600));

/// Why an input is not valid; `Display` is a sentence for people, with a valid example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError(String);

impl ValidationError {
    /// Creates an error; `sentence` ends with a valid example.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for ValidationError {}

impl From<DurationError> for ValidationError {
    fn from(error: DurationError) -> Self {
        Self(error.to_string())
    }
}

/// Reads a monitor's name: 1 to 64 characters on one line, none of them control or direction characters.
pub fn parse_name(text: &str) -> Result<String, ValidationError> {
    let name = text.trim();
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME {
        return Err(ValidationError(format!(
            "the name must have 1 to {MAX_NAME} characters. Example: `web shop`"
        )));
    }
    if name.chars().any(super::text::is_unseen) {
        return Err(ValidationError(
            "the name contains invisible characters. Example: `web shop`".into(),
        ));
    }
    Ok(name.to_owned())
}

const INTERVAL: DurationRule = DurationRule {
    subject: "the interval",
    unit: Duration::from_secs(1),
    shortest: INTERVAL_RANGE.0,
    longest: INTERVAL_RANGE.1,
    examples: "`60s` or `5m`",
};

/// Reads a check interval: `90`, `90s`, `5m`, `1h`; a bare number is seconds.
pub fn parse_interval(text: &str) -> Result<Duration, ValidationError> {
    Ok(INTERVAL.parse(text)?)
}

/// Rejects an interval outside the limits.
pub fn check_interval(interval: Duration) -> Result<Duration, ValidationError> {
    Ok(INTERVAL.check(interval)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_visible_and_short() {
        assert_eq!(parse_name("  web shop "), Ok("web shop".into()));
        assert_eq!(parse_name(&"ä".repeat(64)), Ok("ä".repeat(64)));
        for wrong in [
            "",
            "   ",
            &"x".repeat(65),
            "a\u{202e}b",
            "a\nb",
            "a\u{200b}b",
        ] {
            assert!(parse_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn intervals_range_from_a_second_to_a_day() {
        assert_eq!(parse_interval("1"), Ok(Duration::from_secs(1)));
        assert_eq!(parse_interval("24h"), Ok(Duration::from_secs(86_400)));
        for wrong in ["0", "999ms", "25h", "soon", ""] {
            assert!(parse_interval(wrong).is_err(), "{wrong}");
        }
    }
}
