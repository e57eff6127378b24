//! The texts of servers in Discord: replies, errors and the sentences of cards.

use std::time::Duration;

use crate::discord::ui::embed::{self, date_and_time};
use crate::discord::ui::error::CommandError;
use crate::domain::monitor::{MonitorId, nearest_names};
use crate::domain::servers::metric::{self, Metric, ReportedNumber};
use crate::domain::servers::metric_limit::{Condition, MetricLimit, Severity};
use crate::domain::servers::threshold::{Judgement, ThresholdUsed, Thresholds};
use crate::domain::servers::threshold_proposal::{Replay, ReportIntervals};
use crate::domain::status::Status;
use crate::domain::{Timestamp, text};
use crate::store::servers::metric_limit::StoredLimit;

pub(super) const THRESHOLDS_APPLIED: &str = "Applied the proposed thresholds.";

pub(super) const NO_SERVERS: &str = "No servers yet";
pub(super) const HOW_TO_ADD: &str =
    "Add one with `/server add`, which shows the key for its agent.";

/// The error if only one or two of the three thresholds are set.
pub(super) fn all_or_no_thresholds() -> CommandError {
    CommandError::Refused(
        "Set all three thresholds, such as `online:5 warning:60 offline:120`, or none to use the bot's settings."
            .into(),
    )
}

/// The error if the server of a suggestion or of its buttons is removed.
pub(super) fn already_removed() -> CommandError {
    CommandError::Refused("This server has been removed.".into())
}

pub(super) fn too_few_reports(name: &str, needed: usize) -> String {
    format!(
        "{} has sent too few reports in the last 7 days. A suggestion needs {}.",
        embed::bold(name),
        text::count(needed as u64, "report")
    )
}

pub(super) fn thresholds_kept(name: &str) -> String {
    format!("The thresholds of {} were not changed.", embed::bold(name))
}

pub(super) fn list_title(count: usize) -> String {
    text::count(count as u64, "server")
}

/// A server in the list, in at most 160 characters. Its id distinguishes it, and commands accept it.
pub(super) fn listed(id: MonitorId, name: &str, judgement: &Judgement) -> String {
    format!(
        "{} **{}** · `#{}` · {}",
        embed::mark(judgement.shown_status()),
        text::cut(&text::escape(name), 80),
        id,
        judgement.shown_reason()
    )
}

/// The last line of a list that does not show all servers.
pub(super) fn more(count: usize) -> String {
    format!("… and {}", text::count(count as u64, "more server"))
}

pub(super) fn status(judgement: &Judgement) -> String {
    let reason = judgement.shown_reason();
    match judgement.used {
        // The reason says it all.
        ThresholdUsed::NeverSeen | ThresholdUsed::Inactive => reason.to_owned(),
        _ => format!("{}: {reason}", judgement.status.as_str()),
    }
}

/// `interval`: `None` if there are too few reports to learn it from.
pub(super) fn report_interval(interval: Option<Duration>, is_overdue: bool) -> String {
    let Some(interval) = interval.map(text::duration) else {
        return "not learned yet".to_owned();
    };
    if is_overdue {
        format!("every {interval}, overdue now")
    } else {
        format!("every {interval}")
    }
}

/// The thresholds of a server: the default ones or its own, set by people or adjusted by Rollcall.
pub(super) fn thresholds(
    thresholds: &Thresholds,
    are_default: bool,
    are_automatic: bool,
) -> String {
    let lengths = lengths(thresholds);
    match (are_default, are_automatic) {
        (true, false) => format!("{lengths} (default)"),
        (true, true) => format!("{lengths} (default), adjusted automatically"),
        (false, false) => lengths,
        (false, true) => format!("{lengths}, adjusted automatically"),
    }
}

fn lengths(thresholds: &Thresholds) -> String {
    format!(
        "online {} · warning {} · offline {}",
        text::duration(thresholds.online()),
        text::duration(thresholds.warning()),
        text::duration(thresholds.offline())
    )
}

/// One sample with its metrics, in at most 300 characters, so that three fit into a field.
pub(super) fn sample(at: Timestamp, metrics: &[(String, f64)]) -> String {
    let at = embed::relative(at);
    if metrics.is_empty() {
        return format!("{at} · no metrics");
    }
    let metrics: Vec<String> = metrics
        .iter()
        .map(|(name, number)| format!("{name} {number}"))
        .collect();
    let metrics = text::cut(&text::escape(&metrics.join(" · ")), 250);
    format!("{at} · {metrics}")
}

