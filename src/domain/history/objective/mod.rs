//! Objectives: how much of a rolling window a monitor, or a user-defined group, is to be online.

pub mod budget;

use std::fmt;
use std::time::Duration;

use crate::monitor::{MonitorId, ValidationError};
use crate::text::duration_rule::DurationRule;
use crate::text::{code, cut};

/// The most objectives of a guild.
pub const MOST_OBJECTIVES: u64 = 500;

/// Windows for autocomplete.
pub const WINDOW_SUGGESTIONS: [&str; 4] = ["7d", "30d", "90d", "365d"];

/// The window of an objective for which none is given, in days.
pub const DEFAULT_WINDOW: ObjectiveWindow = ObjectiveWindow(30);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Maximum characters of an invalid text that an error quotes.
const QUOTED: usize = 32;

/// 100 % in thousandths of a percent.
const WHOLE: u32 = 100_000;

/// The lowest and the highest objective, in thousandths of a percent.
const PERCENT_RANGE: (u32, u32) = (50_000, 99_999);

/// The shortest and the longest window, in days.
const WINDOW_RANGE: (u16, u16) = (1, 365);

/// The id of an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectiveId(pub i64);

/// What an objective is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectiveSubject {
    Monitor(MonitorId),
    /// The monitors of a user-defined group, as it is at the time.
    Group(String),
}

/// An objective. `Display` is `99.9 % over 30 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objective {
    pub percent: ObjectivePercent,
    pub window: ObjectiveWindow,
}

impl Objective {
    /// The downtime that it allows in its window.
    pub fn allowed(self) -> Duration {
        self.window.length() * (WHOLE - self.percent.0) / WHOLE
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} % over {}", self.percent, self.window)
    }
}

/// The share of time that is to be online: from 50 % to 99.999 %, in thousandths of a percent. `Display` is `99.9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectivePercent(u32);

impl ObjectivePercent {
    /// `None` outside of its range. 99,900 is 99.9 %.
    pub fn from_thousandths(thousandths: u32) -> Option<Self> {
        let (least, most) = PERCENT_RANGE;
        (least..=most)
            .contains(&thousandths)
            .then_some(Self(thousandths))
    }

    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// In percent, such as 99.9.
    pub fn number(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// Reads `99.9` or `99.9 %`.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let digits = text.trim().trim_end_matches('%').trim_end();
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_form =
            (1..=3).contains(&whole.len()) && decimals.len() <= 3 && !digits.ends_with('.');
        let thousandths = (has_form && is_number(whole) && is_number(decimals))
            .then(|| format!("{whole}{decimals:0<3}").parse().ok())
            .flatten();
        thousandths
            .and_then(Self::from_thousandths)
            .ok_or_else(|| not_an_objective(text))
    }

    /// Takes a number of percent with at most three decimals.
    pub fn from_number(percent: f64) -> Result<Self, ValidationError> {
        Self::parse(&percent.to_string())
    }
}

impl fmt::Display for ObjectivePercent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        out.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn not_an_objective(text: &str) -> ValidationError {
    let subject = match cut(text.trim(), QUOTED) {
        empty if empty.is_empty() => "an empty text".to_owned(),
        text => code(&text),
    };
    ValidationError::new(format!(
        "{subject} is not an objective. Use a percentage from 50 to 99.999, with at most three decimals. Example: `99.9`"
    ))
}

/// The window of an objective, which ends now: 1 to 365 days. `Display` is `30 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectiveWindow(u16);

const WINDOW: DurationRule = DurationRule {
    subject: "the window",
    unit: DAY,
    shortest: Duration::from_secs(WINDOW_RANGE.0 as u64 * 24 * 3600),
    longest: Duration::from_secs(WINDOW_RANGE.1 as u64 * 24 * 3600),
    examples: "`30d` or `4w`",
};

impl ObjectiveWindow {
    /// `None` outside of its range.
    pub fn from_days(days: u16) -> Option<Self> {
        let (least, most) = WINDOW_RANGE;
        (least..=most).contains(&days).then_some(Self(days))
    }

    pub const fn days(self) -> u16 {
        self.0
    }

    pub fn length(self) -> Duration {
        DAY * u32::from(self.0)
    }

    /// Reads `30d`, `4w`, or a number of days.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let length = match weeks(text) {
            Some(weeks) => WINDOW.check(DAY * 7 * weeks)?,
            None => WINDOW.parse(text)?,
        };
        let days = u16::try_from(length.as_secs() / DAY.as_secs()).ok();
        days.and_then(Self::from_days)
            .filter(|window| window.length() == length)
            .ok_or_else(|| {
                ValidationError::new("the window must be whole days. Example: `30d` or `4w`")
            })
    }
}

