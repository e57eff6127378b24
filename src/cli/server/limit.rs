//! `rollcall server limit`: shows, sets and removes the limits on what a server reports.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::actions::Requester;
use crate::actions::servers::figures;
use crate::actions::servers::metric_limits::{self, LimitEdit};
use crate::app::AppError;
use crate::cli::terminal::guild_argument::GuildArgument;
use crate::cli::terminal::{app_error, find_monitor, print_line, print_note};
use crate::clock::Clock;
use crate::domain::monitor::MonitorKind;
use crate::domain::servers::metric::Metric;
use crate::domain::servers::metric_limit::{
    Condition, ConditionKind, DEFAULT_HOLD, HOLD, MetricLimit, Severity,
};
use crate::domain::text;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::monitors::monitor::Monitor;
use crate::store::servers::metric_limit::StoredLimit;
use crate::store::servers::server;

#[derive(Debug, Args)]
pub(in crate::cli) struct LimitArguments {
    /// Name or id of the server
    server: String,
    /// Numbers in its reports: disk, memory, or a path such as metrics.queue, with * for any text in one place
    #[arg(long, value_name = "METRIC", value_parser = metric)]
    metric: Option<Metric>,
    /// Exceeded while a number is above this one
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true)]
    above: Option<f64>,
    /// Exceeded while a number is below this one
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true)]
    below: Option<f64>,
    /// Exceeded when the number changes, until it has stayed the same for the time of --for
    #[arg(long)]
    changes: bool,
    /// How long a number must be beyond the limit, at most 24h; 0s: one report is enough [default: 5m]
    #[arg(long = "for", value_name = "TIME", value_parser = hold)]
    hold: Option<Duration>,
    /// What the server is in meanwhile: warning, or an outage, which counts as offline [default: warning]
    #[arg(
        long = "as",
        value_name = "SEVERITY",
        value_enum,
        hide_possible_values = true
    )]
    severity: Option<SeverityArgument>,
    /// Remove the limits on the metric; with --above, --below or --changes, only that kind
    #[arg(long)]
    remove: bool,
    /// Set the suggested limits for the disks and the memory in its latest report
    #[arg(long)]
    suggested: bool,
    #[command(flatten)]
    guild: GuildArgument,
    /// Print its limits as a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SeverityArgument {
    Warning,
    Outage,
}

impl From<SeverityArgument> for Severity {
    fn from(severity: SeverityArgument) -> Self {
        match severity {
            SeverityArgument::Warning => Self::Warning,
            SeverityArgument::Outage => Self::Outage,
        }
    }
}

fn metric(text: &str) -> Result<Metric, String> {
    text.parse::<Metric>().map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok();
    let number = number.filter(|number| number.is_finite());
    number.ok_or_else(|| "must be a number, without a unit. Example: `90`".to_owned())
}

fn hold(text: &str) -> Result<Duration, String> {
    HOLD.parse(text).map_err(|error| error.to_string())
}

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LimitRequest {
    Show,
    Suggested,
    Edit(LimitEdit),
}

impl LimitArguments {
    /// Reads the arguments; those that do not belong together are an error of usage.
    pub(super) fn request(&self) -> Result<LimitRequest, AppError> {
        let mistake = |sentence: &str| Err(AppError::Setting(sentence.to_owned()));
        let condition = self.condition()?;
        let has_details = self.hold.is_some() || self.severity.is_some();
        let has_others = condition.is_some() || has_details || self.remove;
        let metric = match (self.suggested, &self.metric) {
            (true, None) if !has_others => return Ok(LimitRequest::Suggested),
            (true, _) => {
                return mistake(
                    "--suggested sets limits of its own. Use it without --metric and the options of a limit",
                );
            }
            (false, None) if !has_others => return Ok(LimitRequest::Show),
            (false, None) => {
                return mistake(
                    "--metric is missing: it says which numbers the limit is about. Example: --metric disk",
                );
            }
            (false, Some(metric)) => metric.clone(),
        };
        match condition {
            _ if self.remove && has_details => mistake("--remove takes neither --for nor --as"),
            condition if self.remove => {
                let kind = condition.map(Condition::kind);
                Ok(LimitRequest::Edit(LimitEdit::Remove(metric, kind)))
            }
            None => mistake(
                "--metric needs --above, --below or --changes, or else --remove. Example: --metric disk --above 90",
            ),
            Some(condition) => Ok(LimitRequest::Edit(LimitEdit::Set(vec![MetricLimit {
                metric,
                condition,
                hold: self.hold.unwrap_or(DEFAULT_HOLD),
                severity: self.severity.map(Severity::from).unwrap_or_default(),
            }]))),
        }
    }

