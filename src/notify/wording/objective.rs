//! The texts about error budgets of which half is used, or more than all.

use crate::domain::Timestamp;
use crate::domain::history::objective::ObjectiveSubject;
use crate::domain::notifications::notification_kind::UsedBudget;
use crate::domain::text;

/// Maximum characters of a name.
const NAME: usize = 64;

/// How many objectives a text names.
const NAMED: usize = 10;

pub(super) fn title(
    is_missed: bool,
    objectives: &[UsedBudget],
    escape: fn(&str) -> String,
) -> String {
    match (objectives, is_missed) {
        ([only], true) => {
            let who = who(only, escape);
            format!("🔴 {who} missed its objective of {}", only.objective)
        }
        ([only], false) => {
            let (who, used) = (who(only, escape), only.budget.used_percent());
            format!("🟠 {who} has used {used} % of its error budget")
        }
        (several, true) => format!("🔴 {} objectives are missed", several.len()),
        (several, false) => format!("🟠 {} objectives are at risk", several.len()),
    }
}

fn who(of: &UsedBudget, escape: fn(&str) -> String) -> String {
    let name = escape(&text::cut(&of.name, NAME));
    match of.subject {
        ObjectiveSubject::Monitor(_) => name,
        ObjectiveSubject::Group(_) => format!("The group {name}"),
    }
}

/// A sentence about the only objective, or one line for each of the first ones and the number of the others. `when` formats a time
/// as relative to now.
pub(super) fn list(
    is_missed: bool,
    objectives: &[UsedBudget],
    escape: fn(&str) -> String,
    when: impl Fn(Timestamp) -> String,
) -> String {
    let sentence = |of: &UsedBudget| match is_missed {
        true => missed(of),
        false => at_risk(of, &when),
    };
    if let [only] = objectives {
        return sentence(only);
    }
    let line = |of| format!("{}: {}", who(of, escape), sentence(of));
    let mut lines: Vec<String> = objectives.iter().take(NAMED).map(line).collect();
    let rest = objectives.len().saturating_sub(NAMED) as u64;
    if rest > 0 {
        lines.push(format!("… and {}", text::count(rest, "more objective")));
    }
    lines.join("\n")
}

fn missed(of: &UsedBudget) -> String {
    let (objective, used) = (of.objective, text::duration(of.budget.used));
    let allowed = text::duration(of.budget.allowed);
    match of.subject {
        ObjectiveSubject::Monitor(_) => {
            format!("{used} of downtime, and {objective} allows {allowed}.")
        }
        ObjectiveSubject::Group(_) => format!(
            "{used} of downtime on average of its monitors, and {objective} allows {allowed}."
        ),
    }
}

fn at_risk(of: &UsedBudget, when: impl Fn(Timestamp) -> String) -> String {
    let (objective, budget) = (of.objective, &of.budget);
    let allowed = text::duration(budget.allowed);
    let left = text::duration(budget.left());
    match budget.exhausted_at {
        Some(at) => format!(
            "{objective} allows {allowed} of downtime, and {left} is left. At this rate, the budget runs out {}.",
            when(at)
        ),
        None => format!(
            "{objective} allows {allowed} of downtime, and {left} is left. At this rate, the budget lasts."
        ),
    }
}
