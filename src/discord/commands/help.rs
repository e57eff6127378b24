//! `/help`: what can be asked for, made from the commands themselves, so that it cannot fall behind them.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use super::all;
use crate::discord::cards::help::{Entry, Parameter};
use crate::discord::error::CommandError;
use crate::discord::reply::{self, Message};
use crate::discord::{AppState, CommandIds, Context, cards};
use crate::domain::text;

/// What Discord takes of choices.
const CHOICES: usize = 25;

/// What this bot can do, and how
#[poise::command(slash_command, guild_only)]
pub(super) async fn help(
    ctx: Context<'_>,
    #[description = "One command, with its options"]
    #[autocomplete = "complete"]
    #[max_length = 64]
    command: Option<String>,
) -> Result<(), CommandError> {
    let work = async {
        let entries = entries(&ctx.data().command_ids);
        let Some(wanted) = command else {
            return Ok(Message::embed(cards::help::all(&entries)));
        };
        let name = wanted.trim().trim_start_matches('/');
        match entries.iter().find(|entry| entry.name == name) {
            Some(entry) => Ok(Message::embed(cards::help::one(entry))),
            None => Err(CommandError::Refused(format!(
                "There is no command {}; choose one from the list that appears while you type, or leave it out to see all.",
                text::code(&text::cut(&wanted, 64))
            ))),
        }
    };
    reply::answer(ctx, work).await
}

/// Every command that can be given, subcommands for themselves, in the order in which Discord lists them.
fn entries(ids: &CommandIds) -> Vec<Entry> {
    let mut entries = Vec::new();
    for command in all() {
        let id = ids.of(&command.name);
        let is_managing = !command.default_member_permissions.is_empty();
        if command.subcommands.is_empty() {
            let name = command.name.to_string();
            entries.push(entry((&command, &command), name, id, is_managing));
        }
        for subcommand in &command.subcommands {
            let name = format!("{} {}", command.name, subcommand.name);
            // Of a group of subcommands, those count that can be given.
            for below in &subcommand.subcommands {
                let name = format!("{name} {}", below.name);
                entries.push(entry((&command, below), name, id, is_managing));
            }
            if subcommand.subcommands.is_empty() {
                entries.push(entry((&command, subcommand), name, id, is_managing));
            }
        }
    }
    entries
}

type Command = poise::Command<AppState, CommandError>;

fn entry(
    (parent, command): (&Command, &Command),
    name: String,
    id: Option<u64>,
    is_managing: bool,
) -> Entry {
    let described = |description: &Option<_>| {
        description
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    Entry {
        name,
        id,
        group: described(&parent.description),
        description: described(&command.description),
        is_managing,
        parameters: command
            .parameters
            .iter()
            .map(|parameter| Parameter {
                name: parameter.name.to_string(),
                description: described(&parameter.description),
                is_required: parameter.required,
            })
            .collect(),
    }
}

async fn complete(_: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let partial = partial.trim().trim_start_matches('/').to_lowercase();
    let choices = entries(&CommandIds::default())
        .into_iter()
        .filter(|entry| entry.name.contains(&partial))
        .take(CHOICES)
        .map(|entry| AutocompleteChoice::new(format!("/{}", entry.name), entry.name))
        .collect();
    CreateAutocompleteResponse::new().set_choices(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_subcommand_has_an_entry_with_a_description() {
        let entries = entries(&CommandIds::default());
        for name in [
            "ping",
            "help",
            "bot health",
            "endpoint add",
            "offline_endpoints list",
        ] {
            assert!(entries.iter().any(|entry| entry.name == name), "{name}");
        }
        // With ids as long as Discord's, the whole list must fit into one card, and leave some room to grow.
        let with_ids: Vec<Entry> = entries
            .iter()
            .cloned()
            .map(|entry| Entry {
                id: Some(u64::MAX),
                ..entry
            })
            .collect();
        let card = serde_json::to_value(cards::help::all(&with_ids)).unwrap();
        let length = card["description"].as_str().unwrap().chars().count();
        assert!(length < 3_800, "{length} of Discord's 4096");
        for entry in &entries {
            assert!(!entry.description.is_empty(), "{}", entry.name);
            assert!(!entry.group.is_empty(), "{}", entry.name);
            for parameter in &entry.parameters {
                assert!(!parameter.description.is_empty(), "{}", entry.name);
            }
        }
    }
}