    fn condition(&self) -> Result<Option<Condition>, AppError> {
        let (kind, bound) = match (self.above, self.below, self.changes) {
            (None, None, false) => return Ok(None),
            (Some(bound), None, false) => (ConditionKind::Above, Some(bound)),
            (None, Some(bound), false) => (ConditionKind::Below, Some(bound)),
            (None, None, true) => (ConditionKind::Changes, None),
            _ => {
                return Err(AppError::Setting(
                    "a limit has one of --above, --below and --changes. Use the command once for each".into(),
                ));
            }
        };
        let condition = Condition::new(kind, bound);
        let condition = condition.map_err(|error| AppError::Setting(error.to_string()))?;
        Ok(Some(condition))
    }
}

pub(super) async fn run(
    settings: &Settings,
    store: &Store,
    arguments: LimitArguments,
) -> Result<(), AppError> {
    let requester = arguments.guild.requester(settings);
    let kind = Some(MonitorKind::Server);
    let server = find_monitor(store, requester, kind, &arguments.server).await?;
    let edit = match arguments.request()? {
        LimitRequest::Show => None,
        LimitRequest::Suggested => Some(LimitEdit::Set(suggested(store, &server).await?)),
        LimitRequest::Edit(edit) => Some(edit),
    };
    let limits = match edit {
        Some(edit) => change(store, requester, &server, edit).await?,
        None => list(store, requester, &server).await?,
    };
    show(&server, &limits, arguments.json);
    Ok(())
}

async fn list(
    store: &Store,
    requester: Requester,
    server: &Monitor,
) -> Result<Vec<StoredLimit>, AppError> {
    let limits = metric_limits::list(&store.reader, requester, server.id).await;
    limits.map_err(app_error)
}

/// Changes the limits, and returns those that the server has then.
async fn change(
    store: &Store,
    requester: Requester,
    server: &Monitor,
    edit: LimitEdit,
) -> Result<Vec<StoredLimit>, AppError> {
    let before = list(store, requester, server).await?;
    let now = Clock::SYSTEM.now();
    let changed = metric_limits::edit(store, requester, server.id, edit, now).await;
    changed.map_err(app_error)?;
    let after = list(store, requester, server).await?;
    let ids = |limits: &[StoredLimit]| limits.iter().map(|one| one.id).collect::<Vec<_>>();
    print_note(match ids(&before) == ids(&after) {
        true => "Nothing changed",
        false => "Changed the limits",
    });
    Ok(after)
}

/// The limits that are suggested for what a server reported last.
async fn suggested(store: &Store, server: &Monitor) -> Result<Vec<MetricLimit>, AppError> {
    let name = &server.name;
    let example = "`--metric cpu --above 90`";
    let latest = server::latest_samples(&store.reader, server.id, 1).await?;
    let Some(latest) = latest.first() else {
        return Err(AppError::Other(format!(
            "{name} has not sent a report yet, so there is nothing to suggest. Start its agent first, or set a limit yourself, such as {example}"
        )));
    };
    let limits = MetricLimit::suggested(&figures::of(&latest.stats));
    if limits.is_empty() {
        return Err(AppError::Other(format!(
            "the latest report of {name} has no percentage of a disk or of the memory, so there is nothing to suggest. Set a limit yourself, such as {example}"
        )));
    }
    Ok(limits)
}

fn show(server: &Monitor, limits: &[StoredLimit], as_json: bool) {
    if as_json {
        let limits: Vec<Value> = limits.iter().map(shown).collect();
        print_line(&Value::Array(limits).to_string());
        return;
    }
    if limits.is_empty() {
        print_note(&format!(
            "{} has no limits. Set one with `rollcall server limit {} --metric disk --above 90`",
            server.name, server.id
        ));
    }
    for limit in limits {
        print_line(&line(limit));
    }
}

