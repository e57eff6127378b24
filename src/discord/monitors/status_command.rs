//! `/status`: the status of all monitors of a guild at a glance.

use crate::discord::Context;
use crate::discord::monitors::{status_card, texts};
use crate::discord::notifications::alerts_off;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Audience, Message};
use crate::domain::discord_id::UserId;
use crate::store::monitors::monitor;

/// Count monitors by status, and list those that are offline or in warning
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn status(
    ctx: Context<'_>,
    #[description = "Post it in the channel for everyone to see (default: only you see it)"]
    share: Option<bool>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let audience = match share {
        Some(true) => Audience::Everyone,
        Some(false) | None => Audience::Requester,
    };
    let work = async {
        let reader = &ctx.data().store.reader;
        let counts = monitor::counts_by_status(reader, Some(requester.guild)).await?;
        let troubled = monitor::troubled(reader, requester.guild, status_card::LISTED).await?;
        let not_set_up = monitor::not_set_up(reader, requester.guild).await?;
        let card = status_card::status(&counts, not_set_up, &troubled);
        let mut message = Message::embed(card);
        if counts.iter().any(|(_, count)| *count > 0) {
            let hint = alerts_off::hint(ctx.data(), requester.guild).await?;
            message.content = hint.unwrap_or_default();
        }
        if audience == Audience::Everyone {
            let shared = texts::shared(UserId(ctx.author().id.get()), ctx.data().now());
            message.content = reply::lines([Some(shared), filled(message.content)]);
        }
        Ok(message)
    };
    reply::answer_to(ctx, audience, work).await
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
