//! Builds every reply, edit and update of an interaction, with mentions off and visible only to the requester by default.

use std::time::Duration;

use poise::serenity_prelude as serenity;
use serde_json::Value;
use serenity::{
    ComponentInteraction, CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateEmbed,
    CreateInteractionResponse, CreateInteractionResponseFollowup, CreateInteractionResponseMessage,
    EditAttachments, EditInteractionResponse,
};

use super::access;
use super::error::CommandError;
use crate::actions::Requester;
use crate::discord::Context;

/// Work that takes longer is deferred, which shows "thinking". Discord drops an interaction after three seconds, and people
/// should see a reaction within one.
const DEFER_AFTER: Duration = Duration::from_millis(700);

/// How long a reply can be edited. Discord accepts edits for 15 minutes after the interaction.
pub(in crate::discord) const LAST_EDIT: Duration = Duration::from_secs(14 * 60);

/// A message before it is sent.
#[derive(Clone, Debug, Default)]
pub(in crate::discord) struct Message {
    pub content: String,
    pub embeds: Vec<CreateEmbed>,
    pub rows: Vec<CreateActionRow>,
    pub files: Vec<CreateAttachment>,
}

impl Message {
    /// A message of one sentence.
    pub(in crate::discord) fn sentence(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            ..Self::default()
        }
    }

    pub(in crate::discord) fn embed(embed: CreateEmbed) -> Self {
        Self {
            embeds: vec![embed],
            ..Self::default()
        }
    }

    /// The reply to a command.
    pub(in crate::discord) fn into_reply(self) -> poise::CreateReply {
        let mut reply = poise::CreateReply::default()
            .ephemeral(true)
            .allowed_mentions(CreateAllowedMentions::new());
        if !self.content.is_empty() {
            reply = reply.content(self.content);
        }
        if !self.rows.is_empty() {
            reply = reply.components(self.rows);
        }
        reply = self
            .embeds
            .into_iter()
            .fold(reply, poise::CreateReply::embed);
        self.files
            .into_iter()
            .fold(reply, poise::CreateReply::attachment)
    }

    /// A new message as the response to a button.
    pub(in crate::discord) fn into_response(self) -> CreateInteractionResponse {
        CreateInteractionResponse::Message(self.into_message())
    }

    /// An update of the message that contains the button. Files that the message had before are removed.
    pub(in crate::discord) fn into_update(self) -> CreateInteractionResponse {
        CreateInteractionResponse::UpdateMessage(self.into_message())
    }

    /// An update of the message that contains the button, if everyone can see that message, as the body of a request: serenity's
    /// own removes files, and the message keeps them. Another edit may have added the picture of an outage.
    pub(in crate::discord) fn into_public_update(self) -> serde_json::Result<Value> {
        let message = self.into_message().ephemeral(false);
        let mut update = serde_json::to_value(CreateInteractionResponse::UpdateMessage(message))?;
        if let Some(data) = update["data"].as_object_mut() {
            data.remove("attachments");
        }
        Ok(update)
    }

    fn into_message(self) -> CreateInteractionResponseMessage {
        CreateInteractionResponseMessage::new()
            .content(self.content)
            .embeds(self.embeds)
            .components(self.rows)
            .files(self.files)
            .ephemeral(true)
            .allowed_mentions(CreateAllowedMentions::new())
    }

    /// An additional message after the response to a button.
    pub(in crate::discord) fn into_follow_up(self) -> CreateInteractionResponseFollowup {
        CreateInteractionResponseFollowup::new()
            .content(self.content)
            .embeds(self.embeds)
            .components(self.rows)
            .ephemeral(true)
            .allowed_mentions(CreateAllowedMentions::new())
    }

    /// A later edit of the response to a button. Files that the message had before are removed.
    pub(in crate::discord) fn into_edit(mut self) -> EditInteractionResponse {
        let files = std::mem::take(&mut self.files);
        let files = files
            .into_iter()
            .fold(EditAttachments::new(), EditAttachments::add);
        self.into_public_edit().attachments(files)
    }

    /// A later edit of a message that everyone can see. It keeps its files: another edit may have added the picture of an outage.
    pub(in crate::discord) fn into_public_edit(self) -> EditInteractionResponse {
        EditInteractionResponse::new()
            .content(self.content)
            .embeds(self.embeds)
            .components(self.rows)
            .allowed_mentions(CreateAllowedMentions::new())
    }
}

/// Who sees a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::discord) enum Audience {
    Requester,
    /// Every member who can read the channel.
    Everyone,
}

/// The content of a message: one line for each part that there is.
pub(in crate::discord) fn lines<const N: usize>(parts: [Option<String>; N]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("\n")
}

/// Replies to a command with the result of `work`, deferring the reply if that takes longer than `DEFER_AFTER`.
pub(in crate::discord) async fn answer(
    ctx: Context<'_>,
    work: impl Future<Output = Result<Message, CommandError>>,
) -> Result<(), CommandError> {
    answer_and_keep(ctx, work).await?;
    Ok(())
}

/// Does the same for an audience. Only the requester sees an error, unless the reply was deferred before.
pub(in crate::discord) async fn answer_to(
    ctx: Context<'_>,
    audience: Audience,
    work: impl Future<Output = Result<Message, CommandError>>,
) -> Result<(), CommandError> {
    answer_in_time(ctx, audience, work).await?;
    Ok(())
}

