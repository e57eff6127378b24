//! Acts as the members of a guild: types commands, presses buttons and waits for the replies.

mod forms;

use std::time::Duration;

use serde_json::{Value, json};

use crate::clock;
use crate::reply::{File, Reply};
use crate::sandbox::Sandbox;
use crate::shapes;
use crate::slash::{self, Parsed, SlashError};
use crate::world::{ADMINISTRATOR, Answer, GuildId, Interaction, Member, World};

pub use forms::Form;

/// How long to wait for the initial response. Discord drops an interaction after 3 s; the rest is for the transfer.
const FIRST_RESPONSE: Duration = Duration::from_millis(3_500);

/// A member of a guild who can act.
#[derive(Clone, Debug)]
pub struct As<'a> {
    sandbox: &'a Sandbox,
    member: Member,
    guild: GuildId,
    ignores_permissions: bool,
}

/// The member that the shortcuts of `Sandbox` act as; has the Manage Server permission.
fn admin() -> Member {
    Member::manager(1001, "ada")
}

impl Sandbox {
    /// Acts as a member of the guild that exists from the start.
    pub fn member(&self, member: &Member) -> As<'_> {
        As {
            sandbox: self,
            member: member.clone(),
            guild: self.guild(),
            ignores_permissions: false,
        }
    }

    /// Types a command as a member with the Manage Server permission.
    ///
    /// # Panics
    /// If Discord's client would reject the command, or no reply comes.
    pub async fn slash(&self, line: &str) -> Reply {
        self.member(&admin()).slash(line).await
    }

    /// Like `slash`, with a file for one of the options.
    pub async fn slash_with_file(&self, line: &str, option: &str, file: File) -> Reply {
        match self
            .member(&admin())
            .try_slash_with_file(line, option, file)
            .await
        {
            Ok(reply) => reply,
            Err(error) => panic!("{line}: {error}"),
        }
    }

    /// Types part of a command; returns the choices for its last option as name and value.
    pub async fn autocomplete(&self, line: &str) -> Vec<(String, String)> {
        self.member(&admin()).autocomplete(line).await
    }

    /// Presses a button by its label or custom id.
    pub async fn press(&self, reply: &Reply, button: &str) -> Reply {
        self.member(&admin()).press(reply, button).await
    }

    /// Reads a reply again, in its current form.
    pub fn refresh(&self, reply: &Reply) -> Reply {
        let mut fresh = reply.clone();
        if let Some(message) = self.shared.read().messages.get(&reply.message_id) {
            fresh.body = message.body.clone();
        }
        fresh
    }
}

