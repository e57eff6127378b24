//! `rollcall doctor`: looks for what keeps Rollcall from working, a line for each part, with what to do.

mod discord;
pub(super) mod healthcheck;
mod local;
mod network;

use clap::Args;
use serde_json::json;
use strum::IntoStaticStr;

use super::terminal::print_line;
use crate::app::AppError;
use crate::domain::text;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
enum PartState {
    Ok,
    /// It works, or could work, but probably not as it was meant.
    Warning,
    /// It does not work.
    Problem,
    /// It is not set up, or something that it needs has a problem.
    Skipped,
}

/// What was found about a part, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    part: &'static str,
    state: PartState,
    sentence: String,
}

impl Finding {
    fn ok(part: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(part, PartState::Ok, sentence)
    }

    fn warning(part: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(part, PartState::Warning, sentence)
    }

    fn problem(part: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(part, PartState::Problem, sentence)
    }

    fn skipped(part: &'static str, sentence: impl Into<String>) -> Self {
        Self::new(part, PartState::Skipped, sentence)
    }

    fn new(part: &'static str, state: PartState, sentence: impl Into<String>) -> Self {
        Self {
            part,
            state,
            sentence: sentence.into(),
        }
    }
}

/// Examines every part. Each is printed as soon as it is known, because Discord and the network may take a while.
pub(super) async fn run(settings: &Settings, arguments: &DoctorArguments) -> Result<(), AppError> {
    let mut report = Report {
        as_json: arguments.json,
        findings: Vec::new(),
    };
    report.add(local::settings(settings));
    let database = local::database(settings).await;
    report.add(vec![database.finding]);
    report.add(vec![local::port(settings, database.is_running).await]);
    report.add(network::resolver(settings).await);
    report.add(network::reference_hosts(settings).await);
    discord::examine(settings, &database.alert_channels, &mut report).await;
    report.end()
}

/// Without valid settings, nothing else can be examined.
pub(super) fn refuse(mistakes: &[String], arguments: &DoctorArguments) -> Result<(), AppError> {
    let mut report = Report {
        as_json: arguments.json,
        findings: Vec::new(),
    };
    let problems = mistakes.iter();
    report.add(
        problems
            .map(|mistake| Finding::problem("settings", mistake))
            .collect(),
    );
    let sentence = "examined once the settings are valid";
    report.add(vec![Finding::skipped("everything else", sentence)]);
    report.end()
}

struct Report {
    as_json: bool,
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if !self.as_json {
                print_line(&line(&finding));
            }
            self.findings.push(finding);
        }
    }

    fn end(self) -> Result<(), AppError> {
        if self.as_json {
            let shown: Vec<_> = self.findings.iter().map(shown).collect();
            print_line(&serde_json::Value::Array(shown).to_string());
        }
        let problems = self
            .findings
            .iter()
            .filter(|finding| finding.state == PartState::Problem);
        match problems.count() {
            0 => Ok(()),
            count => Err(AppError::Other(format!(
                "{} found",
                text::count(count as u64, "problem")
            ))),
        }
    }
}

fn line(finding: &Finding) -> String {
    let state: &str = finding.state.into();
    format!("{state:<8} {:<16} {}", finding.part, finding.sentence)
}

fn shown(finding: &Finding) -> serde_json::Value {
    let state: &str = finding.state.into();
    json!({ "part": finding.part, "state": state, "sentence": finding.sentence })
}
