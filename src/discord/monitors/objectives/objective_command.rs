//! `/objective set | remove`: objectives of monitors and groups, for managers.

use poise::serenity_prelude::{AutocompleteChoice, CreateAutocompleteResponse};

use super::texts;
use crate::actions::Requester;
use crate::actions::history::objectives::{self, figures};
use crate::discord::Context;
use crate::discord::notifications::alerts_off;
use crate::discord::ui::complete;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::domain::discord_id::GuildId;
use crate::domain::history::objective::{
    DEFAULT_WINDOW, Objective, ObjectivePercent, ObjectiveSubject, ObjectiveWindow,
    WINDOW_SUGGESTIONS,
};
use crate::domain::monitor::name::NameKey;
use crate::store::Reader;
use crate::store::history::objective;

/// Set how much of the time a monitor or a group is to be online
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("set", "remove")
)]
pub(in crate::discord) async fn objective(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Set the objective of a monitor or of a group
#[poise::command(slash_command, guild_only)]
async fn set(
    ctx: Context<'_>,
    #[description = "Share of the time that is to be online, in percent, such as 99.9"]
    #[min = 50.0]
    #[max = 99.999]
    objective: f64,
    #[description = "Name of an endpoint, a device or a server"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: Option<String>,
    #[description = "Group, whose monitors have the objective on average"]
    #[autocomplete = "complete::group"]
    #[max_length = 64]
    group: Option<String>,
    #[description = "The time up to now that counts, such as 7d or 90d (default: 30d)"]
    #[autocomplete = "windows"]
    #[max_length = 16]
    window: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let reader = &app.store.reader;
        let objective = wanted(objective, window.as_deref())?;
        let (subject, name) = match one_of(monitor, group)? {
            Named::Monitor(name) => of_monitor(reader, requester, &name).await?,
            Named::Group(name) => {
                let name = complete::known_group(reader, requester.guild, &name).await?;
                (ObjectiveSubject::Group(name.clone()), name)
            }
        };
        let now = app.now();
        objectives::set(&app.store, requester, subject.clone(), objective, now).await?;
        let set = figures::one(reader, requester.guild, &subject, now).await?;
        let hint = alerts_off::hint(app, requester.guild).await?;
        let lines = [Some(texts::objective_set(&name, &set)), hint];
        Ok(Message::sentence(reply::lines(lines)))
    };
    reply::answer(ctx, work).await
}

/// Remove the objective of a monitor or of a group
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Name of an endpoint, a device or a server"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: Option<String>,
    #[description = "Group"]
    #[autocomplete = "complete::group"]
    #[max_length = 64]
    group: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let reader = &app.store.reader;
        let (subject, name) = match one_of(monitor, group)? {
            Named::Monitor(name) => of_monitor(reader, requester, &name).await?,
            Named::Group(name) => {
                let name = group_with_objective(reader, requester.guild, &name).await?;
                (ObjectiveSubject::Group(name.clone()), name)
            }
        };
        let answer = texts::objective_removed(&subject, &name);
        objectives::remove(&app.store, requester, subject, app.now()).await?;
        Ok(Message::sentence(answer))
    };
    reply::answer(ctx, work).await
}

/// Suggests windows that begin with the typed text.
async fn windows(_: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let matching = WINDOW_SUGGESTIONS
        .iter()
        .filter(|window| window.starts_with(partial.trim()));
    let choices = matching.map(|window| AutocompleteChoice::new(*window, *window));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

fn wanted(percent: f64, window: Option<&str>) -> Result<Objective, CommandError> {
    let window = window.map(ObjectiveWindow::parse).transpose();
    Ok(Objective {
        percent: ObjectivePercent::from_number(percent)
            .map_err(|error| wrong("objective", error))?,
        window: window
            .map_err(|error| wrong("window", error))?
            .unwrap_or(DEFAULT_WINDOW),
    })
}

/// What a manager named.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Monitor(String),
    Group(String),
}

fn one_of(monitor: Option<String>, group: Option<String>) -> Result<Named, CommandError> {
    match (monitor, group) {
        (Some(monitor), None) => Ok(Named::Monitor(monitor)),
        (None, Some(group)) => Ok(Named::Group(group)),
        (Some(_), Some(_)) => Err(texts::monitor_and_group()),
        (None, None) => Err(texts::no_monitor_and_no_group()),
    }
}

async fn of_monitor(
    reader: &Reader,
    requester: Requester,
    name: &str,
) -> Result<(ObjectiveSubject, String), CommandError> {
    let found = complete::named(reader, requester.guild, None, name).await?;
    Ok((ObjectiveSubject::Monitor(found.id), found.name))
}

/// The name of a group as its objective has it: a group that has lost its monitors still has one.
async fn group_with_objective(
    reader: &Reader,
    guild: GuildId,
    name: &str,
) -> Result<String, CommandError> {
    let key = NameKey::of(name.trim());
    let known = objective::list(reader, guild).await?;
    let groups = known.into_iter().filter_map(|one| match one.subject {
        ObjectiveSubject::Group(known) => Some(known),
        ObjectiveSubject::Monitor(_) => None,
    });
    let alike: Vec<String> = groups.filter(|known| NameKey::of(known) == key).collect();
    let exact = alike.iter().find(|known| *known == name.trim());
    match exact.or(alike.first()) {
        Some(known) => Ok(known.clone()),
        // Says that there is no such group, or else the action says that it has no objective.
        None => complete::known_group(reader, guild, name).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_names_a_monitor_or_a_group_and_valid_figures() {
        let named = |name: &str| Some(name.to_owned());
        let of = one_of(named("shop"), None).unwrap();
        assert_eq!(of, Named::Monitor("shop".into()));
        let of = one_of(None, named("web")).unwrap();
        assert_eq!(of, Named::Group("web".into()));
        let of_a_month = wanted(99.9, None).unwrap();
        assert_eq!(of_a_month.to_string(), "99.9 % over 30 days");
        let of_weeks = wanted(50.0, Some("4w")).unwrap();
        assert_eq!(of_weeks.to_string(), "50 % over 28 days");
        let mistakes = [
            one_of(None, None).unwrap_err(),
            one_of(named("shop"), named("web")).unwrap_err(),
            wanted(99.9999, None).unwrap_err(),
            wanted(100.0, None).unwrap_err(),
            wanted(99.9, Some("soon")).unwrap_err(),
            wanted(99.9, Some("366d")).unwrap_err(),
        ];
        let sentences = mistakes.map(|error| error.to_string());
        insta::assert_snapshot!(sentences.join("\n"), @"
        Choose a `monitor` or a `group`. Example: `monitor:shop objective:99.9`
        Choose either `monitor` or `group`, not both.
        `objective`: `99.9999` is not an objective. Use a percentage from 50 to 99.999, with at most three decimals. Example: `99.9`.
        `objective`: `100` is not an objective. Use a percentage from 50 to 99.999, with at most three decimals. Example: `99.9`.
        `window`: `soon` is not a duration. A duration is a number and a unit. Example: `30d` or `4w`.
        `window`: the window must be between 1d and 365d. Example: `30d` or `4w`.
        ");
    }
}