/// Does the same, and returns the reply, so that `edit` can change it later.
pub(in crate::discord) async fn answer_and_keep<'a>(
    ctx: Context<'a>,
    work: impl Future<Output = Result<Message, CommandError>>,
) -> Result<poise::ReplyHandle<'a>, CommandError> {
    answer_in_time(ctx, Audience::Requester, work).await
}

async fn answer_in_time<'a>(
    ctx: Context<'a>,
    audience: Audience,
    work: impl Future<Output = Result<Message, CommandError>>,
) -> Result<poise::ReplyHandle<'a>, CommandError> {
    let is_ephemeral = audience == Audience::Requester;
    let mut work = std::pin::pin!(work);
    let message = match tokio::time::timeout(DEFER_AFTER, &mut work).await {
        Ok(message) => message?,
        Err(_) => {
            match audience {
                Audience::Requester => ctx.defer_ephemeral().await?,
                Audience::Everyone => ctx.defer().await?,
            }
            work.await?
        }
    };
    let reply = message.into_reply().ephemeral(is_ephemeral);
    Ok(ctx.send(reply).await?)
}

/// Replies to a button or a menu with the result of `work`, like `answer`.
pub(in crate::discord) async fn answer_press(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    work: impl Future<Output = Result<Message, CommandError>>,
) -> Result<(), CommandError> {
    let mut work = std::pin::pin!(work);
    if let Ok(message) = tokio::time::timeout(DEFER_AFTER, &mut work).await {
        let response = message?.into_response();
        return Ok(press.create_response(&ctx.http, response).await?);
    }
    press.defer_ephemeral(&ctx.http).await?;
    let message = work.await?;
    press.edit_response(&ctx.http, message.into_edit()).await?;
    Ok(())
}

/// Changes a reply that was sent before. The member has an answer already, so a failure is only logged.
pub(in crate::discord) async fn edit(
    ctx: Context<'_>,
    sent: &poise::ReplyHandle<'_>,
    message: Result<Message, CommandError>,
) {
    let edited = async {
        let message = message?;
        // Without rows, those of the reply that is edited would stay.
        let rows = message.rows.clone();
        Ok::<_, CommandError>(
            sent.edit(ctx, message.into_reply().components(rows))
                .await?,
        )
    };
    log_failed_edit(edited.await);
}

/// The reply may be dismissed by then, and its token may be invalid.
pub(in crate::discord) fn log_failed_edit(edited: Result<(), CommandError>) {
    if let Err(error) = edited {
        tracing::debug!(%error, "cannot edit a reply");
    }
}

/// The requester of a command.
pub(in crate::discord) fn requester(ctx: Context<'_>) -> Result<Requester, CommandError> {
    access::requester(ctx.guild_id(), ctx.author().id)
}

/// The requester of a command, who must have the permission Manage Server.
pub(in crate::discord) fn manager(ctx: Context<'_>) -> Result<Requester, CommandError> {
    access::require_manage(permissions(ctx))?;
    requester(ctx)
}

/// Whether a member may run a command, or get its suggestions: every command below a root for managers needs Manage Server.
/// It runs before each command and each autocomplete, so that a new one cannot forget it.
pub(in crate::discord) async fn may_run(ctx: Context<'_>) -> Result<bool, CommandError> {
    let root = ctx.parent_commands().first().copied();
    let root = root.unwrap_or_else(|| ctx.command());
    if !root.default_member_permissions.is_empty() {
        access::require_manage(permissions(ctx))?;
    }
    Ok(true)
}

/// The member who ran a command.
pub(in crate::discord) fn member(ctx: Context<'_>) -> Option<&serenity::Member> {
    match ctx {
        poise::Context::Application(ctx) => ctx.interaction.member.as_deref(),
        poise::Context::Prefix(_) => None,
    }
}

/// The permissions of the member who ran a command, in its channel.
pub(in crate::discord) fn permissions(ctx: Context<'_>) -> Option<serenity::Permissions> {
    match ctx {
        poise::Context::Application(ctx) => ctx.interaction.member.as_ref()?.permissions,
        poise::Context::Prefix(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with_file() -> Message {
        Message {
            files: vec![CreateAttachment::bytes([1], "picture.png")],
            ..Message::sentence("text")
        }
    }

    #[test]
    fn updates_of_a_message_that_everyone_sees_keep_its_files() {
        let update = Message::sentence("text").into_public_update().unwrap();
        assert_eq!(update["type"], 7);
        assert_eq!(update["data"]["content"], "text");
        assert_eq!(update["data"].get("attachments"), None);
        let edit = serde_json::to_value(Message::sentence("text").into_public_edit()).unwrap();
        assert_eq!(edit.get("attachments"), None);
    }

    #[test]
    fn updates_of_a_reply_replace_its_files() {
        for (message, files) in [(with_file(), 1), (Message::sentence("text"), 0)] {
            let edit = serde_json::to_value(message.clone().into_edit()).unwrap();
            assert_eq!(edit["attachments"].as_array().unwrap().len(), files);
            let update = serde_json::to_value(message.into_update()).unwrap();
            let listed = &update["data"]["attachments"];
            assert_eq!(listed.as_array().unwrap().len(), files, "{update}");
        }
        let none = serde_json::to_value(Message::sentence("text").into_edit()).unwrap();
        assert_eq!(none["attachments"], json!([]));
    }
}
