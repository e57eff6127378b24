//! What the bot can do: all commands, or one with its options.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use super::GREY;
use crate::domain::text;

/// Characters of either part; both and what stands around them are below Discord's 4,096.
const PART: usize = 1_950;

/// One command as people give it.
#[derive(Clone, Debug)]
pub(in crate::discord) struct Entry {
    /// With its parent's name, without a slash: `endpoint add`.
    pub name: String,
    /// Discord's number for it, or for its parent.
    pub id: Option<u64>,
    pub description: String,
    /// What it belongs to, in a sentence; its own where it belongs to nothing.
    pub group: String,
    /// Whether it is for those who may manage the server.
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

pub(in crate::discord) fn all(entries: &[Entry]) -> CreateEmbed {
    let part = |is_managing: bool| -> String {
        let shown: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.is_managing == is_managing)
            .collect();
        let groups = shown.chunk_by(|one, next| first_word(one) == first_word(next));
        let lines: Vec<String> = groups.map(group).collect();
        let lines = lines.join("\n");
        text::cut(&lines, PART)
    };
    CreateEmbed::new()
        .title("What Rollcall can do")
        .description(format!(
            "Rollcall looks at the endpoints on this server's roll, notices when one stops answering and when it is back.\n\n**For everybody**\n{}\n\n**With the permission Manage Server**\n{}",
            part(false),
            part(true)
        ))
        .colour(GREY)
        .footer(CreateEmbedFooter::new("/help command:… tells the options of one"))
}

/// The subcommands of one command on a line, and what they are for; what each does, it tells by itself.
fn group(entries: &[&Entry]) -> String {
    let mentions: Vec<String> = entries.iter().map(|entry| mention(entry)).collect();
    let about = entries.first().map_or("", |entry| &entry.group);
    format!("{} {about}", mentions.join(" "))
}

fn first_word(entry: &Entry) -> &str {
    entry.name.split(' ').next().unwrap_or_default()
}

pub(in crate::discord) fn one(entry: &Entry) -> CreateEmbed {
    let mut lines = vec![entry.description.clone()];
    if entry.is_managing {
        lines.push("For those with the permission **Manage Server**.".to_owned());
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
        lines.push("It has no options.".to_owned());
    }
    CreateEmbed::new()
        .title(format!("/{}", entry.name))
        .description(lines.join("\n"))
        .colour(GREY)
}

/// A click on it opens the command, where Discord has told us its number.
fn mention(entry: &Entry) -> String {
    match entry.id {
        Some(id) => format!("</{}:{id}>", entry.name),
        None => format!("`/{}`", entry.name),
    }
}
