//! What a member does, sent to the bot as an interaction, and the bot's response to it.

use std::time::Duration;

use serde_json::{Value, json};

use super::As;
use crate::clock;
use crate::people::slash::{self, SlashError};
use crate::reply::{File, Reply};
use crate::shapes;
use crate::world::{Answer, Guild, Interaction, World};

/// How long to wait for the initial response. Discord drops an interaction after 3 s; the rest is for the transfer.
const FIRST_RESPONSE: Duration = Duration::from_millis(3_500);

/// Types of interactions as Discord numbers them.
pub(super) const COMMAND: u64 = 2;
pub(super) const COMPONENT: u64 = 3;
pub(super) const AUTOCOMPLETE: u64 = 4;
pub(super) const FORM: u64 = 5;

/// What a member does, before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(super) kind: u64,
    pub(super) data: Value,
    /// The message whose component is used.
    pub(super) message: Option<u64>,
}

impl As<'_> {
    /// Sends what the member does, and waits for the initial response. Returns the interaction's id with it.
    pub(crate) async fn begin(&self, act: Act) -> Result<(u64, Answer), SlashError> {
        let id = self.send(act)?;
        let answered = |world: &World| world.interactions.get(&id)?.answer.clone();
        let first_response = self.sandbox.shared.wait_until(answered);
        match tokio::time::timeout(FIRST_RESPONSE, first_response).await {
            Ok(answer) => Ok((id, answer)),
            Err(_) => Err(SlashError::NoAnswer),
        }
    }

    /// Sends what the member does, and waits for the message that responds to it.
    pub(super) async fn interact(&self, act: Act) -> Result<Reply, SlashError> {
        let (id, _) = self.begin(act).await?;
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
        shared.wait_for("the bot's answer", finished).await
    }

    /// Sends an interaction to the bot and returns its id.
    fn send(&self, act: Act) -> Result<u64, SlashError> {
        let shared = &self.sandbox.shared;
        let base_url = format!("http://{}", shared.rest_address);
        let Act {
            kind,
            data,
            message,
        } = act;
        shared.change(|world| {
            let id = world.new_id();
            let token = format!("interaction-token-{id}");
            let guild = world.guild(self.guild).cloned();
            let guild = guild.ok_or(SlashError::NoSuchGuild)?;
            let pressed = message.and_then(|message| world.messages.get(&message));
            let channel = self.channel_in(&guild, pressed.map(|message| message.channel));
            let shape = guild.channel(channel).map(|it| shapes::channel(&guild, it));
            let mut event = json!({
                "id": id.to_string(), "application_id": world.application_id.to_string(), "type": kind, "token": token,
                "version": 1, "guild_id": guild.id.0.to_string(), "channel_id": channel.to_string(),
                "channel": shape, "member": shapes::member(&self.member), "locale": "en-US",
                "guild_locale": "en-US", "app_permissions": guild.bot_permissions.to_string(), "entitlements": [], "context": 0,
                "authorizing_integration_owners": { "0": guild.id.0.to_string() }, "attachment_size_limit": 10_485_760,
                "data": data,
            });
            if let Some(message) = pressed {
                event["message"] = shapes::message(message, &world.bot_user(), &base_url);
            }
            let command = match kind {
                COMMAND => slash::full_name(&data),
                _ => String::new(),
            };
            let interaction = Interaction {
                id, kind, token, message, sent_at: clock::now(), answer: None, answered_after: None, was_deferred: false,
                follow_ups: Vec::new(), is_ephemeral: false, edits: 0, guild: guild.id, channel, pressed: message,
                member: self.member.id, command, is_thinking: false,
            };
            world.interactions.insert(id, interaction);
            world.dispatch("INTERACTION_CREATE", &event);
            Ok(id)
        })
    }

    /// The channel of an interaction: that of the message, else the one that the member is in.
    fn channel_in(&self, guild: &Guild, of_message: Option<u64>) -> u64 {
        let chosen = of_message.filter(|id| guild.has_channel(*id));
        let chosen = chosen.or_else(|| self.channel.filter(|id| guild.has_channel(*id)));
        chosen.unwrap_or_else(|| guild.main_channel())
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
    let files = message.attachments.files.iter().map(File::of);
    Some(Reply {
        message_id: id,
        body: message.body.clone(),
        files: files.collect(),
        is_ephemeral: message.is_ephemeral,
        was_deferred: interaction.was_deferred,
        answered_after: interaction.answered_after?,
    })
}
