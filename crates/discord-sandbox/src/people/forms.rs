//! Menus of channels and roles, and forms: what a member chooses and types there.

use serde_json::{Value, json};

use super::As;
use crate::reply::Reply;
use crate::shapes;
use crate::slash::SlashError;
use crate::world::{Answer, Role, World};

/// Component types as Discord numbers them.
const ROLES: u64 = 6;
const CHANNELS: u64 = 8;

/// A form that the bot has opened.
#[derive(Clone, Debug)]
pub struct Form {
    body: Value,
    /// The message whose button opened it.
    message: Option<u64>,
}

impl Form {
    /// Its inputs, each with its label, its custom id and its value.
    fn inputs(&self) -> impl Iterator<Item = &Value> {
        let rows = self.body["components"].as_array().into_iter().flatten();
        rows.map(|row| &row["components"][0])
    }

    pub fn title(&self) -> &str {
        self.body["title"].as_str().unwrap_or_default()
    }

    /// What an input is filled in with, by its label.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn value(&self, label: &str) -> &str {
        match self.inputs().find(|input| input["label"] == label) {
            Some(input) => input["value"].as_str().unwrap_or_default(),
            None => panic!("the form {} has no input {label}", self.title()),
        }
    }
}

impl As<'_> {
    /// Chooses a channel in the menu of channels of a message, and waits for the reply. Only a member who forges can choose a
    /// channel of another guild.
    ///
    /// # Panics
    /// If there is no such menu or channel, or no reply comes.
    pub async fn choose_channel(&self, reply: &Reply, channel: u64) -> Reply {
        let menu = menu(reply, CHANNELS);
        let types = menu["channel_types"].as_array();
        let is_shown = self.sandbox.channel(self.guild) == channel
            && types.is_none_or(|types| types.contains(&json!(0)));
        assert!(
            is_shown || self.ignores_permissions,
            "the menu does not show {channel}"
        );
        let id = channel.to_string();
        let resolved = json!({ "channels": { &id: shapes::chosen_channel(&id) } });
        self.choose_in(reply, menu, &id, resolved).await
    }

    /// Chooses a role in the menu of roles of a message, and waits for the reply.
    ///
    /// # Panics
    /// If there is no such menu, or no reply comes.
    pub async fn choose_role(&self, reply: &Reply, role: u64) -> Reply {
        let shown = shapes::role(&Role {
            id: role,
            is_mentionable: true,
        });
        let id = role.to_string();
        let resolved = json!({ "roles": { &id: shown } });
        self.choose_in(reply, menu(reply, ROLES), &id, resolved)
            .await
    }

    async fn choose_in(&self, reply: &Reply, menu: &Value, id: &str, resolved: Value) -> Reply {
        let data = json!({
            "custom_id": menu["custom_id"], "component_type": menu["type"], "values": [id], "resolved": resolved,
        });
        match self.interact(3, data, Some(reply.message_id)).await {
            Ok(reply) => reply,
            Err(error) => panic!("{id}: {error}"),
        }
    }

    /// Presses a button that opens a form.
    ///
    /// # Panics
    /// If there is no such button, or the bot opens no form.
    pub async fn open_form(&self, reply: &Reply, button: &str) -> Form {
        let Some(custom_id) = reply.custom_id(button) else {
            panic!("there is no button {button} in {}", reply.render());
        };
        let message = Some(reply.message_id);
        let data = json!({ "custom_id": custom_id, "component_type": 2 });
        let id = self.send(3, data, message);
        let answered = |world: &World| world.interactions.get(&id)?.answer.clone();
        let shared = &self.sandbox.shared;
        match shared.wait_for("a form", answered).await {
            Answer::Modal(body) => Form { body, message },
            other => panic!("{button} opened no form: {other:?}"),
        }
    }

    /// Types into the inputs of a form, by their labels, submits it and waits for the reply. Other inputs keep what they are
    /// filled in with.
    ///
    /// # Panics
    /// If there is no such input, if Discord's client would not submit the form, or if no reply comes.
    pub async fn submit(&self, form: &Form, typed: &[(&str, &str)]) -> Reply {
        for (label, _) in typed {
            form.value(label);
        }
        let rows: Vec<Value> = form
            .inputs()
            .map(|input| {
                let label = input["label"].as_str().unwrap_or_default();
                let typed = typed.iter().find(|(of, _)| *of == label);
                let text = typed.map_or_else(|| form.value(label), |(_, text)| *text);
                if let Err(why) = check(input, text) {
                    panic!("{label}: {why}");
                }
                json!({ "type": 1, "id": 1, "components": [
                    { "type": 4, "id": 2, "custom_id": input["custom_id"], "value": text },
                ]})
            })
            .collect();
        let data = json!({ "custom_id": form.body["custom_id"], "components": rows });
        match self.interact(5, data, form.message).await {
            Ok(reply) => reply,
            Err(error) => panic!("{}: {error}", form.title()),
        }
    }
}

fn menu(reply: &Reply, kind: u64) -> &Value {
    match reply.menu(kind) {
        Some(menu) => menu,
        None => panic!("there is no such menu in {}", reply.render()),
    }
}

/// Whether Discord's client would submit this text.
fn check(input: &Value, text: &str) -> Result<(), SlashError> {
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let is_required = input["required"] != false;
    let least = input["min_length"]
        .as_u64()
        .unwrap_or(u64::from(is_required));
    let most = input["max_length"].as_u64().unwrap_or(4_000);
    let is_omitted = length == 0 && !is_required;
    if is_omitted || (least..=most).contains(&length) {
        return Ok(());
    }
    Err(SlashError::BadOption(
        "the text is too short or too long".into(),
    ))
}