pub(super) fn suggestion_title(name: &str) -> String {
    format!("Thresholds for {}", text::cut(&text::escape(name), 200))
}

/// The intervals that a suggestion is based on.
pub(super) fn report_intervals(intervals: &ReportIntervals) -> String {
    format!(
        "This server reports every {}. In the last 7 days, 99% of its {} were at most {}.",
        text::duration(intervals.median),
        text::count(intervals.gaps as u64, "report interval"),
        text::duration(intervals.percentile_99)
    )
}

/// Thresholds of a suggestion, and what they would have led to.
pub(super) fn replayed(thresholds: &Thresholds, replay: Replay) -> String {
    let lengths = lengths(thresholds);
    let warnings = text::count(replay.warnings as u64, "warning");
    match replay.offline {
        0 => format!(
            "{lengths}\nWith these thresholds, the server would have had {warnings} in the last 7 days and never been offline."
        ),
        offline => format!(
            "{lengths}\nWith these thresholds, the server would have had {warnings} in the last 7 days and been offline {}.",
            text::count(offline as u64, "time")
        ),
    }
}

// Limits on what servers report

pub(super) const LIMITS: &str = "Limits";
pub(super) const NO_LIMITS: &str =
    "No limits yet. A limit makes a warning or an outage of a number that the server reports.";
pub(super) const SET_A_LIMIT: &str = "Set a limit";
pub(super) const HOW_TO_SET_A_LIMIT: &str = "Add `metric` and one of `above`, `below` and `changes:True` to this command, such as `metric:disk above:90 for:5m`. `remove:True` removes the limits of a metric.";
pub(super) const NOTIFICATIONS: &str = "Notifications";
pub(super) const NO_REPORT_YET: &str = "No report has arrived yet.";
pub(super) const WARNINGS_OFF: &str = "🔕 This Discord server gets no notifications about warnings. A manager can turn them on with `/alerts notifications warnings:True`.";

pub(super) fn limits_title(name: &str) -> String {
    format!("Limits of {}", text::cut(&text::escape(name), 200))
}

pub(super) fn first_report_title(name: &str) -> String {
    let name = text::cut(&text::escape(name), 200);
    format!("✅ First report of {name}")
}

/// The numbers of a report as people read them, in at most 1,000 characters.
pub(super) fn numbers(figures: &[(String, f64)]) -> String {
    if figures.is_empty() {
        return "This report has no numbers.".to_owned();
    }
    let number = |(path, value): &(String, f64)| {
        let (name, unit) = ReportedNumber {
            path,
            value: *value,
        }
        .name();
        format!("{name} {}{unit}", metric::number(*value))
    };
    let numbers: Vec<String> = figures.iter().map(number).collect();
    text::cut(&text::escape(&numbers.join(" · ")), 1_000)
}

/// A limit with its state, in at most 420 characters. `figures`: the numbers of the latest report; `None` if there are none.
pub(super) fn limit(stored: &StoredLimit, figures: Option<&[(String, f64)]>) -> String {
    let progress = &stored.progress;
    let status = match progress.exceeded {
        Some(_) => stored.limit.severity.status(),
        None => Status::Online,
    };
    let state = match (&progress.exceeded, progress.beyond_since) {
        (None, None) => "met".to_owned(),
        (None, Some(since)) => format!("met, but beyond it since {}", date_and_time(since)),
        (Some(_), Some(since)) => format!("exceeded since {}", date_and_time(since)),
        (Some(_), None) => "exceeded".to_owned(),
    };
    let line = format!(
        "{} {} ({}): {state}",
        embed::mark(status),
        embed::bold(&stored.limit.to_string()),
        stored.limit.severity.as_str()
    );
    match figures.map(|figures| reported(&stored.limit, figures)) {
        Some(Some(number)) => format!("{line} · now {number}"),
        Some(None) => format!("{line} · not in the latest report"),
        None => line,
    }
}

/// The number of a report that a limit is about, such as `disk / at 71 %`, in at most 100 characters.
fn reported(limit: &MetricLimit, figures: &[(String, f64)]) -> Option<String> {
    let figure = limit.decisive(figures)?;
    let (name, unit) = figure.name();
    let name = text::cut(&text::escape(&name), 80);
    let value = metric::number(figure.value);
    Some(format!("{name} at {value}{unit}"))
}

/// The last line of a list that does not show all limits.
pub(super) fn more_limits(count: usize) -> String {
    format!("… and {}", text::count(count as u64, "more limit"))
}

