//! `/server limit`: shows, sets and removes limits on what a server reports.

use crate::actions::Error;
use crate::discord::Context;
use crate::discord::servers::{limit_choices, limit_replies, texts};
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::{complete, reply};
use crate::domain::monitor::MonitorKind;
use crate::domain::servers::metric::Metric;
use crate::domain::servers::metric_limit::{
    Condition, ConditionKind, DEFAULT_HOLD, HOLD, MetricLimit, Severity,
};

/// How serious it is that a limit is exceeded. Append only: Discord identifies a choice by its index.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum SeverityChoice {
    #[name = "warning"]
    Warning,
    #[name = "outage"]
    Outage,
}

impl From<SeverityChoice> for Severity {
    fn from(choice: SeverityChoice) -> Self {
        match choice {
            SeverityChoice::Warning => Self::Warning,
            SeverityChoice::Outage => Self::Outage,
        }
    }
}

/// Show, set or remove limits on the numbers that a server reports
#[expect(
    clippy::too_many_arguments,
    reason = "the options of a slash command are the arguments of its function"
)]
#[poise::command(slash_command, guild_only)]
pub(super) async fn limit(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
    #[description = "Path of a number in the reports, such as disk or metrics.queue"]
    #[autocomplete = "limit_choices::metric"]
    #[max_length = 128]
    metric: Option<String>,
    #[description = "The limit is exceeded above this number"] above: Option<f64>,
    #[description = "The limit is exceeded below this number"] below: Option<f64>,
    #[description = "True: the limit is exceeded when the number changes"] changes: Option<bool>,
    #[description = "How long the number must be beyond the limit (default: 5m)"]
    #[rename = "for"]
    #[max_length = 16]
    hold: Option<String>,
    #[description = "What an exceeded limit is (default: warning)"]
    #[rename = "as"]
    severity: Option<SeverityChoice>,
    #[description = "True: remove the limits of the metric"] remove: Option<bool>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let task = LimitOptions {
        metric,
        above,
        below,
        changes: changes.unwrap_or_default(),
        hold,
        severity: severity.map(Severity::from),
        remove: remove.unwrap_or_default(),
    }
    .task()?;
    let work = async {
        let app = ctx.data();
        let (reader, guild) = (&app.store.reader, requester.guild);
        let found = complete::named(reader, guild, Some(MonitorKind::Server), &server).await?;
        match task {
            LimitTask::Show => limit_replies::show(app, requester, &found).await,
            LimitTask::Set(limit) => limit_replies::set(app, requester, &found, limit).await,
            LimitTask::Remove(metric, kind) => {
                limit_replies::remove(app, requester, &found, metric, kind).await
            }
        }
    };
    reply::answer(ctx, work).await
}

/// The options of the command as a manager typed them.
#[derive(Debug, Default)]
struct LimitOptions {
    metric: Option<String>,
    above: Option<f64>,
    below: Option<f64>,
    changes: bool,
    hold: Option<String>,
    severity: Option<Severity>,
    remove: bool,
}

/// What the options ask for.
#[derive(Debug, PartialEq)]
enum LimitTask {
    Show,
    Set(MetricLimit),
    /// Removes the limits of a metric; of one kind of condition, if one is given.
    Remove(Metric, Option<ConditionKind>),
}

impl LimitOptions {
    /// # Errors
    /// A sentence about the first mistake.
    fn task(self) -> Result<LimitTask, CommandError> {
        let condition = self.condition()?;
        let metric = self.metric.as_deref().map(str::parse::<Metric>);
        let metric = metric.transpose().map_err(|error| wrong("metric", error))?;
        let hold = self.hold.as_deref().map(|text| HOLD.parse(text));
        let hold = hold.transpose().map_err(|error| wrong("for", error))?;
        let is_more = condition.is_some() || hold.is_some() || self.severity.is_some();
        match (metric, self.remove) {
            (Some(metric), true) => Ok(LimitTask::Remove(metric, condition.map(Condition::kind))),
            (Some(metric), false) => Ok(LimitTask::Set(MetricLimit {
                metric,
                condition: condition.ok_or_else(texts::no_condition)?,
                hold: hold.unwrap_or(DEFAULT_HOLD),
                severity: self.severity.unwrap_or_default(),
            })),
            (None, true) => Err(texts::remove_without_metric()),
            (None, false) if is_more => Err(texts::no_metric()),
            (None, false) => Ok(LimitTask::Show),
        }
    }

