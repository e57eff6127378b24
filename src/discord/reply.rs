//! The one way out: every answer, edit and update is built here, with mentions switched off and only the asker seeing it.

use std::time::Duration;

use poise::serenity_prelude as serenity;
use serenity::{
    CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateEmbed,
    CreateInteractionResponse, CreateInteractionResponseFollowup, CreateInteractionResponseMessage,
    EditInteractionResponse,
};

use super::error::CommandError;
use super::{Context, access};
use crate::actions::Requester;

/// Discord forgets an interaction after three seconds; we do not make people wait longer than one for a sign.
const PATIENCE: Duration = Duration::from_millis(900);

/// A message before it is sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub content: String,
    pub embeds: Vec<CreateEmbed>,
    pub rows: Vec<CreateActionRow>,
    pub files: Vec<CreateAttachment>,
}

impl Message {
    /// A card of one sentence.
    pub(super) fn sentence(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            ..Self::default()
        }
    }

    pub(super) fn embed(embed: CreateEmbed) -> Self {
        Self {
            embeds: vec![embed],
            ..Self::default()
        }
    }

    /// The answer to a command.
    pub(super) fn into_reply(self) -> poise::CreateReply {
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

    /// A new message as the answer to a button.
    pub(super) fn into_response(self) -> CreateInteractionResponse {
        CreateInteractionResponse::Message(self.into_message())
    }

    /// A button's own message, changed.
    pub(super) fn into_update(self) -> CreateInteractionResponse {
        CreateInteractionResponse::UpdateMessage(self.into_message())
    }

    /// A message that everybody sees, changed by a button under it.
    pub(super) fn into_public_update(self) -> CreateInteractionResponse {
        CreateInteractionResponse::UpdateMessage(self.into_message().ephemeral(false))
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

    /// What is said beside the message that a button stands under.
    pub(super) fn into_follow_up(self) -> CreateInteractionResponseFollowup {
        CreateInteractionResponseFollowup::new()
            .content(self.content)
            .embeds(self.embeds)
            .components(self.rows)
            .ephemeral(true)
            .allowed_mentions(CreateAllowedMentions::new())
    }

    /// A later change of the answer to a button.
    pub(super) fn into_edit(self) -> EditInteractionResponse {
        EditInteractionResponse::new()
            .content(self.content)
            .embeds(self.embeds)
            .components(self.rows)
            .allowed_mentions(CreateAllowedMentions::new())
    }
}

/// Answers a command with what `work` comes to; where that takes longer than a moment, Discord shows that we think.
pub(super) async fn answer(
    ctx: Context<'_>,
    work: impl Future<Output = Result<Message, CommandError>>,
) -> Result<(), CommandError> {
    let mut work = std::pin::pin!(work);
    let card = match tokio::time::timeout(PATIENCE, &mut work).await {
        Ok(card) => card?,
        Err(_) => {
            ctx.defer_ephemeral().await?;
            work.await?
        }
    };
    ctx.send(card.into_reply()).await?;
    Ok(())
}

/// Who gave a command.
pub(super) fn requester(ctx: Context<'_>) -> Result<Requester, CommandError> {
    access::requester(ctx.guild_id(), ctx.author().id)
}

/// Who asks, and may change what belongs to the server.
pub(super) fn manager(ctx: Context<'_>) -> Result<Requester, CommandError> {
    access::require_manage(permissions(ctx))?;
    requester(ctx)
}

/// The member who gave a command.
pub(super) fn member(ctx: Context<'_>) -> Option<&serenity::Member> {
    match ctx {
        poise::Context::Application(ctx) => ctx.interaction.member.as_deref(),
        poise::Context::Prefix(_) => None,
    }
}

/// What the member who gave a command is permitted in its channel.
pub(super) fn permissions(ctx: Context<'_>) -> Option<serenity::Permissions> {
    match ctx {
        poise::Context::Application(ctx) => ctx.interaction.member.as_ref()?.permissions,
        poise::Context::Prefix(_) => None,
    }
}