/// What a limit that was set just now does.
pub(super) fn limit_set(name: &str, limit: &MetricLimit) -> String {
    let server = embed::bold(name);
    let metric = text::code(limit.metric.as_str());
    let state = match limit.severity {
        Severity::Warning => "in warning",
        Severity::Outage => "offline",
    };
    let hold = (!limit.hold.is_zero()).then(|| text::duration(limit.hold));
    let condition = match (limit.condition, hold) {
        (Condition::Above(bound), None) => format!("is above {}", metric::number(bound)),
        (Condition::Above(bound), Some(hold)) => {
            format!("is above {} for {hold}", metric::number(bound))
        }
        (Condition::Below(bound), None) => format!("is below {}", metric::number(bound)),
        (Condition::Below(bound), Some(hold)) => {
            format!("is below {} for {hold}", metric::number(bound))
        }
        (Condition::Changes, None) => "changes, until a report without a change".to_owned(),
        (Condition::Changes, Some(hold)) => {
            format!("changes, until it stays the same for {hold}")
        }
    };
    format!("{server} is {state} when {metric} {condition}.")
}

/// What the latest report has of a limit that was set just now. `figures`: its numbers; `None` if no report has arrived.
pub(super) fn limit_now(limit: &MetricLimit, figures: Option<&[(String, f64)]>) -> String {
    let metric = text::code(limit.metric.as_str());
    let Some(figures) = figures else {
        return format!(
            "⚠️ No report has arrived yet, so it is unknown whether the reports have {metric}."
        );
    };
    if let Some(number) = reported(limit, figures) {
        return format!("Now: {number}.");
    }
    let paths = || figures.iter().map(|(path, _)| path.as_str());
    let nearest = nearest_names::nearest(limit.metric.as_str(), paths());
    let shown: Vec<String> = match nearest.is_empty() {
        true => paths().take(SHOWN_PATHS).map(text::code).collect(),
        false => nearest.into_iter().map(text::code).collect(),
    };
    let missing =
        format!("⚠️ The latest report has no number {metric}, so the limit has no effect yet.");
    match shown.is_empty() {
        true => format!("{missing} The report has no numbers at all."),
        false => format!("{missing} It has, for example, {}.", shown.join(", ")),
    }
}

/// How many paths of a report a warning names.
const SHOWN_PATHS: usize = 5;

pub(super) fn limits_removed(name: &str, removed: &[MetricLimit]) -> String {
    format!(
        "Removed {} of {}: {}.",
        text::count(removed.len() as u64, "limit"),
        embed::bold(name),
        in_one_line(removed)
    )
}

/// Limits in a sentence: at most one of each kind of condition, or the first few.
fn in_one_line(limits: &[MetricLimit]) -> String {
    let shown = limits.iter().take(SHOWN_PATHS);
    let mut parts: Vec<String> = shown.map(|limit| text::code(&limit.to_string())).collect();
    if limits.len() > SHOWN_PATHS {
        parts.push(more_limits(limits.len() - SHOWN_PATHS));
    }
    parts.join(", ")
}

pub(super) fn no_metric() -> CommandError {
    CommandError::Refused(
        "Name the metric of the limit, such as `metric:disk above:90`. To see the limits of the server, give only `server`."
            .into(),
    )
}

pub(super) fn no_condition() -> CommandError {
    CommandError::Refused(
        "Say when the limit is exceeded, with `above`, `below` or `changes:True`. Example: `metric:disk above:90`. To remove limits, use `remove:True`."
            .into(),
    )
}

pub(super) fn several_conditions() -> CommandError {
    CommandError::Refused(
        "Give only one of `above`, `below` and `changes`. A metric can have a limit of each kind, so use the command again for the next one."
            .into(),
    )
}

pub(super) fn remove_without_metric() -> CommandError {
    CommandError::Refused(
        "Name the metric whose limits Rollcall removes, such as `metric:disk remove:True`.".into(),
    )
}

