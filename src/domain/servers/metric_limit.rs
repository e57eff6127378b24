//! The rule for limits on what servers report: a number above or below a bound for long enough, or one that changes, is a
//! warning or an outage of its own. Pure, and the only code that implements it.
//!
//! Reports decide: a limit is exceeded with the first report that shows its number beyond the bound for as long as the limit
//! allows, and met again with the first report that shows it within. A report without the number decides nothing.

use std::fmt;
use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::metric::{Metric, ReportedNumber, number};
use crate::monitor::{MonitorId, ValidationError};
use crate::status::Status;
use crate::text;
use crate::text::duration_rule::DurationRule;
use crate::timestamp::Timestamp;

/// The maximum number of limits of a server.
pub const MOST_LIMITS: usize = 20;

/// How long a number must be beyond the bound, unless the limit says otherwise. A short peak of load is normal.
pub const DEFAULT_HOLD: Duration = Duration::from_secs(5 * 60);

/// How long a number may have to be beyond the bound.
pub const HOLD: DurationRule = DurationRule {
    subject: "the time",
    unit: Duration::from_secs(60),
    shortest: Duration::ZERO,
    longest: Duration::from_secs(24 * 3600),
    examples: "`5m` or `90s`",
};

/// The ID of a limit; IDs are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitId(pub i64);

/// What can have an open outage: a monitor by its status, or one of the limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutageSource {
    pub monitor: MonitorId,
    pub limit: Option<LimitId>,
}

/// When a number is beyond a limit. A bound is finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    Above(f64),
    Below(f64),
    /// It is another number than in the report before.
    Changes,
}

impl Condition {
    /// Rejects a bound that is not a finite number.
    pub fn new(kind: ConditionKind, bound: Option<f64>) -> Result<Self, ValidationError> {
        match (kind, bound.filter(|bound| bound.is_finite())) {
            (ConditionKind::Above, Some(bound)) => Ok(Self::Above(bound)),
            (ConditionKind::Below, Some(bound)) => Ok(Self::Below(bound)),
            (ConditionKind::Changes, _) => Ok(Self::Changes),
            (kind, None) => Err(ValidationError::new(format!(
                "`{}` needs a number. Example: `90`",
                kind.as_str()
            ))),
        }
    }

    pub fn kind(self) -> ConditionKind {
        match self {
            Self::Above(_) => ConditionKind::Above,
            Self::Below(_) => ConditionKind::Below,
            Self::Changes => ConditionKind::Changes,
        }
    }

    /// `None` for one without a bound.
    pub fn bound(self) -> Option<f64> {
        match self {
            Self::Above(bound) | Self::Below(bound) => Some(bound),
            Self::Changes => None,
        }
    }
}

/// The kind of a condition. Its name is stored. A server has at most one limit for each metric and kind.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    VariantArray,
    IntoStaticStr,
    EnumString,
)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ConditionKind {
    Above,
    Below,
    Changes,
}

impl ConditionKind {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage and JSON.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// How serious it is that a limit is exceeded. Its name is stored. The worse one is greater.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    VariantArray,
    IntoStaticStr,
    EnumString,
)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Severity {
    /// The server is in warning. Guilds that want no notifications about warnings get none.
    #[default]
    Warning,
    /// The server counts as offline.
    Outage,
}

impl Severity {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage and JSON.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The best status that a server may have meanwhile.
    pub const fn status(self) -> Status {
        match self {
            Self::Warning => Status::Warning,
            Self::Outage => Status::Offline,
        }
    }
}

/// A limit on a number that a server reports.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricLimit {
    pub metric: Metric,
    pub condition: Condition,
    /// How long the number must be beyond the bound; for `Changes`, how long it must stay the same until the limit is met again.
    pub hold: Duration,
    pub severity: Severity,
}

/// What the reports so far have shown of a limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LimitProgress {
    /// The first of the reports in a row that showed the number beyond the bound; for `Changes`, the latest change.
    pub beyond_since: Option<Timestamp>,
    /// Why the limit is exceeded, as a sentence; `None`: it is met.
    pub exceeded: Option<String>,
    /// The number in the report before; only for `Changes`.
    pub last_value: Option<f64>,
}

/// What a report changes about a limit.
#[derive(Clone, Debug, PartialEq)]
pub enum LimitChange {
    /// It is exceeded, for this reason; dated with the first report beyond it.
    Exceeded { since: Timestamp, reason: String },
    /// It is met again.
    Met,
}

impl MetricLimit {
    /// What is offered for a server whose reports have these numbers: disks of more than 90 % and memory of more than 95 %.
    pub fn suggested(figures: &[(String, f64)]) -> Vec<Self> {
        [(Metric::disk(), 90.0), (Metric::memory(), 95.0)]
            .map(|(metric, bound)| Self {
                metric,
                condition: Condition::Above(bound),
                hold: DEFAULT_HOLD,
                severity: Severity::Warning,
            })
            .into_iter()
            .filter(|limit| {
                figures
                    .iter()
                    .any(|(path, _)| limit.metric.is_percentage_of(path))
            })
            .collect()
    }