    /// The only condition that is given; `None` if there is none.
    fn condition(&self) -> Result<Option<Condition>, CommandError> {
        let bounded = |kind, bound: Option<f64>| {
            let condition = bound.map(|bound| Condition::new(kind, Some(bound)));
            let condition = condition.transpose();
            condition.map_err(|error| CommandError::from(Error::Invalid(error.to_string())))
        };
        let given = [
            bounded(ConditionKind::Above, self.above)?,
            bounded(ConditionKind::Below, self.below)?,
            self.changes.then_some(Condition::Changes),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (_, Some(_)) => Err(texts::several_conditions()),
            (only, None) => Ok(only),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn named(metric: &str) -> LimitOptions {
        LimitOptions {
            metric: Some(metric.to_owned()),
            ..LimitOptions::default()
        }
    }

    fn set(options: LimitOptions) -> String {
        match options.task() {
            Ok(LimitTask::Set(limit)) => format!("{limit} ({})", limit.severity.as_str()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_metric_and_one_condition_set_a_limit() {
        let above = LimitOptions {
            above: Some(90.0),
            ..named("disk")
        };
        assert_eq!(set(above), "disk above 90 for 5 min (warning)");
        let below = LimitOptions {
            below: Some(0.5),
            hold: Some("0s".into()),
            severity: Some(Severity::Outage),
            ..named("metrics.*")
        };
        assert_eq!(set(below), "metrics.* below 0.5 (outage)");
        let changes = LimitOptions {
            changes: true,
            hold: Some("1d".into()),
            ..named("metrics.schema")
        };
        let Ok(LimitTask::Set(limit)) = changes.task() else {
            panic!("it is set");
        };
        assert_eq!(limit.condition, Condition::Changes);
        assert_eq!(limit.hold, Duration::from_secs(86_400));
    }

    #[test]
    fn limits_of_a_metric_are_removed_all_or_those_of_one_kind() {
        let metric: Metric = "disk".parse().unwrap();
        let all = LimitOptions {
            remove: true,
            ..named("disk")
        };
        let task = all.task().unwrap();
        assert_eq!(task, LimitTask::Remove(metric.clone(), None));
        let of_a_kind = LimitOptions {
            remove: true,
            below: Some(1.0),
            ..named("disk")
        };
        let task = of_a_kind.task().unwrap();
        assert_eq!(task, LimitTask::Remove(metric, Some(ConditionKind::Below)));
    }

    #[test]
    fn only_the_server_shows_its_limits() {
        let task = LimitOptions::default().task().unwrap();
        assert_eq!(task, LimitTask::Show);
    }

    #[test]
    fn each_mistake_has_a_sentence() {
        let mistakes = [
            LimitOptions {
                above: Some(90.0),
                ..LimitOptions::default()
            },
            LimitOptions {
                severity: Some(Severity::Outage),
                ..LimitOptions::default()
            },
            named("disk"),
            LimitOptions {
                above: Some(90.0),
                changes: true,
                ..named("disk")
            },
            LimitOptions {
                above: Some(f64::INFINITY),
                ..named("disk")
            },
            LimitOptions {
                above: Some(90.0),
                hold: Some("soon".into()),
                ..named("disk")
            },
            LimitOptions {
                above: Some(90.0),
                hold: Some("86401s".into()),
                ..named("disk")
            },
            LimitOptions {
                remove: true,
                ..LimitOptions::default()
            },
            named("*.*"),
        ];
        let sentences = mistakes.map(|options| options.task().unwrap_err().to_string());
        insta::assert_snapshot!(sentences.join("\n"), @"
        Name the metric of the limit, such as `metric:disk above:90`. To see the limits of the server, give only `server`.
        Name the metric of the limit, such as `metric:disk above:90`. To see the limits of the server, give only `server`.
        Say when the limit is exceeded, with `above`, `below` or `changes:True`. Example: `metric:disk above:90`. To remove limits, use `remove:True`.
        Give only one of `above`, `below` and `changes`. A metric can have a limit of each kind, so use the command again for the next one.
        `above` needs a number. Example: `90`.
        `for`: `soon` is not a duration. A duration is a number and a unit. Example: `5m` or `90s`.
        `for`: the time must be between 0s and 1d. Example: `5m` or `90s`.
        Name the metric whose limits Rollcall removes, such as `metric:disk remove:True`.
        `metric`: a metric is the path of a number in the reports, at most 128 bytes long and with at most one `*`. Example: `disk` or `metrics.queue`.
        ");
    }
}