/// The error if a server has no limit of a metric, or none of the kind that was given. `known`: its limits.
pub(super) fn no_limit_to_remove(
    name: &str,
    metric: &Metric,
    known: &[MetricLimit],
) -> CommandError {
    let (server, metric) = (embed::bold(name), text::code(metric.as_str()));
    CommandError::Refused(match known.is_empty() {
        true => format!("{server} has no limits, so there is nothing to remove."),
        false => format!(
            "{server} has no such limit on {metric}. Its limits: {}.",
            in_one_line(known)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::servers::threshold::{Reports, judge};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn texts_of_servers() {
        let reports = Reports {
            last_seen: Some(NOW.minus(MINUTE)),
            is_active: true,
        };
        let judgement = judge(reports, &Thresholds::DEFAULT, NOW);
        let defaults = Thresholds::DEFAULT;
        let metrics = [("cpu".to_owned(), 12.5), ("load.0".to_owned(), 1.0)];
        let texts = [
            THRESHOLDS_APPLIED.to_owned(),
            NO_SERVERS.to_owned(),
            HOW_TO_ADD.to_owned(),
            all_or_no_thresholds().to_string(),
            already_removed().to_string(),
            too_few_reports("db-1", 21),
            thresholds_kept("db-1"),
            list_title(1),
            list_title(40),
            listed(MonitorId(7), "db-1", &judgement),
            more(1),
            more(15),
            status(&judgement),
            report_interval(Some(MINUTE), false),
            report_interval(Some(MINUTE), true),
            thresholds(&defaults, true, false),
            thresholds(&defaults, true, true),
            thresholds(&defaults, false, false),
            thresholds(&defaults, false, true),
            sample(NOW, &[]),
            sample(NOW, &metrics),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Applied the proposed thresholds.
        No servers yet
        Add one with `/server add`, which shows the key for its agent.
        Set all three thresholds, such as `online:5 warning:60 offline:120`, or none to use the bot's settings.
        This server has been removed.
        **db-1** has sent too few reports in the last 7 days. A suggestion needs 21 reports.
        The thresholds of **db-1** were not changed.
        1 server
        40 servers
        🟢 **db-1** · `#7` · last report 1 min ago, within 5 min
        … and 1 more server
        … and 15 more servers
        online: last report 1 min ago, within 5 min
        every 1 min
        every 1 min, overdue now
        online 5 min · warning 1 h · offline 2 h (default)
        online 5 min · warning 1 h · offline 2 h (default), adjusted automatically
        online 5 min · warning 1 h · offline 2 h
        online 5 min · warning 1 h · offline 2 h, adjusted automatically
        <t:1769860800:R> · no metrics
        <t:1769860800:R> · cpu 12.5 · load.0 1
        ");
    }

    #[test]
    fn texts_of_a_suggestion() {
        let intervals = ReportIntervals {
            gaps: 10_079,
            median: MINUTE,
            percentile_99: MINUTE * 2,
        };
        let replayed = |warnings, offline| {
            let replay = Replay { warnings, offline };
            super::replayed(&Thresholds::DEFAULT, replay)
        };
        let texts = [
            suggestion_title("db-1"),
            report_intervals(&intervals),
            replayed(0, 0),
            replayed(1, 0),
            replayed(3, 1),
            replayed(7, 2),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Thresholds for db-1
        This server reports every 1 min. In the last 7 days, 99% of its 10079 report intervals were at most 2 min.
        online 5 min · warning 1 h · offline 2 h
        With these thresholds, the server would have had 0 warnings in the last 7 days and never been offline.
        online 5 min · warning 1 h · offline 2 h
        With these thresholds, the server would have had 1 warning in the last 7 days and never been offline.
        online 5 min · warning 1 h · offline 2 h
        With these thresholds, the server would have had 3 warnings in the last 7 days and been offline 1 time.
        online 5 min · warning 1 h · offline 2 h
        With these thresholds, the server would have had 7 warnings in the last 7 days and been offline 2 times.
        ");
    }

    fn of(metric: &str, condition: Condition, severity: Severity) -> MetricLimit {
        MetricLimit {
            metric: metric.parse().unwrap(),
            condition,
            hold: MINUTE * 5,
            severity,
        }
    }

    #[test]
    fn sentences_about_a_limit_that_was_set() {
        use Severity::{Outage, Warning};
        let at_once = |limit| MetricLimit {
            hold: Duration::ZERO,
            ..limit
        };
        let schema = of("metrics.schema", Condition::Changes, Warning);
        let texts = [
            of("disk", Condition::Above(90.0), Warning),
            at_once(of("disk", Condition::Above(90.5), Outage)),
            of("metrics.queue", Condition::Below(-1.0), Warning),
            at_once(of("metrics.queue", Condition::Below(0.0), Warning)),
            schema.clone(),
            at_once(schema),
            of("@everyone`*", Condition::Above(1.0), Warning),
        ];
        let texts = texts.map(|limit| limit_set("db-1", &limit));
        insta::assert_snapshot!(texts.join("\n"), @"
        **db-1** is in warning when `disk` is above 90 for 5 min.
        **db-1** is offline when `disk` is above 90.5.
        **db-1** is in warning when `metrics.queue` is below -1 for 5 min.
        **db-1** is in warning when `metrics.queue` is below 0.
        **db-1** is in warning when `metrics.schema` changes, until it stays the same for 5 min.
        **db-1** is in warning when `metrics.schema` changes, until a report without a change.
        **db-1** is in warning when `@everyone'*` is above 1 for 5 min.
        ");
    }

    #[test]
    fn sentences_about_the_number_of_a_limit_in_the_latest_report() {
        let paths = [
            "cpu",
            "disk./.used_percent",
            "memory.used_percent",
            "a",
            "b",
            "c",
        ];
        let figures = paths.map(|path| (path.to_owned(), 71.0));
        let now = |metric: &str, figures: Option<&[(String, f64)]>| {
            limit_now(
                &of(metric, Condition::Above(90.0), Severity::Warning),
                figures,
            )
        };
        let texts = [
            now("disk", Some(&figures)),
            now("cpu", Some(&figures)),
            now("memori.used_percent", Some(&figures)),
            now("queue", Some(&figures)),
            now("queue", Some(&[])),
            now("queue", None),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Now: disk / at 71 %.
        Now: cpu at 71.
        ⚠️ The latest report has no number `memori.used_percent`, so the limit has no effect yet. It has, for example, `memory.used_percent`, `disk./.used_percent`.
        ⚠️ The latest report has no number `queue`, so the limit has no effect yet. It has, for example, `cpu`, `disk./.used_percent`, `memory.used_percent`, `a`, `b`.
        ⚠️ The latest report has no number `queue`, so the limit has no effect yet. The report has no numbers at all.
        ⚠️ No report has arrived yet, so it is unknown whether the reports have `queue`.
        ");
    }

    #[test]
    fn texts_of_limits() {
        let (above, below) = (Condition::Above(90.0), Condition::Below(1.0));
        let disk = of("disk", above, Severity::Warning);
        let both = [disk.clone(), of("disk", below, Severity::Outage)];
        let many = vec![disk; 7];
        let metric: Metric = "disk".parse().unwrap();
        let texts = [
            NO_LIMITS.to_owned(),
            HOW_TO_SET_A_LIMIT.to_owned(),
            NO_REPORT_YET.to_owned(),
            WARNINGS_OFF.to_owned(),
            more_limits(1),
            limits_removed("db-1", &both[..1]),
            limits_removed("db-1", &both),
            no_metric().to_string(),
            no_condition().to_string(),
            several_conditions().to_string(),
            remove_without_metric().to_string(),
            no_limit_to_remove("db-1", &metric, &[]).to_string(),
            no_limit_to_remove("db-1", &metric, &both).to_string(),
            no_limit_to_remove("db-1", &metric, &many).to_string(),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        No limits yet. A limit makes a warning or an outage of a number that the server reports.
        Add `metric` and one of `above`, `below` and `changes:True` to this command, such as `metric:disk above:90 for:5m`. `remove:True` removes the limits of a metric.
        No report has arrived yet.
        🔕 This Discord server gets no notifications about warnings. A manager can turn them on with `/alerts notifications warnings:True`.
        … and 1 more limit
        Removed 1 limit of **db-1**: `disk above 90 for 5 min`.
        Removed 2 limits of **db-1**: `disk above 90 for 5 min`, `disk below 1 for 5 min`.
        Name the metric of the limit, such as `metric:disk above:90`. To see the limits of the server, give only `server`.
        Say when the limit is exceeded, with `above`, `below` or `changes:True`. Example: `metric:disk above:90`. To remove limits, use `remove:True`.
        Give only one of `above`, `below` and `changes`. A metric can have a limit of each kind, so use the command again for the next one.
        Name the metric whose limits Rollcall removes, such as `metric:disk remove:True`.
        **db-1** has no limits, so there is nothing to remove.
        **db-1** has no such limit on `disk`. Its limits: `disk above 90 for 5 min`, `disk below 1 for 5 min`.
        **db-1** has no such limit on `disk`. Its limits: `disk above 90 for 5 min`, `disk above 90 for 5 min`, `disk above 90 for 5 min`, `disk above 90 for 5 min`, `disk above 90 for 5 min`, … and 2 more limits.
        ");
    }
}
