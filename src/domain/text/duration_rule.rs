//! Durations as people type them, each between a shortest and a longest one, with a sentence for each mistake: the text is no
//! duration, or the duration is too short or too long.

use std::fmt;
use std::time::Duration;

use super::{code, cut, parse_duration, short_duration};

/// Maximum characters of an invalid text that an error quotes.
const QUOTED: usize = 32;

/// The durations that an input may have.
#[derive(Clone, Copy, Debug)]
pub struct DurationRule {
    /// The subject of the sentence that names the range, such as `the interval`.
    pub subject: &'static str,
    /// The unit of a bare number.
    pub unit: Duration,
    pub shortest: Duration,
    pub longest: Duration,
    /// Valid durations in backticks, such as `` `60s` or `5m` ``.
    pub examples: &'static str,
}

/// Why a text is not a duration that the rule allows; `Display` is a sentence for people, with a valid example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// The text has another form than a number and a unit.
    NotADuration(String),
    /// The duration is too short or too long.
    OutOfRange(String),
}

impl fmt::Display for DurationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADuration(sentence) | Self::OutOfRange(sentence) => out.write_str(sentence),
        }
    }
}

impl std::error::Error for DurationError {}

impl DurationRule {
    /// Reads a duration: `90s`, `30m`, `26h`, `1d`; a bare number counts units.
    ///
    /// # Errors
    /// `NotADuration` for any other form, `OutOfRange` outside the limits.
    pub fn parse(&self, text: &str) -> Result<Duration, DurationError> {
        match parse_duration(text, self.unit) {
            Some(length) => self.check(length),
            None if is_too_large(text) => Err(self.out_of_range()),
            None => Err(self.not_a_duration(text)),
        }
    }

    /// Rejects a duration outside the limits.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn check(&self, length: Duration) -> Result<Duration, DurationError> {
        match (self.shortest..=self.longest).contains(&length) {
            true => Ok(length),
            false => Err(self.out_of_range()),
        }
    }

    fn not_a_duration(&self, text: &str) -> DurationError {
        let examples = self.examples;
        let subject = match cut(text.trim(), QUOTED) {
            empty if empty.is_empty() => "an empty text".to_owned(),
            text => code(&text),
        };
        DurationError::NotADuration(format!(
            "{subject} is not a duration. A duration is a number and a unit. Example: {examples}"
        ))
    }

    fn out_of_range(&self) -> DurationError {
        let (subject, examples) = (self.subject, self.examples);
        let (shortest, longest) = (short_duration(self.shortest), short_duration(self.longest));
        DurationError::OutOfRange(format!(
            "{subject} must be between {shortest} and {longest}. Example: {examples}"
        ))
    }
}

/// Whether a text is a number with a unit, but the number is too large to count.
fn is_too_large(text: &str) -> bool {
    let text = text.trim();
    let suffix = text.trim_start_matches(|character: char| character.is_ascii_digit());
    suffix.len() < text.len() && parse_duration(&format!("1{suffix}"), Duration::ZERO).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: DurationRule = DurationRule {
        subject: "the interval",
        unit: Duration::from_secs(60),
        shortest: Duration::from_secs(1),
        longest: Duration::from_secs(86_400),
        examples: "`60s` or `5m`",
    };

    #[test]
    fn durations_within_the_limits_are_read() {
        for (text, seconds) in [
            ("1s", 1),
            ("1000ms", 1),
            ("5", 300),
            (" 5 min ", 300),
            ("24h", 86_400),
            ("1d", 86_400),
        ] {
            assert_eq!(RULE.parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn an_error_says_whether_the_form_or_the_length_is_wrong() {
        let range = "the interval must be between 1s and 1d. Example: `60s` or `5m`";
        let quoted = |text: &str| {
            format!(
                "{text} is not a duration. A duration is a number and a unit. Example: `60s` or `5m`"
            )
        };
        for (text, sentence) in [
            ("0", range.to_owned()),
            ("999ms", range.to_owned()),
            ("86401s", range.to_owned()),
            ("4294967296", range.to_owned()),
            ("99999999999999999999d", range.to_owned()),
            ("1day", quoted("`1day`")),
            ("99999999999days", quoted("`99999999999days`")),
            ("-1h", quoted("`-1h`")),
            ("1.5h", quoted("`1.5h`")),
            ("1h30m", quoted("`1h30m`")),
            ("for`ever", quoted("`for'ever`")),
            ("s", quoted("`s`")),
            ("  ", quoted("an empty text")),
            (&"x".repeat(32), quoted(&format!("`{}`", "x".repeat(32)))),
            (&"x".repeat(33), quoted(&format!("`{}…`", "x".repeat(31)))),
        ] {
            let error = RULE.parse(text).unwrap_err();
            assert_eq!(error.to_string(), sentence, "{text}");
        }
    }
}