/// A limit, what it makes of the server, and what the reports so far have shown.
fn line(stored: &StoredLimit) -> String {
    let StoredLimit {
        limit, progress, ..
    } = stored;
    let state = match (&progress.exceeded, progress.beyond_since) {
        (Some(reason), _) => format!("exceeded: {reason}"),
        (None, Some(since)) => format!("beyond it since {}", text::timestamp(since)),
        (None, None) => "met".to_owned(),
    };
    format!("{limit}  {}  {state}", limit.severity.as_str())
}

/// In the shape of the API.
fn shown(stored: &StoredLimit) -> Value {
    let (limit, progress) = (&stored.limit, &stored.progress);
    let bound = |kind| {
        let condition = Some(limit.condition).filter(|condition| condition.kind() == kind);
        condition.and_then(Condition::bound)
    };
    json!({
        "metric": limit.metric.as_str(), "above": bound(ConditionKind::Above), "below": bound(ConditionKind::Below),
        "changes": limit.condition == Condition::Changes, "for_seconds": limit.hold_seconds(),
        "severity": limit.severity.as_str(), "exceeded_reason": progress.exceeded,
        "beyond_since": progress.beyond_since.map(text::timestamp),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::server::ServerCommand;
    use crate::cli::{Arguments, Command};

    fn request(typed: &str) -> Result<LimitRequest, String> {
        let words = ["rollcall", "server", "limit", "db-1"].into_iter();
        let parsed = Arguments::try_parse_from(words.chain(typed.split_whitespace()));
        let parsed = parsed.map_err(|error| error.to_string())?;
        let Some(Command::Server(ServerCommand::Limit(arguments))) = parsed.command else {
            return Err("another command".into());
        };
        arguments.request().map_err(|error| error.to_string())
    }

    fn set(metric: &str, condition: Condition) -> MetricLimit {
        MetricLimit {
            metric: metric.parse().unwrap(),
            condition,
            hold: DEFAULT_HOLD,
            severity: Severity::Warning,
        }
    }

    #[test]
    fn arguments_are_read_with_negative_numbers_and_defaults() {
        let lasting = MetricLimit {
            hold: Duration::from_secs(90),
            severity: Severity::Outage,
            ..set("metrics.temperature.*", Condition::Below(-5.5))
        };
        let remove = |kind| LimitEdit::Remove("disk".parse().unwrap(), kind);
        for (typed, expected) in [
            ("", LimitRequest::Show),
            ("--suggested", LimitRequest::Suggested),
            (
                "--metric disk --above 90",
                LimitRequest::Edit(LimitEdit::Set(vec![set("disk", Condition::Above(90.0))])),
            ),
            (
                "--metric disk --changes --for 5",
                LimitRequest::Edit(LimitEdit::Set(vec![set("disk", Condition::Changes)])),
            ),
            (
                "--metric metrics.temperature.* --below -5.5 --for 90s --as outage",
                LimitRequest::Edit(LimitEdit::Set(vec![lasting])),
            ),
            ("--metric disk --remove", LimitRequest::Edit(remove(None))),
            (
                "--metric disk --below 0 --remove",
                LimitRequest::Edit(remove(Some(ConditionKind::Below))),
            ),
        ] {
            assert_eq!(request(typed), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn each_mistake_has_a_sentence_of_its_own() {
        for (typed, sentence) in [
            ("--above 90", "--metric is missing"),
            ("--for 5m", "--metric is missing"),
            ("--remove", "--metric is missing"),
            ("--metric disk", "--metric needs --above"),
            ("--metric disk --as outage", "--metric needs --above"),
            ("--metric disk --above 1 --below 2", "has one of --above"),
            ("--metric disk --above 1 --changes", "has one of --above"),
            ("--metric disk --remove --for 5m", "neither --for nor --as"),
            ("--metric disk --suggested", "--suggested sets"),
            ("--suggested --remove", "--suggested sets"),
            ("--metric disk --above high", "must be a number"),
            ("--metric disk --above 90%", "must be a number"),
            ("--metric disk --above NaN", "must be a number"),
            ("--metric disk --above -inf", "must be a number"),
            ("--metric disk --above 1 --for soon", "is not a duration"),
            ("--metric disk --above 1 --for 1441m", "between 0s and 1d"),
            ("--metric a*b* --above 1", "at most one `*`"),
            ("--metric disk --above 1 --as loud", "outage"),
        ] {
            let error = request(typed).unwrap_err();
            assert!(error.contains(sentence), "{typed}: {error}");
        }
    }
}
