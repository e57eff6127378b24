//! The help cards: all commands, or one command with its options.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

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
        .title("Rollcall commands")
        .description(format!(
            "Rollcall monitors endpoints, devices and servers. It notifies you when one goes offline and when it recovers.\n\n**For everyone**\n{}\n\n**For members with Manage Server**\n{}",
            part(false),
            part(true)
        ))
        .colour(GREY)
        .footer(CreateEmbedFooter::new("Use /help command:… to see the options of a command"))
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
        lines.push("Requires the permission **Manage Server**.".to_owned());
    }
    lines.push(String::new());
    lines.extend(entry.parameters.iter().map(|parameter| {
        let must = if parameter.is_required {
            " (needed)"
        } else {
            ""
        };
        format!("`{}`{must} {}", parameter.name, parameter.description)
    }));
    if entry.parameters.is_empty() {
        lines.push("This command has no options.".to_owned());
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
    use crate::discord::ui::embed_testing::fits;

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
