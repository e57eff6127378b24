//! Buttons and menus: what a member presses and chooses in a message.

use serde_json::{Value, json};

use super::As;
use super::sending::{Act, COMPONENT};
use crate::people::slash::{self, Chosen, SlashError};
use crate::reply::Reply;
use crate::world::Guild;

/// Component types as Discord numbers them.
const BUTTON: u64 = 2;
const STRINGS: u64 = 3;
const USERS: u64 = 5;
const ROLES: u64 = 6;
const MENTIONABLES: u64 = 7;
const CHANNELS: u64 = 8;

/// The type of text channels.
const TEXT_CHANNEL: u64 = 0;

impl As<'_> {
    /// Chooses an option of a message's menu by its label, and waits for the reply.
    ///
    /// # Panics
    /// If there is no such menu or option, or no reply comes.
    pub async fn choose(&self, reply: &Reply, label: &str) -> Reply {
        match self.try_choose(reply, label).await {
            Ok(reply) => reply,
            Err(error) => panic!("{label}: {error} in {}", reply.render()),
        }
    }

    /// Chooses an option of a message's menu by its label, and waits for the reply.
    ///
    /// # Errors
    /// If there is no such menu or option, or no reply comes.
    pub async fn try_choose(&self, reply: &Reply, label: &str) -> Result<Reply, SlashError> {
        let (custom_id, value) = reply.menu_option(label).ok_or_else(|| {
            SlashError::BadChoice(format!("there is no menu with the option {label}"))
        })?;
        self.try_choose_in(reply, &custom_id, &[&value]).await
    }

    /// Chooses values in the menu with this custom id, and waits for the reply: values of the menu's own options, or the
    /// ids of channels, roles and users.
    ///
    /// # Errors
    /// If there is no such menu, if it does not offer a value or wants fewer or more of them, or if no reply comes.
    pub async fn try_choose_in(
        &self,
        reply: &Reply,
        custom_id: &str,
        values: &[&str],
    ) -> Result<Reply, SlashError> {
        self.interact(self.choice(reply, custom_id, values)?).await
    }

    /// Chooses a channel in the menu of channels of a message, and waits for the reply. Only a member who forges can choose a
    /// channel of another guild.
    ///
    /// # Panics
    /// If there is no such menu or channel, or no reply comes.
    pub async fn choose_channel(&self, reply: &Reply, channel: u64) -> Reply {
        self.choose_id(reply, CHANNELS, channel).await
    }

    /// Chooses a role in the menu of roles of a message, and waits for the reply.
    ///
    /// # Panics
    /// If there is no such menu, or no reply comes.
    pub async fn choose_role(&self, reply: &Reply, role: u64) -> Reply {
        self.choose_id(reply, ROLES, role).await
    }

    async fn choose_id(&self, reply: &Reply, kind: u64, id: u64) -> Reply {
        let Some(menu) = reply.menu(kind) else {
            panic!("there is no such menu in {}", reply.render());
        };
        let custom_id = menu["custom_id"].as_str().unwrap_or_default();
        let id = id.to_string();
        match self.try_choose_in(reply, custom_id, &[&id]).await {
            Ok(reply) => reply,
            Err(error) => panic!("{id}: {error}"),
        }
    }

    /// A press of a button.
    pub(crate) fn press_of(&self, reply: &Reply, button: &str) -> Result<Act, SlashError> {
        let custom_id = reply.button_id(button);
        custom_id
            .map(|custom_id| press(reply, &custom_id))
            .ok_or_else(|| SlashError::NoSuchButton(button.to_owned()))
    }

    /// A choice in a menu, as Discord's client would send it.
    pub(crate) fn choice(
        &self,
        reply: &Reply,
        custom_id: &str,
        values: &[&str],
    ) -> Result<Act, SlashError> {
        let guild = self.guild_now()?;
        let refuse = |why: String| Err(SlashError::BadChoice(why));
        let is_meant = |it: &&Value| it["custom_id"] == custom_id && it["type"] != BUTTON;
        let Some(menu) = reply.components().find(is_meant) else {
            return refuse(format!("there is no menu {custom_id}"));
        };
        if menu["disabled"] == true {
            return refuse(format!("the menu {custom_id} is disabled"));
        }
        let least = menu["min_values"].as_u64().unwrap_or(1);
        let most = menu["max_values"].as_u64().unwrap_or(1);
        if !(least..=most).contains(&u64::try_from(values.len()).unwrap_or(u64::MAX)) {
            return refuse(format!("the menu wants {least} to {most} values"));
        }
        let is_offered = |value: &&&str| self.ignores_permissions || offers(menu, value, &guild);
        if let Some(value) = values.iter().find(|value| !is_offered(value)) {
            return refuse(format!("the menu does not show {value}"));
        }
        let mut data =
            json!({ "custom_id": custom_id, "component_type": menu["type"], "values": values });
        let mut resolved = Value::Null;
        for value in values {
            if let Some(of) = chosen(menu, value, &guild) {
                slash::resolve(&mut resolved, of, value, &guild);
            }
        }
        if !resolved.is_null() {
            data["resolved"] = resolved;
        }
        Ok(Act {
            kind: COMPONENT,
            data,
            message: Some(reply.message_id),
        })
    }
}

/// A press of the button with this custom id, whether or not there is one.
pub(super) fn press(reply: &Reply, custom_id: &str) -> Act {
    Act {
        kind: COMPONENT,
        data: json!({ "custom_id": custom_id, "component_type": BUTTON }),
        message: Some(reply.message_id),
    }
}

/// Whether a menu has this value. Users and roles that are not known by name exist in every guild.
fn offers(menu: &Value, value: &str, guild: &Guild) -> bool {
    let id = value.parse::<u64>();
    match menu["type"].as_u64() {
        Some(STRINGS) => {
            let mut options = menu["options"].as_array().into_iter().flatten();
            options.any(|option| option["value"] == value)
        }
        Some(CHANNELS) => {
            let types = menu["channel_types"].as_array();
            id.is_ok_and(|id| guild.has_channel(id))
                && types.is_none_or(|types| types.contains(&json!(TEXT_CHANNEL)))
        }
        _ => id.is_ok(),
    }
}

fn chosen(menu: &Value, id: &str, guild: &Guild) -> Option<Chosen> {
    match menu["type"].as_u64()? {
        USERS => Some(Chosen::User),
        ROLES => Some(Chosen::Role),
        MENTIONABLES => Some(Chosen::mentionable(id, guild)),
        CHANNELS => Some(Chosen::Channel),
        _ => None,
    }
}
