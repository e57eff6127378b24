//! Setup of poise and serenity: the commands, the error replies, no mentions, and the event handlers.

use poise::serenity_prelude as serenity;

use crate::actions::notifications::manage_board;
use crate::discord::ui::{error, error_reply, reply};
use crate::discord::{DiscordState, commands, press};
use crate::domain::discord_id::MessageId;
use crate::store::notifications::board;

/// The poise framework with Rollcall's commands.
pub(super) fn framework(app: &DiscordState) -> poise::Framework<DiscordState, error::CommandError> {
    let data = app.clone();
    let options = poise::FrameworkOptions {
        commands: commands::all(),
        command_check: Some(|ctx| Box::pin(reply::may_run(ctx))),
        on_error: |error| Box::pin(error_reply::answer(error)),
        post_command: |ctx| {
            let name: &str = &ctx.command().qualified_name;
            ctx.data().metrics.commands.with_label_values(&[name]).inc();
            Box::pin(std::future::ready(()))
        },
        event_handler: |framework, event| {
            Box::pin(on_event(
                framework.serenity_context,
                event,
                framework.user_data,
            ))
        },
        allowed_mentions: Some(serenity::CreateAllowedMentions::new()),
        initialize_owners: false,
        ..poise::FrameworkOptions::default()
    };
    // Setup must not fail: a bot whose setup failed stays online but never answers a command.
    poise::Framework::builder()
        .options(options)
        .setup(move |_, _, _| Box::pin(std::future::ready(Ok(data))))
        .build()
}

/// Handles events other than commands: button presses and deleted messages.
async fn on_event(
    ctx: &serenity::Context,
    event: &serenity::FullEvent,
    app: &DiscordState,
) -> Result<(), error::CommandError> {
    match event {
        serenity::FullEvent::MessageDelete {
            deleted_message_id: deleted,
            ..
        } => forget_deleted_boards(app, &[MessageId(deleted.get())]).await,
        serenity::FullEvent::MessageDeleteBulk {
            multiple_deleted_messages_ids: deleted,
            ..
        } => {
            let deleted: Vec<MessageId> = deleted.iter().map(|id| MessageId(id.get())).collect();
            forget_deleted_boards(app, &deleted).await
        }
        event => press::on_event(ctx, event, app).await,
    }
}

/// Has boards posted again if their message was deleted. Other deleted messages cause no write.
async fn forget_deleted_boards(
    app: &DiscordState,
    deleted: &[MessageId],
) -> Result<(), error::CommandError> {
    for message in deleted {
        if board::is_board(&app.store.reader, *message).await? {
            manage_board::lost(&app.store, *message).await?;
        }
    }
    Ok(())
}

/// Logs when a shard connects and resumes.
pub(super) struct Events;

#[serenity::async_trait]
impl serenity::EventHandler for Events {
    async fn ready(&self, _: serenity::Context, ready: serenity::Ready) {
        let shard = ready.shard.map_or(0, |shard| shard.id.0);
        tracing::info!(
            shard,
            guilds = ready.guilds.len(),
            user = ready.user.name.as_str(),
            "connected to Discord"
        );
    }

    async fn resume(&self, ctx: serenity::Context, _: serenity::ResumedEvent) {
        tracing::info!(shard = ctx.shard_id.0, "connection to Discord resumed");
    }
}

/// Counts interactions that serenity could not parse. They get no answer, and serenity itself only logs them at debug level.
pub(super) struct Unparsed {
    pub app: DiscordState,
}

#[serenity::async_trait]
impl serenity::RawEventHandler for Unparsed {
    async fn raw_event(&self, _: serenity::Context, event: serenity::Event) {
        if let serenity::Event::Unknown(unknown) = event
            && unknown.kind == "INTERACTION_CREATE"
        {
            self.app.metrics.interactions_unparsed.inc();
            tracing::error!("cannot parse an interaction; it gets no response");
        }
    }
}
