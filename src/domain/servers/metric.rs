//! The numbers of a report by name: which of them a limit is about, and how people read them.

use std::str::FromStr;

use crate::monitor::ValidationError;
use crate::text;

/// The maximum length of a metric, in bytes: the longest path that a report may have.
pub const LONGEST_METRIC: usize = 128;

/// Percentages are reported under this name, of a file system as `disk./home.used_percent`.
const PERCENT: &str = ".used_percent";

/// The numbers that a limit is about: a path, such as `cpu` or `metrics.queue`, with `*` for any text in one place. `disk` and
/// `memory` also stand for the percentages below them. Of several numbers, the worst one decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric(String);

impl Metric {
    /// The percentages of the file systems that are in use.
    pub fn disk() -> Self {
        Self("disk".to_owned())
    }

    /// The percentage of the memory that is in use.
    pub fn memory() -> Self {
        Self("memory".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the number at a path is one of these.
    pub fn matches(&self, path: &str) -> bool {
        let Some((before, after)) = self.0.split_once('*') else {
            return self.0 == path || self.is_percentage_of(path);
        };
        path.len() >= before.len() + after.len()
            && path.starts_with(before)
            && path.ends_with(after)
    }

    pub(super) fn is_percentage_of(&self, path: &str) -> bool {
        path.strip_prefix(self.0.as_str())
            .is_some_and(|rest| rest.starts_with('.') && rest.ends_with(PERCENT))
    }
}

impl FromStr for Metric {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, ValidationError> {
        let is_visible = !text.chars().any(text::is_unseen);
        let text = text.trim();
        let is_valid = is_visible
            && !text.is_empty()
            && text.len() <= LONGEST_METRIC
            && text.matches('*').count() <= 1;
        if !is_valid {
            return Err(ValidationError::new(format!(
                "a metric is the path of a number in the reports, at most {LONGEST_METRIC} bytes long and with at most one `*`. Example: `disk` or `metrics.queue`"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A number of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReportedNumber<'a> {
    pub path: &'a str,
    pub value: f64,
}

impl ReportedNumber<'_> {
    /// Its name and unit as people read them: `disk./home.used_percent` is `disk /home` in percent.
    pub fn name(&self) -> (String, &'static str) {
        let Some(name) = self.path.strip_suffix(PERCENT) else {
            return (self.path.to_owned(), "");
        };
        (name.replacen("./", " /", 1), " %")
    }
}

/// A number with at most two digits behind the point; one that would be very long, or nothing, as a power of ten.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 0.005) {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.strip_prefix("-")
        .filter(|rest| *rest == "0")
        .unwrap_or(text)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_match_paths_patterns_and_percentages() {
        for (metric, path, matches) in [
            ("cpu", "cpu", true),
            ("cpu", "cpu0", false),
            ("cpu", "cpu.0", false),
            ("disk", "disk", true),
            ("disk", "disk./.used_percent", true),
            ("disk", "disk./mnt/old.data.used_percent", true),
            ("disk", "disk./.used_kib", false),
            ("disk", "diskette.used_percent", false),
            ("memory", "memory.used_percent", true),
            (
                "metrics.temperature.*",
                "metrics.temperature.cpu package",
                true,
            ),
            ("metrics.temperature.*", "metrics.temperature", false),
            ("disk.*.used_percent", "disk./.used_percent", true),
            ("disk.*.used_percent", "disk.used_percent", false),
            ("*", "cpu", true),
            ("ab*ba", "aba", false),
        ] {
            let parsed: Metric = metric.parse().unwrap();
            assert_eq!(parsed.matches(path), matches, "{metric} {path}");
        }
    }

    #[test]
    fn metrics_have_one_to_128_bytes_and_at_most_one_star() {
        let long = "x".repeat(LONGEST_METRIC);
        for valid in ["disk", " disk ", "*.x", "größe", long.as_str()] {
            assert!(valid.parse::<Metric>().is_ok(), "{valid}");
        }
        let longer = "x".repeat(LONGEST_METRIC + 1);
        for wrong in ["", "  ", "a*b*", "a\nb", "a\u{202e}b", longer.as_str()] {
            let error = wrong.parse::<Metric>().unwrap_err().to_string();
            assert!(error.contains("Example: `disk`"), "{error}");
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (90.0, "90"),
            (93.126, "93.13"),
            (-1.5, "-1.5"),
            (100.0, "100"),
            (0.001, "1.00e-3"),
            (1e15, "1.00e15"),
            (999_999_999_999_999.0, "999999999999999"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }
}
