//! How poise and serenity are set up: our commands, our error sentences, no mentions; and what their events tell the log.

use poise::serenity_prelude as serenity;

use super::{AppState, buttons, commands, error};
use crate::actions::manage_board;
use crate::store::board;

/// poise with our commands.
pub(super) fn framework(app: &AppState) -> poise::Framework<AppState, error::CommandError> {
    let data = app.clone();
    let options = poise::FrameworkOptions {
        commands: commands::all(),
        on_error: |error| Box::pin(error::answer(error)),
        post_command: |ctx| {
            let name: &str = &ctx.command().qualified_name;
            ctx.data().metrics.commands.with_label_values(&[name]).inc();
            Box::pin(std::future::ready(()))
        },
        event_handler: |framework, event| {
            Box::pin(heard(
                framework.serenity_context,
                event,
                framework.user_data,
            ))
        },
        allowed_mentions: Some(serenity::CreateAllowedMentions::new()),
        initialize_owners: false,
        ..poise::FrameworkOptions::default()
    };
    // Setup must not fail: a bot whose setup failed is online and answers nothing, for ever.
    poise::Framework::builder()
        .options(options)
        .setup(move |_, _, _| Box::pin(std::future::ready(Ok(data))))
        .build()
}

/// What happens in servers and is no command: presses, and messages that are deleted.
async fn heard(
    ctx: &serenity::Context,
    event: &serenity::FullEvent,
    app: &AppState,
) -> Result<(), error::CommandError> {
    match event {
        serenity::FullEvent::MessageDelete {
            deleted_message_id: gone,
            ..
        } => gone_is_a_board(app, &[gone.get()]).await,
        serenity::FullEvent::MessageDeleteBulk {
            multiple_deleted_messages_ids: gone,
            ..
        } => {
            let gone: Vec<u64> = gone.iter().map(|id| id.get()).collect();
            gone_is_a_board(app, &gone).await
        }
        event => buttons::on_event(ctx, event, app).await,
    }
}

/// Most messages that are deleted are not ours: only a board is worth a write.
async fn gone_is_a_board(app: &AppState, gone: &[u64]) -> Result<(), error::CommandError> {
    for known in board::all(&app.store.reader).await? {
        if let Some(message) = known.message.filter(|message| gone.contains(message)) {
            manage_board::lost(&app.store, message).await?;
        }
    }
    Ok(())
}

/// Tells the log who we are.
pub(super) struct Events;

#[serenity::async_trait]
impl serenity::EventHandler for Events {
    async fn ready(&self, _: serenity::Context, ready: serenity::Ready) {
        let shard = ready.shard.map_or(0, |shard| shard.id.0);
        tracing::info!(
            shard,
            guilds = ready.guilds.len(),
            "Connected to Discord as {}",
            ready.user.name
        );
    }

    async fn resume(&self, ctx: serenity::Context, _: serenity::ResumedEvent) {
        tracing::info!(
            shard = ctx.shard_id.0,
            "The connection to Discord was resumed"
        );
    }
}

/// Counts what serenity could not read: such an interaction is lost, and only a debug line would say so.
pub(super) struct Unparsed {
    pub app: AppState,
}

#[serenity::async_trait]
impl serenity::RawEventHandler for Unparsed {
    async fn raw_event(&self, _: serenity::Context, event: serenity::Event) {
        if let serenity::Event::Unknown(unknown) = event
            && unknown.kind == "INTERACTION_CREATE"
        {
            self.app.metrics.interactions_unparsed.inc();
            tracing::error!("an interaction from Discord could not be read and was not answered");
        }
    }
}
