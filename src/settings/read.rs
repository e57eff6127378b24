//! Reads one setting at a time: absent, default, or a mistake with its name and a valid example.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::secret::Secret;
use crate::domain::text::{parse_duration, short_duration};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Whether a text is `http://` or `https://` followed by a host.
fn is_web_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        matches!(scheme, "http" | "https")
            && !rest.is_empty()
            && !rest.starts_with(['/', '?', '#', ':'])
            && !text.contains(char::is_whitespace)
    })
}

/// The name of the unit of plain numbers.
fn unit_name(unit: Duration) -> &'static str {
    match unit {
        MINUTE => "minutes",
        HOUR => "hours",
        DAY => "days",
        _ => "seconds",
    }
}

/// The variables that were set, and what is wrong with those read so far.
#[derive(Default)]
pub(super) struct Variables {
    pub variables: HashMap<String, String>,
    /// Sentences that end the start.
    pub mistakes: Vec<String>,
    /// Sentences about what Rollcall ignores or assumes.
    pub warnings: Vec<String>,
    /// The names that were read, whether they are set or not. After everything was read, it has the name of every setting.
    pub names: BTreeSet<String>,
    /// A valid value for each name that has one to show.
    pub examples: HashMap<String, String>,
    /// The value of each name that has one without being set.
    pub defaults: HashMap<String, String>,
    /// The names whose values nobody may see.
    pub secrets: BTreeSet<String>,
    /// The names for which an empty value has a meaning of its own.
    pub empty_is_a_value: BTreeSet<String>,
    /// The names that the file `.env` has set.
    pub of_dot_env: BTreeSet<String>,
}

impl Variables {
    pub(super) fn optional(&mut self, name: &str) -> Option<String> {
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
        self.variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    }

    /// Whether a variable is set, but empty.
    pub(super) fn is_empty(&mut self, name: &str) -> bool {
        self.names.insert(name.to_owned());
        let value = self.variables.get(name);
        value.is_some_and(|value| value.trim().is_empty())
    }

    /// Adds a warning if a setting with a default is set, but empty.
    pub(super) fn warn_if_empty(&mut self, name: &str, default: &str) {
        if self.is_empty(name) {
            self.warnings.push(format!(
                "{name} is empty, so Rollcall uses the default: {default}"
            ));
        }
    }

    pub(super) fn text(&mut self, name: &str, default: &str) -> String {
        self.examples.insert(name.to_owned(), default.to_owned());
        self.defaults.insert(name.to_owned(), default.to_owned());
        self.warn_if_empty(name, default);
        self.optional(name).unwrap_or_else(|| default.to_owned())
    }

    /// Reads a value with a default, which is also the example in a mistake.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        default: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        self.defaults.insert(name.to_owned(), default.to_owned());
        self.warn_if_empty(name, default);
        let given = self.optional_value(name, wanted, default, &parse);
        given
            .or_else(|| parse(default))
            .unwrap_or_else(|| unreachable!("the default of {name} is valid"))
    }

    pub(super) fn optional_value<T>(
        &mut self,
        name: &str,
        wanted: &str,
        example: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.examples.insert(name.to_owned(), example.to_owned());
        let text = self.optional(name)?;
        let value = parse(&text);
        if value.is_none() {
            // A value with an @ may contain a password.
            let is = if text.contains('@') {
                "is not".to_owned()
            } else {
                format!("is `{text}`")
            };
            self.mistakes.push(format!(
                "{name} must be {wanted}, but {is}. Example: {name}={example}"
            ));
        }
        value
    }

    /// Reads a URL that is a secret: a mistake in it is reported without the value.
    pub(super) fn secret_address(&mut self, name: &str, example: &str) -> Option<Secret> {
        self.examples.insert(name.to_owned(), example.to_owned());
        self.secrets.insert(name.to_owned());
        let text = self.optional(name)?;
        if !is_web_address(&text) {
            self.mistakes.push(format!(
                "{name} must be an http:// or https:// URL. Example: {name}={example}"
            ));
        }
        Some(Secret(text))
    }

    pub(super) fn length(
        &mut self,
        name: &str,
        default: &str,
        unit: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let wanted = format!(
            "a duration from {} to {} (a plain number is in {})",
            short_duration(*range.start()),
            short_duration(*range.end()),
            unit_name(unit)
        );
        self.value(name, default, &wanted, |text| {
            parse_duration(text, unit).filter(|length| range.contains(length))
        })
    }

    pub(super) fn count(&mut self, name: &str, default: &str, least: u64, most: u64) -> u64 {
        let wanted = format!("a number from {least} to {most}");
        self.value(name, default, &wanted, |text| {
            text.parse()
                .ok()
                .filter(|count| (least..=most).contains(count))
        })
    }

    pub(super) fn small(&mut self, name: &str, default: &str, most: u32) -> u32 {
        u32::try_from(self.count(name, default, 1, most.into())).unwrap_or(most)
    }

    pub(super) fn size(&mut self, name: &str, default: &str, most: u64) -> usize {
        usize::try_from(self.count(name, default, 1, most)).unwrap_or(usize::MAX)
    }
}