    /// How long the number must be beyond the bound, in whole seconds: rounded up, so that 0 means that one report is enough.
    pub fn hold_seconds(&self) -> u64 {
        self.hold.as_secs() + u64::from(self.hold.subsec_nanos() > 0)
    }

    /// Applies the rule to a report that was received at `at`. Returns the new progress, and what has changed.
    pub fn observe(
        &self,
        progress: &LimitProgress,
        figures: &[(String, f64)],
        at: Timestamp,
    ) -> (LimitProgress, Option<LimitChange>) {
        let Some(figure) = self.decisive(figures) else {
            return (progress.clone(), None);
        };
        match self.condition {
            Condition::Changes => self.observe_changes(progress, figure, at),
            Condition::Above(bound) => {
                self.observe_bound(progress, figure, figure.value > bound, at)
            }
            Condition::Below(bound) => {
                self.observe_bound(progress, figure, figure.value < bound, at)
            }
        }
    }

    /// The number that decides: the worst of those that the limit is about.
    pub fn decisive<'a>(&self, figures: &'a [(String, f64)]) -> Option<ReportedNumber<'a>> {
        let matching = figures
            .iter()
            .filter(|(path, _)| self.metric.matches(path))
            .map(|(path, value)| ReportedNumber {
                path,
                value: *value,
            });
        match self.condition {
            Condition::Below(_) => matching.min_by(|one, other| one.value.total_cmp(&other.value)),
            _ => matching.max_by(|one, other| one.value.total_cmp(&other.value)),
        }
    }

    fn observe_bound(
        &self,
        progress: &LimitProgress,
        figure: ReportedNumber<'_>,
        is_beyond: bool,
        at: Timestamp,
    ) -> (LimitProgress, Option<LimitChange>) {
        if !is_beyond {
            let change = progress.exceeded.is_some().then_some(LimitChange::Met);
            return (LimitProgress::default(), change);
        }
        let since = progress.beyond_since.unwrap_or(at);
        let mut next = LimitProgress {
            beyond_since: Some(since),
            ..progress.clone()
        };
        if progress.exceeded.is_some() || at.since(since) < self.hold {
            return (next, None);
        }
        let reason = self.reason(figure, None);
        next.exceeded = Some(reason.clone());
        (next, Some(LimitChange::Exceeded { since, reason }))
    }

    fn observe_changes(
        &self,
        progress: &LimitProgress,
        figure: ReportedNumber<'_>,
        at: Timestamp,
    ) -> (LimitProgress, Option<LimitChange>) {
        let mut next = LimitProgress {
            last_value: Some(figure.value),
            ..progress.clone()
        };
        let before = progress.last_value.filter(|before| *before != figure.value);
        if before.is_some() {
            next.beyond_since = Some(at);
            if progress.exceeded.is_some() {
                return (next, None);
            }
            let reason = self.reason(figure, before);
            next.exceeded = Some(reason.clone());
            return (next, Some(LimitChange::Exceeded { since: at, reason }));
        }
        let has_held = progress
            .beyond_since
            .is_some_and(|since| at.since(since) >= self.hold);
        if progress.exceeded.is_none() || !has_held {
            return (next, None);
        }
        next.beyond_since = None;
        next.exceeded = None;
        (next, Some(LimitChange::Met))
    }

    fn reason(&self, figure: ReportedNumber<'_>, before: Option<f64>) -> String {
        let hold = match self.hold {
            Duration::ZERO => String::new(),
            hold => format!(" for {}", text::duration(hold)),
        };
        let (name, unit) = figure.name();
        let shown = |value| format!("{}{unit}", number(value));
        let value = shown(figure.value);
        match self.condition {
            Condition::Above(bound) => format!("{name} at {value}, above {}{hold}", shown(bound)),
            Condition::Below(bound) => format!("{name} at {value}, below {}{hold}", shown(bound)),
            Condition::Changes => {
                format!(
                    "{name} changed from {} to {value}",
                    shown(before.unwrap_or_default())
                )
            }
        }
    }
}

impl fmt::Display for MetricLimit {
    /// As people read it: `disk above 90 for 5 min`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric.as_str();
        match self.condition {
            Condition::Above(bound) => write!(out, "{metric} above {}", number(bound))?,
            Condition::Below(bound) => write!(out, "{metric} below {}", number(bound))?,
            Condition::Changes => return write!(out, "{metric} changes"),
        }
        match self.hold {
            Duration::ZERO => Ok(()),
            hold => write!(out, " for {}", text::duration(hold)),
        }
    }
}

#[cfg(test)]
#[path = "metric_limit_tests.rs"]
mod tests;
