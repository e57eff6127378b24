//! `/help`: a guide with the first steps and the commands of each topic. The lists are made from the command definitions, so
//! that they are always complete. A menu switches between the topics, and works after a restart: it names the topic.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse, Member};

use crate::actions::Requester;
use crate::discord::bot::help_card::{self, HelpEntry, Needs, Parameter, Viewer};
use crate::discord::bot::help_topic::HelpTopic;
use crate::discord::bot::texts;
use crate::discord::notifications::alerts_off;
use crate::discord::ui::access;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::{CommandIds, Context, DiscordState};

/// Discord's limit of choices per list.
const CHOICES: usize = 25;

/// Root commands that only responders and managers may use. Discord shows them to every member, because it knows no responders.
const FOR_RESPONDERS: [&str; 3] = ["ack", "mute", "unmute"];

/// Show how to start and what each command does
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn help(
    ctx: Context<'_>,
    #[description = "A command to explain"]
    #[autocomplete = "complete"]
    #[max_length = 64]
    command: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let app = ctx.data();
    let work = async {
        let Some(wanted) = command else {
            let commands = commands(ctx);
            let shown = PageRequest {
                requester,
                member: reply::member(ctx),
                topic: HelpTopic::Start,
            };
            return page(app, commands, shown).await;
        };
        let entries = entries(commands(ctx), &app.bot.command_ids);
        let name = wanted.trim().trim_start_matches('/');
        match entries.iter().find(|entry| entry.name == name) {
            Some(entry) => Ok(Message::embed(help_card::one(entry))),
            None => Err(texts::unknown_command(&wanted)),
        }
    };
    reply::answer(ctx, work).await
}

/// Which page of the guide is shown to whom.
#[derive(Debug)]
pub(in crate::discord) struct PageRequest<'a> {
    pub requester: Requester,
    pub member: Option<&'a Member>,
    pub topic: HelpTopic,
}

/// A page of the guide with the menu below it.
pub(in crate::discord) async fn page(
    app: &DiscordState,
    commands: &[BotCommand],
    shown: PageRequest<'_>,
) -> Result<Message, CommandError> {
    let (requester, member) = (shown.requester, shown.member);
    let viewer = Viewer {
        is_responder: access::is_responder(&app.store.reader, requester, member).await?,
        is_manager: access::may_manage(member.and_then(|member| member.permissions)),
    };
    let mut entries = entries(commands, &app.bot.command_ids);
    entries.retain(|entry| viewer.may_use(entry.needs));
    let mut message = Message::embed(help_card::page(shown.topic, &entries));
    message.content = alerts_off::hint(app, requester.guild)
        .await?
        .unwrap_or_default();
    message.rows = vec![help_card::menu(shown.topic, &entries)];
    Ok(message)
}

/// Every command that a member can run, with an entry of its own for each subcommand, in the order in which Discord lists
/// them.
fn entries(commands: &[BotCommand], ids: &CommandIds) -> Vec<HelpEntry> {
    let mut entries = Vec::new();
    for command in commands {
        let id = ids.of(&command.name);
        let needs = needs(command);
        if command.subcommands.is_empty() {
            entries.push(entry(command, command.name.to_string(), id, needs));
        }
        for subcommand in &command.subcommands {
            let name = format!("{} {}", command.name, subcommand.name);
            // A group of subcommands cannot be run itself, only the subcommands in it.
            for nested in &subcommand.subcommands {
                let name = format!("{name} {}", nested.name);
                entries.push(entry(nested, name, id, needs));
            }
            if subcommand.subcommands.is_empty() {
                entries.push(entry(subcommand, name, id, needs));
            }
        }
    }
    entries
}

fn needs(root: &BotCommand) -> Needs {
    if !root.default_member_permissions.is_empty() {
        return Needs::Manager;
    }
    match FOR_RESPONDERS.contains(&&*root.name) {
        true => Needs::Responder,
        false => Needs::Nothing,
    }
}

pub(in crate::discord) type BotCommand = poise::Command<DiscordState, CommandError>;

fn commands(ctx: Context<'_>) -> &[BotCommand] {
    &ctx.framework().options().commands
}

fn entry(command: &BotCommand, name: String, id: Option<u64>, needs: Needs) -> HelpEntry {
    let described = |description: &Option<_>| {
        description
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    HelpEntry {
        name,
        id,
        description: described(&command.description),
        needs,
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

/// Commands that only managers may use are suggested to managers only.
async fn complete(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let partial = partial.trim().trim_start_matches('/').to_lowercase();
    let viewer = Viewer {
        is_responder: true,
        is_manager: access::may_manage(reply::permissions(ctx)),
    };
    let choices = entries(commands(ctx), &CommandIds::default())
        .into_iter()
        .filter(|entry| viewer.may_use(entry.needs) && entry.name.contains(&partial))
        .take(CHOICES)
        .map(|entry| AutocompleteChoice::new(format!("/{}", entry.name), entry.name))
        .collect();
    CreateAutocompleteResponse::new().set_choices(choices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::fits;

    /// All commands, with ids as long as Discord's.
    fn all() -> Vec<HelpEntry> {
        let entries = entries(&crate::discord::commands::all(), &CommandIds::default());
        let with_id = |entry| HelpEntry {
            id: Some(u64::MAX),
            ..entry
        };
        entries.into_iter().map(with_id).collect()
    }

    #[test]
    fn every_command_has_a_described_entry_in_exactly_one_topic() {
        let entries = all();
        assert!(entries.len() > 40, "{}", entries.len());
        for entry in &entries {
            assert!(!entry.description.is_empty(), "{}", entry.name);
            for parameter in &entry.parameters {
                assert!(!parameter.description.is_empty(), "{}", entry.name);
            }
            let topics = HelpTopic::ALL.iter();
            let topics = topics.filter(|topic| topic.roots().contains(&entry.root()));
            assert_eq!(topics.count(), 1, "topics of /{}", entry.name);
        }
        for root in HelpTopic::ALL.iter().flat_map(|topic| topic.roots()) {
            let is_known = entries.iter().any(|entry| entry.root() == *root);
            assert!(is_known, "there is no command /{root}");
        }
    }

    #[test]
    fn every_topic_fits_in_one_embed_with_space_for_more_commands() {
        let entries = all();
        for topic in HelpTopic::ALL {
            let card = help_card::page(*topic, &entries);
            fits(card.clone());
            let card = serde_json::to_value(card).unwrap();
            let length = card["description"].as_str().unwrap().chars().count();
            assert!(length < 3_000, "{topic:?}: {length} of at most 4096");
        }
    }

    #[test]
    fn members_see_the_commands_that_they_may_use() {
        let seen = |is_responder, is_manager| {
            let viewer = Viewer {
                is_responder,
                is_manager,
            };
            let mut entries = all();
            entries.retain(|entry| viewer.may_use(entry.needs));
            ["status", "ack", "mute", "unmute", "endpoint add", "audit"]
                .map(|name| entries.iter().any(|entry| entry.name == name))
        };
        assert_eq!(
            seen(false, false),
            [true, false, false, false, false, false]
        );
        assert_eq!(seen(true, false), [true, true, true, true, false, false]);
        assert_eq!(seen(false, true), [true; 6]);
    }
}
