//! The buttons and menus that can be used at the prompt: those of the last answer first, then those of the channels, the newest
//! message first. A terminal cannot be clicked, so they are found by their labels.

use discord_sandbox::{Reply, Sandbox};
use serde_json::Value;

/// Component types as Discord numbers them.
const OPTIONS: u64 = 3;
const ROLES: u64 = 6;
const CHANNELS: u64 = 8;

/// A button of a message.
#[derive(Clone, Debug)]
pub struct Button {
    pub message: Reply,
    pub label: String,
}

/// An option of a menu of a message.
#[derive(Clone, Debug)]
pub struct MenuOption {
    pub message: Reply,
    pub menu: String,
    pub label: String,
    pub value: String,
}

pub fn buttons(sandbox: &Sandbox, last: Option<&Reply>) -> Vec<Button> {
    let of_message = |message: Reply| {
        let labels: Vec<String> = message.buttons().into_iter().map(str::to_owned).collect();
        labels.into_iter().map(move |label| Button {
            message: message.clone(),
            label,
        })
    };
    messages(sandbox, last)
        .into_iter()
        .flat_map(of_message)
        .collect()
}

pub fn menu_options(sandbox: &Sandbox, last: Option<&Reply>) -> Vec<MenuOption> {
    let of_message = |message: Reply| {
        let menus: Vec<Value> = message.components().cloned().collect();
        let enabled = menus.into_iter().filter(|menu| menu["disabled"] != true);
        let options = enabled.flat_map(|menu| {
            let id = text(&menu, "custom_id");
            let labels = labels(sandbox, &menu).into_iter();
            labels.map(move |(label, value)| (id.clone(), label, value))
        });
        options
            .map(|(menu, label, value)| MenuOption {
                message: message.clone(),
                menu,
                label,
                value,
            })
            .collect::<Vec<_>>()
    };
    messages(sandbox, last)
        .into_iter()
        .flat_map(of_message)
        .collect()
}

/// The options of a menu, each with its value.
fn labels(sandbox: &Sandbox, menu: &Value) -> Vec<(String, String)> {
    let guild = sandbox.guild();
    match menu["type"].as_u64() {
        Some(OPTIONS) => {
            let options = menu["options"].as_array().into_iter().flatten();
            options
                .map(|one| (text(one, "label"), text(one, "value")))
                .collect()
        }
        Some(ROLES) => {
            let roles = sandbox.roles(guild).into_iter();
            roles
                .map(|role| (format!("@{}", role.name), role.id.to_string()))
                .collect()
        }
        Some(CHANNELS) => {
            let channels = sandbox.channels(guild).into_iter();
            channels
                .map(|channel| (format!("#{}", channel.name), channel.id.to_string()))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn messages(sandbox: &Sandbox, last: Option<&Reply>) -> Vec<Reply> {
    let channels = sandbox.channels(sandbox.guild()).into_iter();
    let mut found: Vec<Reply> = channels
        .flat_map(|channel| sandbox.messages_in(channel.id))
        .collect();
    found.sort_by_key(|message| std::cmp::Reverse(message.message_id()));
    let last = last.map(|last| sandbox.refresh(last));
    last.into_iter().chain(found).collect()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
