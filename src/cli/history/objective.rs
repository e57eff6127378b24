//! `rollcall objective`: sets, removes and lists objectives of monitors and groups.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::actions::history::objectives::figures::{self, ObjectiveFigures};
use crate::actions::history::objectives::{remove, set};
use crate::app::AppError;
use crate::cli::terminal::guild_argument::GuildArgument;
use crate::cli::terminal::{app_error, find_monitor, print_line, print_note};
use crate::cli::{Database, with_store};
use crate::clock::Clock;
use crate::domain::history::objective::budget::BudgetState;
use crate::domain::history::objective::{
    Objective, ObjectivePercent, ObjectiveSubject, ObjectiveWindow,
};
use crate::domain::{millis, text};
use crate::settings::Settings;
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ObjectiveCommand {
    /// Set how much of the time a monitor or a group is to be online
    Set(SetObjectiveArguments),
    /// Remove the objective of a monitor or a group
    Remove(RemoveObjectiveArguments),
    /// List objectives with the downtime that is left, the worst first
    List(ListObjectivesArguments),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetObjectiveArguments {
    #[command(flatten)]
    subject: ObjectiveSubjectArguments,
    /// Share of the time that is to be online, in percent, from 50 to 99.999
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    objective: ObjectivePercent,
    /// The time up to now that counts, from 1d to 365d, such as 7d or 4w
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = window)]
    window: ObjectiveWindow,
    #[command(flatten)]
    guild: GuildArgument,
    /// Print the objective as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RemoveObjectiveArguments {
    #[command(flatten)]
    subject: ObjectiveSubjectArguments,
    #[command(flatten)]
    guild: GuildArgument,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListObjectivesArguments {
    #[command(flatten)]
    guild: GuildArgument,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ObjectiveSubjectArguments {
    /// Name or id of a monitor
    #[arg(conflicts_with = "group", required_unless_present = "group")]
    monitor: Option<String>,
    /// A group in place of a monitor: its monitors have the objective on average
    #[arg(long, value_parser = crate::cli::name)]
    group: Option<String>,
}

fn percent(text: &str) -> Result<ObjectivePercent, String> {
    ObjectivePercent::parse(text).map_err(|error| error.to_string())
}

fn window(text: &str) -> Result<ObjectiveWindow, String> {
    ObjectiveWindow::parse(text).map_err(|error| error.to_string())
}

pub(in crate::cli) async fn run(
    settings: &Settings,
    command: ObjectiveCommand,
) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| match command {
        ObjectiveCommand::Set(arguments) => set_one(settings, store, arguments).await,
        ObjectiveCommand::Remove(arguments) => remove_one(settings, store, arguments).await,
        ObjectiveCommand::List(arguments) => list(settings, store, &arguments).await,
    })
    .await
}

async fn set_one(
    settings: &Settings,
    store: &Store,
    arguments: SetObjectiveArguments,
) -> Result<(), AppError> {
    let (requester, now) = (arguments.guild.requester(settings), Clock::SYSTEM.now());
    let subject = subject(settings, store, arguments.guild, arguments.subject).await?;
    let objective = Objective {
        percent: arguments.objective,
        window: arguments.window,
    };
    let done = set(store, requester, subject.clone(), objective, now).await;
    done.map_err(app_error)?;
    let set = figures::one(&store.reader, requester.guild, &subject, now).await;
    let set = set.map_err(app_error)?;
    match arguments.json {
        true => print_line(&shown(&set).to_string()),
        false => print_line(&line(&set)),
    }
    Ok(())
}

async fn remove_one(
    settings: &Settings,
    store: &Store,
    arguments: RemoveObjectiveArguments,
) -> Result<(), AppError> {
    let requester = arguments.guild.requester(settings);
    let subject = subject(settings, store, arguments.guild, arguments.subject).await?;
    let removed = remove(store, requester, subject, Clock::SYSTEM.now()).await;
    removed.map_err(app_error)?;
    print_line("Removed the objective");
    Ok(())
}

async fn subject(
    settings: &Settings,
    store: &Store,
    guild: GuildArgument,
    named: ObjectiveSubjectArguments,
) -> Result<ObjectiveSubject, AppError> {
    match (named.group, named.monitor) {
        (Some(group), _) => Ok(ObjectiveSubject::Group(group)),
        (None, monitor) => {
            let text = monitor.unwrap_or_default();
            let found = find_monitor(store, guild.requester(settings), None, &text).await?;
            Ok(ObjectiveSubject::Monitor(found.id))
        }
    }
}

async fn list(
    settings: &Settings,
    store: &Store,
    arguments: &ListObjectivesArguments,
) -> Result<(), AppError> {
    let guild = arguments.guild.guild_id(settings);
    let all = figures::list(&store.reader, guild, Clock::SYSTEM.now()).await?;
    if arguments.json {
        let all: Vec<Value> = all.iter().map(shown).collect();
        print_line(&Value::Array(all).to_string());
        return Ok(());
    }
    if all.is_empty() {
        print_note(
            "There are no objectives. Set one: rollcall objective set shop --objective 99.9",
        );
    }
    for one in &all {
        print_line(&line(one));
    }
    Ok(())
}

/// `at risk  shop  99.9 % over 30 days  43 min 12 s allowed, 12 min left, at this rate until 2026-01-31 12:00 UTC`.
fn line(one: &ObjectiveFigures) -> String {
    let (stored, budget) = (&one.stored, &one.budget);
    let state = match budget.state() {
        BudgetState::Met => "met",
        BudgetState::AtRisk => "at risk",
        BudgetState::Missed => "missed",
    };
    let name = match &stored.subject {
        ObjectiveSubject::Monitor(_) => stored.name.clone(),
        ObjectiveSubject::Group(name) => {
            format!("{name} (group of {})", text::count(one.monitors, "monitor"))
        }
    };
    let mut parts = vec![format!("{} allowed", text::duration(budget.allowed))];
    match budget.state() {
        BudgetState::Missed => parts.push(format!("{} used", text::duration(budget.used))),
        BudgetState::Met | BudgetState::AtRisk => {
            parts.push(format!("{} left", text::duration(budget.left())));
        }
    }
    if let Some(at) = budget.exhausted_at {
        parts.push(format!("at this rate until {}", text::minute(at)));
    }
    format!(
        "{state}  {name}  {}  {}",
        stored.objective,
        parts.join(", ")
    )
}

/// The same fields as in the API.
fn shown(one: &ObjectiveFigures) -> Value {
    let (stored, budget) = (&one.stored, &one.budget);
    let (monitor, group) = match &stored.subject {
        ObjectiveSubject::Monitor(id) => (Some(id.0), None),
        ObjectiveSubject::Group(name) => (None, Some(name)),
    };
    json!({
        "monitor": monitor, "group": group, "name": stored.name,
        "objective": stored.objective.percent.number(), "window_days": stored.objective.window.days(),
        "monitors": one.monitors, "state": budget.state().as_str(),
        "allowed_ms": millis(budget.allowed), "used_ms": millis(budget.used), "left_ms": millis(budget.left()),
        "used": budget.used_share(), "exhausted_at": budget.exhausted_at.map(text::timestamp),
    })
}
