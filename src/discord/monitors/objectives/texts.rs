//! The texts of objectives in Discord.

use crate::actions::history::objectives::figures::ObjectiveFigures;
use crate::discord::ui::embed::{bold, date_and_time};
use crate::discord::ui::error::CommandError;
use crate::domain::history::objective::ObjectiveSubject;
use crate::domain::history::objective::budget::BudgetState;
use crate::domain::text;

pub(super) const NO_OBJECTIVES: &str = "There are no objectives yet. A manager can set one with `/objective set`: Rollcall then shows how much downtime is left, and sends a message when half of it is used and when all of it is.";

pub(super) fn monitor_and_group() -> CommandError {
    CommandError::Refused("Choose either `monitor` or `group`, not both.".to_owned())
}

pub(super) fn no_monitor_and_no_group() -> CommandError {
    CommandError::Refused(
        "Choose a `monitor` or a `group`. Example: `monitor:shop objective:99.9`".to_owned(),
    )
}

pub(super) fn objective_count(number: u64) -> String {
    text::count(number, "objective")
}

/// An objective in the list: a line about what it is, and one about its budget.
pub(super) fn objective(one: &ObjectiveFigures) -> String {
    let mark = match one.budget.state() {
        BudgetState::Met => "🟢",
        BudgetState::AtRisk => "🟠",
        BudgetState::Missed => "🔴",
    };
    let (name, objective) = (bold(&one.stored.name), one.stored.objective);
    let budget = budget(one);
    match &one.stored.subject {
        ObjectiveSubject::Monitor(_) => format!("{mark} {name} · {objective}\n{budget}"),
        ObjectiveSubject::Group(_) => {
            let monitors = text::count(one.monitors, "monitor");
            format!("{mark} {name} (group of {monitors}) · {objective}\n{budget}")
        }
    }
}

/// `43 min 12 s allowed, 12 min left, at this rate until Friday`.
fn budget(one: &ObjectiveFigures) -> String {
    let budget = &one.budget;
    let (allowed, left) = (
        text::duration(budget.allowed),
        text::duration(budget.left()),
    );
    match (budget.state(), budget.exhausted_at) {
        (BudgetState::Missed, _) => {
            let used = text::duration(budget.used);
            format!("{allowed} of downtime allowed, {used} used")
        }
        (_, Some(at)) => {
            let until = date_and_time(at);
            format!("{allowed} of downtime allowed, {left} left, at this rate until {until}")
        }
        (_, None) => format!("{allowed} of downtime allowed, {left} left"),
    }
}

/// After an objective was set.
pub(super) fn objective_set(name: &str, set: &ObjectiveFigures) -> String {
    let (name, objective, budget) = (bold(name), set.stored.objective, budget(set));
    match set.stored.subject {
        ObjectiveSubject::Monitor(_) => {
            format!("The objective of {name} is {objective}.\n{budget}")
        }
        ObjectiveSubject::Group(_) => {
            format!("The objective of the group {name} is {objective}.\n{budget}")
        }
    }
}

pub(super) fn objective_removed(subject: &ObjectiveSubject, name: &str) -> String {
    match subject {
        ObjectiveSubject::Monitor(_) => format!("{} has no objective any longer.", bold(name)),
        ObjectiveSubject::Group(_) => {
            format!("The group {} has no objective any longer.", bold(name))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::discord_id::GuildId;
    use crate::domain::history::objective::budget::ErrorBudget;
    use crate::domain::history::objective::{
        Objective, ObjectiveId, ObjectivePercent, ObjectiveWindow,
    };
    use crate::domain::monitor::MonitorId;
    use crate::store::history::objective::StoredObjective;

    /// 99.9 % over 30 days, of which this many minutes are used.
    fn of(subject: ObjectiveSubject, name: &str, minutes: u64) -> ObjectiveFigures {
        let objective = Objective {
            percent: ObjectivePercent::from_thousandths(99_900).unwrap(),
            window: ObjectiveWindow::from_days(30).unwrap(),
        };
        ObjectiveFigures {
            stored: StoredObjective {
                id: ObjectiveId(1),
                guild: GuildId(1),
                subject,
                name: name.to_owned(),
                objective,
                notified: BudgetState::Met,
            },
            budget: ErrorBudget {
                allowed: objective.allowed(),
                used: Duration::from_secs(minutes * 60),
                exhausted_at: (minutes == 31).then_some(NOW),
            },
            monitors: 3,
            worst: None,
        }
    }

    pub(in super::super) fn missed(name: &str) -> ObjectiveFigures {
        of(ObjectiveSubject::Monitor(MonitorId(1)), name, 51)
    }

    pub(in super::super) fn at_risk_group(name: &str) -> ObjectiveFigures {
        of(ObjectiveSubject::Group(name.to_owned()), name, 31)
    }

    pub(in super::super) fn met(name: &str) -> ObjectiveFigures {
        of(ObjectiveSubject::Monitor(MonitorId(1)), name, 0)
    }

    #[test]
    fn texts_of_objectives() {
        let texts = [
            NO_OBJECTIVES.to_owned(),
            monitor_and_group().to_string(),
            no_monitor_and_no_group().to_string(),
            objective_count(1),
            objective_count(2),
            objective_set("*shop*", &missed("*shop*")),
            objective_set("web", &at_risk_group("web")),
            objective_set("blog", &met("blog")),
            objective_removed(&met("shop").stored.subject, "shop"),
            objective_removed(&ObjectiveSubject::Group("web".into()), "web"),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r"
        There are no objectives yet. A manager can set one with `/objective set`: Rollcall then shows how much downtime is left, and sends a message when half of it is used and when all of it is.
        Choose either `monitor` or `group`, not both.
        Choose a `monitor` or a `group`. Example: `monitor:shop objective:99.9`
        1 objective
        2 objectives
        The objective of **\*shop\*** is 99.9 % over 30 days.
        43 min 12 s of downtime allowed, 51 min used
        The objective of the group **web** is 99.9 % over 30 days.
        43 min 12 s of downtime allowed, 12 min 12 s left, at this rate until <t:1769860800:f>
        The objective of **blog** is 99.9 % over 30 days.
        43 min 12 s of downtime allowed, 43 min 12 s left
        **shop** has no objective any longer.
        The group **web** has no objective any longer.
        ");
    }
}
