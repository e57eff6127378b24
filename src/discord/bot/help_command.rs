//! `/help`: lists all commands. The list is made from the command definitions, so that it is always complete.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use crate::discord::bot::help_card::{self, HelpEntry, Parameter};
use crate::discord::bot::texts;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::{CommandIds, Context, DiscordState};

/// Discord's limit of choices per list.
const CHOICES: usize = 25;

/// List all commands, or explain one
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn help(
    ctx: Context<'_>,
    #[description = "A command to explain"]
    #[autocomplete = "complete"]
    #[max_length = 64]
    command: Option<String>,
) -> Result<(), CommandError> {
    let work = async {
        let entries = entries(commands(ctx), &ctx.data().bot.command_ids);
        let Some(wanted) = command else {
            return Ok(Message::embed(help_card::all(&entries)));
        };
        let name = wanted.trim().trim_start_matches('/');
        match entries.iter().find(|entry| entry.name == name) {
            Some(entry) => Ok(Message::embed(help_card::one(entry))),
            None => Err(texts::unknown_command(&wanted)),
        }
    };
    reply::answer(ctx, work).await
}

/// Every command that a member can run, with an entry of its own for each subcommand, in the order in which Discord lists
/// them.
fn entries(commands: &[BotCommand], ids: &CommandIds) -> Vec<HelpEntry> {
    let mut entries = Vec::new();
    for command in commands {
        let id = ids.of(&command.name);
        let is_managing = !command.default_member_permissions.is_empty();
        if command.subcommands.is_empty() {
            let name = command.name.to_string();
            entries.push(entry(command, command, name, id, is_managing));
        }
        for subcommand in &command.subcommands {
            let name = format!("{} {}", command.name, subcommand.name);
            // A group of subcommands cannot be run itself, only the subcommands in it.
            for nested in &subcommand.subcommands {
                let name = format!("{name} {}", nested.name);
                entries.push(entry(command, nested, name, id, is_managing));
            }
            if subcommand.subcommands.is_empty() {
                entries.push(entry(command, subcommand, name, id, is_managing));
            }
        }
    }
    entries
}

type BotCommand = poise::Command<DiscordState, CommandError>;

fn commands(ctx: Context<'_>) -> &[BotCommand] {
    &ctx.framework().options().commands
}

fn entry(
    parent: &BotCommand,
    command: &BotCommand,
    name: String,
    id: Option<u64>,
    is_managing: bool,
) -> HelpEntry {
    let described = |description: &Option<_>| {
        description
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    HelpEntry {
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

async fn complete(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let partial = partial.trim().trim_start_matches('/').to_lowercase();
    let choices = entries(commands(ctx), &CommandIds::default())
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
    fn every_command_has_a_described_entry_and_all_fit_in_one_embed() {
        let entries = entries(&crate::discord::commands::all(), &CommandIds::default());
        for name in [
            "ping",
            "help",
            "bot health",
            "endpoint add",
            "offline_endpoints list",
        ] {
            assert!(entries.iter().any(|entry| entry.name == name), "{name}");
        }
        // With IDs as long as Discord's, the whole list must fit in one embed and leave space for more commands.
        let with_ids: Vec<HelpEntry> = entries
            .iter()
            .cloned()
            .map(|entry| HelpEntry {
                id: Some(u64::MAX),
                ..entry
            })
            .collect();
        let card = serde_json::to_value(help_card::all(&with_ids)).unwrap();
        let length = card["description"].as_str().unwrap().chars().count();
        assert!(length < 3_800, "{length} of at most 4096 characters");
        for entry in &entries {
            assert!(!entry.description.is_empty(), "{}", entry.name);
            assert!(!entry.group.is_empty(), "{}", entry.name);
            for parameter in &entry.parameters {
                assert!(!parameter.description.is_empty(), "{}", entry.name);
            }
        }
    }
}
