//! A thing on the roll: its ids, its name, its interval, and the limits that hold for each.

use std::fmt;
use std::time::Duration;

/// The tenant. Guild 0 is the roll of an installation without Discord: seen on the command line only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuildId(pub u64);

impl GuildId {
    pub const LOCAL: Self = Self(0);

    /// As stored: SQL integers are signed. Discord's ids stay below 2^63 until the year 2084.
    pub fn to_row(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    pub fn from_row(row: i64) -> Self {
        Self(row.unsigned_abs())
    }
}

impl fmt::Display for GuildId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// A monitor's id; ids are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorId(pub i64);

impl fmt::Display for MonitorId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// The longest name, in characters.
pub const MAX_NAME: usize = 64;

/// The shortest and the longest interval between looks.
pub const INTERVAL_RANGE: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(24 * 3600));

/// Why a name or an interval is refused; `Display` is a sentence with a right example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// `sentence` ends with a right example.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// A name: what people call a monitor. 1 to 64 characters on one line, no control or direction marks.
pub fn parse_name(text: &str) -> Result<String, Refusal> {
    let name = text.trim();
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME {
        return Err(Refusal(format!(
            "the name must have 1 to {MAX_NAME} characters; a right one is `web shop`"
        )));
    }
    if name.chars().any(super::text::is_unseen) {
        return Err(Refusal(
            "the name has characters that cannot be seen; a right one is `web shop`".into(),
        ));
    }
    Ok(name.to_owned())
}

/// An interval: `90`, `90s`, `5m`, `1h`; a bare number is seconds.
pub fn parse_interval(text: &str) -> Result<Duration, Refusal> {
    let refuse =
        || Refusal("the interval must lie between 1s and 24h; a right one is `60s` or `5m`".into());
    let interval = super::text::parse_duration(text, Duration::from_secs(1)).ok_or_else(refuse)?;
    check_interval(interval)
}

/// Holds an interval to the limits.
pub fn check_interval(interval: Duration) -> Result<Duration, Refusal> {
    let (shortest, longest) = INTERVAL_RANGE;
    if interval < shortest || interval > longest {
        return Err(Refusal(
            "the interval must lie between 1s and 24h; a right one is `60s` or `5m`".into(),
        ));
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_seen_and_short() {
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
    fn intervals_go_from_a_second_to_a_day() {
        assert_eq!(parse_interval("1"), Ok(Duration::from_secs(1)));
        assert_eq!(parse_interval("24h"), Ok(Duration::from_secs(86_400)));
        for wrong in ["0", "999ms", "25h", "soon", ""] {
            assert!(parse_interval(wrong).is_err(), "{wrong}");
        }
    }
}