impl As<'_> {
    pub fn in_guild(mut self, guild: GuildId) -> Self {
        self.guild = guild;
        self
    }

    /// Also sends commands that Discord's client would hide, to test that the bot checks permissions by itself.
    pub fn forging(mut self) -> Self {
        self.ignores_permissions = true;
        self
    }

    /// # Panics
    /// If Discord's client would reject the command, or no reply comes.
    pub async fn slash(&self, line: &str) -> Reply {
        match self.try_slash(line).await {
            Ok(reply) => reply,
            Err(error) => panic!("{line}: {error}"),
        }
    }

    /// Types a command and waits for its reply.
    ///
    /// # Errors
    /// If Discord's client would reject the command, or no reply comes.
    pub async fn try_slash(&self, line: &str) -> Result<Reply, SlashError> {
        let commands = self.sandbox.commands(self.guild);
        let parsed = slash::parse(line, &commands, &[])?;
        self.check_permission(&parsed)?;
        self.interact(2, parsed.data, None).await
    }

    /// Like `try_slash`, with a file for one of the options.
    ///
    /// # Errors
    /// If Discord's client would reject the command, or no reply comes.
    pub async fn try_slash_with_file(
        &self,
        line: &str,
        option: &str,
        file: File,
    ) -> Result<Reply, SlashError> {
        let shared = &self.sandbox.shared;
        let base_url = format!("http://{}", shared.rest_address);
        let id = shared.change(|world| {
            let id = world.new_id();
            world
                .uploads
                .insert(id, (file.name.clone(), file.content.clone()));
            id
        });
        let commands = self.sandbox.commands(self.guild);
        let mut parsed = slash::parse(line, &commands, &[(option.to_owned(), id)])?;
        self.check_permission(&parsed)?;
        let url = format!("{base_url}/sandbox/uploads/{id}");
        parsed.data["resolved"] = json!({ "attachments": { id.to_string(): {
            "id": id.to_string(), "filename": file.name, "size": file.content.len(), "url": url, "proxy_url": url,
            "ephemeral": true,
        }}});
        self.interact(2, parsed.data, None).await
    }

    /// The choices for the last option of a line, as name and value.
    ///
    /// # Panics
    /// If the line is invalid, or the bot does not respond with choices.
    pub async fn autocomplete(&self, line: &str) -> Vec<(String, String)> {
        let commands = self.sandbox.commands(self.guild);
        let data = match slash::parse_partial(line, &commands) {
            Ok(parsed) => parsed.data,
            Err(error) => panic!("{line}: {error}"),
        };
        let id = self.send(4, data, None);
        let word = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let answered = |world: &World| match world.interactions.get(&id)?.answer.clone()? {
            Answer::Choices(choices) => Some(choices),
            Answer::Message | Answer::Deferred | Answer::Modal(_) => None,
        };
        let choices = self
            .sandbox
            .shared
            .wait_for("the choices of an autocomplete", answered)
            .await;
        choices
            .iter()
            .map(|choice| (word(&choice["name"]), word(&choice["value"])))
            .collect()
    }

    /// # Panics
    /// If there is no such button, or no reply comes.
    pub async fn press(&self, reply: &Reply, button: &str) -> Reply {
        match self.try_press(reply, button).await {
            Ok(reply) => reply,
            Err(error) => panic!("{button}: {error}"),
        }
    }

    /// Presses a button and waits for the reply.
    ///
    /// # Errors
    /// If there is no such button that can be pressed, or no reply comes.
    pub async fn try_press(&self, reply: &Reply, button: &str) -> Result<Reply, SlashError> {
        let custom_id = reply
            .custom_id(button)
            .ok_or_else(|| SlashError::NoSuchButton(button.to_owned()))?;
        self.press_forged(reply, &custom_id).await
    }

    /// Presses a button that does not exist, with any custom id.
    ///
    /// # Errors
    /// If the bot opens a form, or no reply comes.
    pub async fn press_forged(&self, reply: &Reply, custom_id: &str) -> Result<Reply, SlashError> {
        let data = json!({ "custom_id": custom_id, "component_type": 2 });
        self.interact(3, data, Some(reply.message_id)).await
    }

    /// Chooses an option of a message's menu by its label, and waits for the reply.
    ///
    /// # Panics
    /// If there is no such menu or option, or no reply comes.
    pub async fn choose(&self, reply: &Reply, label: &str) -> Reply {
        let Some((custom_id, value)) = reply.menu_option(label) else {
            panic!("there is no menu option {label} in {}", reply.render());
        };
        let data = json!({ "custom_id": custom_id, "component_type": 3, "values": [value] });
        match self.interact(3, data, Some(reply.message_id)).await {
            Ok(reply) => reply,
            Err(error) => panic!("{label}: {error}"),
        }
    }

    fn check_permission(&self, parsed: &Parsed) -> Result<(), SlashError> {
        let needed = parsed.command["default_member_permissions"]
            .as_str()
            .and_then(|bits| bits.parse::<u64>().ok());
        let held = self.member.permissions;
        let is_permitted =
            needed.is_none_or(|needed| held & needed == needed || held & ADMINISTRATOR != 0);
        if is_permitted || self.ignores_permissions {
            Ok(())
        } else {
            Err(SlashError::NotPermitted)
        }
    }

    async fn interact(
        &self,
        kind: u64,
        data: Value,
        message: Option<u64>,
    ) -> Result<Reply, SlashError> {
        let id = self.send(kind, data, message);
        let finished = |world: &World| {
            let interaction = world.interactions.get(&id)?;
            match interaction.answer.as_ref()? {
                Answer::Message => Some(Ok(reply_of(world, interaction)?)),
                Answer::Deferred if interaction.edits > 0 || !interaction.follow_ups.is_empty() => {
                    Some(Ok(reply_of(world, interaction)?))
                }
                Answer::Deferred | Answer::Choices(_) => None,
                Answer::Modal(form) => Some(Err(SlashError::Form(
                    form["title"].as_str().unwrap_or_default().to_owned(),
                ))),
            }
        };
        let shared = &self.sandbox.shared;
        let is_answered = |world: &World| world.interactions.get(&id)?.answer.as_ref().map(drop);
        let first_response = shared.wait_until(is_answered);
        if tokio::time::timeout(FIRST_RESPONSE, first_response)
            .await
            .is_err()
        {
            return Err(SlashError::NoAnswer);
        }
        shared.wait_for("the bot's answer", finished).await
    }

    /// Sends an interaction to the bot and returns its id.
    fn send(&self, kind: u64, data: Value, message: Option<u64>) -> u64 {
        let shared = &self.sandbox.shared;
        let base_url = format!("http://{}", shared.rest_address);
        shared.change(|world| {
            let id = world.new_id();
            let token = format!("interaction-token-{id}");
            let Some(guild) = world.guild(self.guild).cloned() else {
                panic!("the sandbox has no guild {:?}", self.guild);
            };
            let mut event = json!({
                "id": id.to_string(), "application_id": world.application_id.to_string(), "type": kind, "token": token,
                "version": 1, "guild_id": guild.id.0.to_string(), "channel_id": guild.channel.to_string(),
                "channel": shapes::channel(&guild), "member": shapes::member(&self.member), "locale": "en-US",
                "guild_locale": "en-US", "app_permissions": guild.bot_permissions.to_string(), "entitlements": [], "context": 0,
                "authorizing_integration_owners": { "0": guild.id.0.to_string() }, "attachment_size_limit": 10_485_760,
                "data": data,
            });
            if let Some(message) = message.and_then(|message| world.messages.get(&message)) {
                event["message"] = shapes::message(message, &world.bot_user(), &base_url);
            }
            let interaction = Interaction {
                id, kind, token, message, sent_at: clock::now(), answer: None, answered_after: None, was_deferred: false,
                follow_ups: Vec::new(), is_ephemeral: false, edits: 0, channel: guild.channel,
            };
            world.interactions.insert(id, interaction);
            world.dispatch("INTERACTION_CREATE", &event);
            id
        })
    }
}

fn reply_of(world: &World, interaction: &Interaction) -> Option<Reply> {
    // If a deferred press was answered with a new message, that is what the member sees last.
    let id = interaction
        .follow_ups
        .last()
        .copied()
        .or(interaction.message)?;
    let message = world.messages.get(&id)?;
    let files = message.files.iter().map(|(name, content)| File {
        name: name.clone(),
        content: content.clone(),
    });
    Some(Reply {
        message_id: id,
        body: message.body.clone(),
        files: files.collect(),
        is_ephemeral: message.is_ephemeral,
        was_deferred: interaction.was_deferred,
        answered_after: interaction.answered_after?,
    })
}
