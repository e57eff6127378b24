//! The texts of servers in Discord: replies, errors and the sentences of cards.

use std::time::Duration;

use crate::discord::ui::embed;
use crate::discord::ui::error::CommandError;
use crate::domain::monitor::MonitorId;
use crate::domain::servers::threshold::{Judgement, ThresholdUsed, Thresholds};
use crate::domain::servers::threshold_proposal::{Replay, ReportIntervals};
use crate::domain::{Timestamp, text};

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
}
