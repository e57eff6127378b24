//! The help cards: all commands, or one command with its options.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use crate::discord::bot::texts;
use crate::discord::ui::embed::GREY;
use crate::domain::text;

/// Maximum characters of each part. Both parts with the text around them stay below Discord's limit of 4,096.
const PART: usize = 1_950;

/// One command as shown to members.
#[derive(Clone, Debug)]
pub(in crate::discord) struct HelpEntry {
    /// The full name without a slash: `endpoint add`.
    pub name: String,
    /// Discord's id of the command, or of its parent.
    pub id: Option<u64>,
    pub description: String,
    /// The description of the parent command, or of the command itself if it has no parent.
    pub group: String,
    /// Whether the command needs the permission Manage Server.
    pub is_managing: bool,
    pub parameters: Vec<Parameter>,
}

/// An option of a command.
#[derive(Clone, Debug)]
pub(in crate::discord) struct Parameter {
    pub name: String,
    pub description: String,
    pub is_required: bool,
}

pub(in crate::discord) fn all(entries: &[HelpEntry]) -> CreateEmbed {
    let part = |is_managing: bool| -> String {
        let shown: Vec<&HelpEntry> = entries
            .iter()
            .filter(|entry| entry.is_managing == is_managing)
            .collect();
        let groups = shown.chunk_by(|one, next| first_word(one) == first_word(next));
        let lines: Vec<String> = groups.map(group).collect();
        let lines = lines.join("\n");
        text::cut(&lines, PART)
    };
    CreateEmbed::new()
        .title(texts::ALL_COMMANDS_TITLE)
        .description(texts::all_commands(&part(false), &part(true)))
        .colour(GREY)
        .footer(CreateEmbedFooter::new(texts::ALL_COMMANDS_FOOTER))
}

/// One line: the subcommands of one command and the command's description.
fn group(entries: &[&HelpEntry]) -> String {
    let mentions: Vec<String> = entries.iter().map(|entry| mention(entry)).collect();
    let about = entries.first().map_or("", |entry| &entry.group);
    format!("{} {about}", mentions.join(" "))
}

fn first_word(entry: &HelpEntry) -> &str {
    entry.name.split(' ').next().unwrap_or_default()
}

pub(in crate::discord) fn one(entry: &HelpEntry) -> CreateEmbed {
    let mut lines = vec![entry.description.clone()];
    if entry.is_managing {
        lines.push(texts::NEEDS_MANAGE_SERVER.to_owned());
    }
    lines.push(String::new());
    lines.extend(entry.parameters.iter().map(|parameter| {
        texts::option(
            &parameter.name,
            &parameter.description,
            parameter.is_required,
        )
    }));
    if entry.parameters.is_empty() {
        lines.push(texts::NO_OPTIONS.to_owned());
    }
    CreateEmbed::new()
        .title(format!("/{}", entry.name))
        .description(lines.join("\n"))
        .colour(GREY)
}

/// A mention that opens the command on click, or its plain name if its id is not known.
fn mention(entry: &HelpEntry) -> String {
    match entry.id {
        Some(id) => format!("</{}:{id}>", entry.name),
        None => format!("`/{}`", entry.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::{card_text, fits};

    fn entry(name: &str, id: Option<u64>, is_managing: bool) -> HelpEntry {
        HelpEntry {
            name: name.into(),
            id,
            description: format!("Description of {name}"),
            group: "Description of the whole command".into(),
            is_managing,
            parameters: Vec::new(),
        }
    }

    #[test]
    fn commands_are_listed_by_who_may_use_them() {
        let entries = [
            entry("endpoints list", Some(7), false),
            entry("endpoints show", Some(7), false),
            entry("endpoint add", Some(8), true),
            entry("ping", None, false),
        ];
        insta::assert_snapshot!(card_text(all(&entries)), @"
        [grey] Rollcall commands
        Rollcall monitors endpoints, devices and servers. It notifies you when one goes offline and when it recovers.

        **For everyone**
        </endpoints list:7> </endpoints show:7> Description of the whole command
        `/ping` Description of the whole command

        **For members with Manage Server**
        </endpoint add:8> Description of the whole command
        — Use /help command:… to see the options of a command
        ");
    }

    #[test]
    fn one_command_is_shown_with_its_options() {
        let mut add = entry("endpoint add", Some(8), true);
        add.parameters = [("target", true), ("name", false)]
            .map(|(name, is_required)| Parameter {
                name: name.into(),
                description: format!("Description of {name}"),
                is_required,
            })
            .into();
        insta::assert_snapshot!(card_text(one(&add)), @"
        [grey] /endpoint add
        Description of endpoint add
        Requires the permission **Manage Server**.

        `target` (required) Description of target
        `name` Description of name
        ");
        insta::assert_snapshot!(card_text(one(&entry("ping", None, false))), @"
        [grey] /ping
        Description of ping

        This command has no options.
        ");
    }

    #[test]
    fn help_fits_with_more_commands_than_exist() {
        let parameter = Parameter {
            name: "x".repeat(32),
            description: "y".repeat(100),
            is_required: true,
        };
        let entry = |number: usize| HelpEntry {
            name: format!("command{number:02} subcommand"),
            id: Some(u64::MAX),
            group: "x".repeat(100),
            description: "what it does, in as many words as it takes".into(),
            is_managing: number.is_multiple_of(2),
            parameters: vec![parameter.clone(); 25],
        };
        let entries: Vec<_> = (0..40).map(entry).collect();
        fits(all(&entries));
        fits(one(&entries[0]));
    }
}