/// The number in `4w`, which is cut if it is far too large; `None` for any other form.
fn weeks(text: &str) -> Option<u32> {
    let number = text.trim().strip_suffix('w')?.trim_end();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse().unwrap_or(u32::MAX).min(1_000))
}

impl fmt::Display for ObjectiveWindow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&crate::text::count(u64::from(self.0), "day"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objective_has_at_most_three_decimals() {
        for (text, thousandths, shown) in [
            ("50", 50_000, "50"),
            ("50.001", 50_001, "50.001"),
            ("95", 95_000, "95"),
            ("99.0", 99_000, "99"),
            ("99.9", 99_900, "99.9"),
            (" 99.95 % ", 99_950, "99.95"),
            ("99.999", 99_999, "99.999"),
        ] {
            let read = ObjectivePercent::parse(text).unwrap();
            assert_eq!(read.thousandths(), thousandths, "{text}");
            assert_eq!(read.to_string(), shown);
            assert_eq!(ObjectivePercent::from_number(read.number()), Ok(read));
        }
        for wrong in [
            "49.999", "100", "100.0", "0", "1000", "99.9999", "99.", ".9", "-99.9", "+99", "9e1",
            "99,9", "99 9", "nan", "", "  ", "%",
        ] {
            assert!(ObjectivePercent::parse(wrong).is_err(), "{wrong:?}");
        }
        for wrong in [49.999, 99.9999, 100.0, f64::NAN, f64::INFINITY, -99.9] {
            assert!(ObjectivePercent::from_number(wrong).is_err(), "{wrong}");
        }
        let sentence = ObjectivePercent::parse("100").unwrap_err().to_string();
        assert_eq!(
            sentence,
            "`100` is not an objective. Use a percentage from 50 to 99.999, with at most three decimals. Example: `99.9`"
        );
        let sentence = ObjectivePercent::parse(&"9".repeat(33))
            .unwrap_err()
            .to_string();
        assert!(
            sentence.starts_with(&format!("`{}…`", "9".repeat(31))),
            "{sentence}"
        );
    }

    #[test]
    fn a_window_is_whole_days() {
        for (text, days) in [
            ("1d", 1),
            ("24h", 1),
            ("30", 30),
            ("30d", 30),
            ("4w", 28),
            (" 52 w ", 364),
            ("365d", 365),
        ] {
            assert_eq!(ObjectiveWindow::parse(text).unwrap().days(), days, "{text}");
        }
        let range = "the window must be between 1d and 365d. Example: `30d` or `4w`";
        let whole = "the window must be whole days. Example: `30d` or `4w`";
        let text =
            "`soon` is not a duration. A duration is a number and a unit. Example: `30d` or `4w`";
        for (wrong, sentence) in [
            ("0d", range),
            ("0w", range),
            ("23h", range),
            ("366d", range),
            ("53w", range),
            ("4294967295w", range),
            ("99999999999999999999w", range),
            (
                "w",
                "`w` is not a duration. A duration is a number and a unit. Example: `30d` or `4w`",
            ),
            ("36h", whole),
            ("soon", text),
        ] {
            let error = ObjectiveWindow::parse(wrong).unwrap_err();
            assert_eq!(error.to_string(), sentence, "{wrong}");
        }
        for suggestion in WINDOW_SUGGESTIONS {
            assert!(ObjectiveWindow::parse(suggestion).is_ok(), "{suggestion}");
        }
    }

    #[test]
    fn the_allowed_downtime_is_a_share_of_the_whole_window() {
        for (percent, days, millis) in [
            ("99.9", 30, 2_592_000),
            ("99.999", 1, 864),
            ("99.999", 365, 315_360),
            ("99", 7, 6_048_000),
            ("50", 1, 43_200_000),
            ("50", 365, 15_768_000_000),
        ] {
            let objective = Objective {
                percent: ObjectivePercent::parse(percent).unwrap(),
                window: ObjectiveWindow::from_days(days).unwrap(),
            };
            assert_eq!(objective.allowed().as_millis(), millis, "{objective}");
        }
        let objective = Objective {
            percent: ObjectivePercent::parse("99.9").unwrap(),
            window: DEFAULT_WINDOW,
        };
        assert_eq!(objective.to_string(), "99.9 % over 30 days");
    }
}
