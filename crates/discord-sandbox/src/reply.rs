//! The reply that a member sees after typing a command or pressing a button.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;

use crate::clock;
use crate::world::{Attachment, Message};

/// A file attached to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    /// What it shows, for people who do not see it.
    pub description: Option<String>,
    pub content: Vec<u8>,
}

impl File {
    pub(crate) fn of(attachment: &Attachment) -> Self {
        Self {
            name: attachment.name.clone(),
            description: attachment.description.clone(),
            content: attachment.content.clone(),
        }
    }
}

/// A reply in the form that it had when it was read; `Sandbox::refresh` reads it again.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) message_id: u64,
    pub(crate) body: Value,
    pub(crate) files: Vec<File>,
    pub(crate) is_ephemeral: bool,
    pub(crate) was_deferred: bool,
    pub(crate) answered_after: Duration,
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

impl Reply {
    /// A message in a channel that is not a reply to an interaction.
    pub(crate) fn of(message: &Message) -> Self {
        let files = message.attachments.files.iter().map(File::of);
        Self {
            message_id: message.id,
            body: message.body.clone(),
            files: files.collect(),
            is_ephemeral: false,
            was_deferred: false,
            answered_after: Duration::ZERO,
        }
    }

    /// The message's id; 0 if the reply is not a message.
    pub fn message_id(&self) -> u64 {
        self.message_id
    }

    /// Whether only the requester sees it.
    pub fn is_ephemeral(&self) -> bool {
        self.is_ephemeral
    }

    /// Whether Discord showed "thinking" first.
    pub fn was_deferred(&self) -> bool {
        self.was_deferred
    }

    /// The time from the interaction to the initial response.
    pub fn answered_after(&self) -> Duration {
        self.answered_after
    }

    /// When the message was created, in milliseconds since 1970, from its id.
    pub fn came_at(&self) -> u64 {
        clock::millis_of(self.message_id)
    }

    /// The message as the bot sent it.
    pub fn json(&self) -> &Value {
        &self.body
    }

    pub fn embeds(&self) -> &[Value] {
        list(&self.body, "embeds")
    }

    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Every component, row by row.
    pub fn components(&self) -> impl Iterator<Item = &Value> {
        list(&self.body, "components")
            .iter()
            .flat_map(|row| list(row, "components"))
    }

    /// The labels of the buttons that can be pressed.
    pub fn buttons(&self) -> Vec<&str> {
        self.components()
            .filter(|component| component["type"] == 2 && component["disabled"] != true)
            .map(|button| text(button, "label"))
            .collect()
    }

    /// The custom id of the menu that has an option with this label, and the option's value.
    pub(crate) fn menu_option(&self, label: &str) -> Option<(String, String)> {
        self.components().find_map(|menu| {
            let mut options = list(menu, "options").iter();
            let option = options.find(|option| option["label"] == label)?;
            Some((
                text(menu, "custom_id").to_owned(),
                text(option, "value").to_owned(),
            ))
        })
    }

    /// The menu of this type (6: roles, 8: channels), unless it is disabled.
    pub(crate) fn menu(&self, kind: u64) -> Option<&Value> {
        self.components()
            .find(|menu| menu["type"] == kind && menu["disabled"] != true)
    }

    /// The custom id of the button that has this label or custom id, unless it is disabled. A link has none.
    pub(crate) fn button_id(&self, label_or_id: &str) -> Option<String> {
        let is_meant = |component: &&Value| {
            let is_named =
                component["label"] == label_or_id || component["custom_id"] == label_or_id;
            is_named && component["type"] == 2 && component["custom_id"].is_string()
        };
        let component = self
            .components()
            .find(is_meant)
            .filter(|component| component["disabled"] != true)?;
        Some(text(component, "custom_id").to_owned())
    }

    /// All text of the message, without formatting.
    pub fn text(&self) -> String {
        let mut all = vec![text(&self.body, "content").to_owned()];
        for embed in self.embeds() {
            all.extend([text(embed, "title"), text(embed, "description")].map(str::to_owned));
            for field in list(embed, "fields") {
                all.push(format!("{}: {}", text(field, "name"), text(field, "value")));
            }
            all.push(text(&embed["footer"], "text").to_owned());
        }
        all.retain(|part| !part.is_empty());
        all.join("\n")
    }

    /// The message as plain text, for a terminal or a snapshot.
    pub fn render(&self) -> String {
        let mut out = String::new();
        if self.is_ephemeral {
            out.push_str("(only you see this)\n");
        }
        if !text(&self.body, "content").is_empty() {
            out.push_str(text(&self.body, "content"));
            out.push('\n');
        }
        for embed in self.embeds() {
            render_embed(&mut out, embed);
        }
        for file in &self.files {
            // Writing to a string does not fail.
            let _ = write!(out, "[file {}, {} bytes", file.name, file.content.len());
            if let Some(description) = &file.description {
                let _ = write!(out, ": {description}");
            }
            out.push_str("]\n");
        }
        for row in list(&self.body, "components") {
            let buttons: Vec<String> = list(row, "components").iter().map(render_button).collect();
            out.push_str(&buttons.join(" "));
            out.push('\n');
        }
        out
    }
}

fn render_embed(out: &mut String, embed: &Value) {
    let mut lines = Vec::new();
    let mut add = |text: &str| lines.extend(text.lines().map(str::to_owned));
    add(text(embed, "title"));
    add(text(embed, "description"));
    for field in list(embed, "fields") {
        add(&format!(
            "{}: {}",
            text(field, "name"),
            text(field, "value")
        ));
    }
    let footer = text(&embed["footer"], "text");
    if !footer.is_empty() {
        add(&format!("— {footer}"));
    }
    for line in lines {
        out.push_str("│ ");
        out.push_str(&line);
        out.push('\n');
    }
}

fn render_button(component: &Value) -> String {
    let label = text(component, "label");
    if matches!(component["type"].as_u64(), Some(3..=8)) {
        return format!("<{}>", text(component, "placeholder"));
    }
    if component["disabled"] == true {
        format!("({label})")
    } else {
        format!("[{label}]")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reply_is_rendered_as_plain_text() {
        let reply = Reply {
            message_id: 1,
            body: json!({
                "content": "Hello", "embeds": [{ "title": "T", "fields": [{ "name": "A", "value": "b" }], "footer": { "text": "f" } }],
                "components": [{ "type": 1, "components": [
                    { "type": 2, "label": "Go", "custom_id": "go" }, { "type": 2, "label": "No", "custom_id": "no", "disabled": true },
                ]}],
            }),
            files: vec![
                File {
                    name: "a.txt".into(),
                    description: None,
                    content: vec![0; 3],
                },
                File {
                    name: "b.png".into(),
                    description: Some("A line.".into()),
                    content: vec![0; 4],
                },
            ],
            is_ephemeral: true,
            was_deferred: false,
            answered_after: Duration::ZERO,
        };
        assert_eq!(
            reply.render(),
            "(only you see this)\nHello\n│ T\n│ A: b\n│ — f\n[file a.txt, 3 bytes]\n[file b.png, 4 bytes: A line.]\n[Go] (No)\n"
        );
        assert_eq!(reply.buttons(), ["Go"]);
        assert_eq!(
            (reply.button_id("Go").as_deref(), reply.button_id("No")),
            (Some("go"), None)
        );
    }
}
