//! `/alerts webhook …`: webhooks as additional destinations of notifications. A URL is a secret: only the member who enters
//! it sees it, and it is not shown again.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use crate::actions::notifications::webhook as webhooks;
use crate::discord::notifications::{texts, webhooks_card};
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::discord::{Context, DiscordState};
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::parse_name;
use crate::domain::notifications::destination_health::DeliveryError;
use crate::domain::notifications::webhook::{WebhookFormat, parse_url};
use crate::notify::webhook::payload::template::Template;
use crate::notify::webhook::{payload, signature};
use crate::store::notifications::webhook::{self, NewWebhook, Webhook};

/// The format of a webhook's messages. Append only: Discord identifies a choice by its index.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum WebhookFormatChoice {
    #[name = "standard: signed JSON (Standard Webhooks)"]
    Standard,
    #[name = "slack: for Slack, Mattermost and Rocket.Chat"]
    Slack,
    #[name = "discord: for a Discord webhook"]
    Discord,
    #[name = "template: your own JSON, for ntfy, Gotify, Telegram, PagerDuty and others"]
    Template,
}

impl From<WebhookFormatChoice> for WebhookFormat {
    fn from(choice: WebhookFormatChoice) -> Self {
        match choice {
            WebhookFormatChoice::Standard => Self::Standard,
            WebhookFormatChoice::Slack => Self::Slack,
            WebhookFormatChoice::Discord => Self::Discord,
            WebhookFormatChoice::Template => Self::Template,
        }
    }
}

/// Manage webhooks that receive notifications
#[poise::command(
    slash_command,
    guild_only,
    subcommands("add", "list", "test", "remove")
)]
pub(super) async fn webhook(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Add a webhook and send a test message
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "Name"]
    #[max_length = 64]
    name: String,
    #[description = "URL; it is kept secret and not shown again"]
    #[max_length = 512]
    url: String,
    #[description = "Format (default: detected from the URL)"] format: Option<WebhookFormatChoice>,
    #[description = "JSON with placeholders, for the format template; it is kept secret"]
    #[max_length = 2000]
    template: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let name = parse_name(&name).map_err(|error| wrong("name", error))?;
        let url = parse_url(&url).map_err(|error| wrong("url", error))?;
        let format = match (format, &template) {
            (Some(format), _) => WebhookFormat::from(format),
            (None, Some(_)) => WebhookFormat::Template,
            (None, None) => WebhookFormat::of(&url),
        };
        check_template(format, template.as_deref())?;
        let new = NewWebhook {
            name: name.clone(),
            url,
            format,
            template,
            signing_key: signing_key()?,
        };
        webhooks::add(&app.store, requester, new, app.now()).await?;
        let known = find(app, requester.guild, &name).await?;
        let result = send_test_message(app, &known).await?;
        Ok(Message::embed(webhooks_card::added(&known, &result)))
    };
    reply::answer(ctx, work).await
}

/// List webhooks and whether they can be reached
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let known = webhook::list(&ctx.data().store.reader, requester.guild).await?;
        Ok(Message::embed(webhooks_card::list(&known)))
    };
    reply::answer(ctx, work).await
}

/// Send a test message to a webhook; success enables it again
#[poise::command(slash_command, guild_only)]
async fn test(
    ctx: Context<'_>,
    #[description = "Webhook"]
    #[autocomplete = "webhook_choices"]
    #[max_length = 64]
    name: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let known = find(app, requester.guild, &name).await?;
        let result = send_test_message(app, &known).await?;
        Ok(Message::embed(webhooks_card::tested(&known, &result)))
    };
    reply::answer(ctx, work).await
}

/// Remove a webhook
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Webhook"]
    #[autocomplete = "webhook_choices"]
    #[max_length = 64]
    name: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let known = find(app, requester.guild, &name).await?;
        let answer = texts::webhook_removed(&known.name);
        webhooks::remove(&app.store, requester, known.name, app.now()).await?;
        Ok(Message::sentence(answer))
    };
    reply::answer(ctx, work).await
}

async fn webhook_choices(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let partial = partial.trim().to_lowercase();
    let known = webhook::list(&ctx.data().store.reader, requester.guild).await;
    let known = known.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot load webhooks for autocomplete");
        Vec::new()
    });
    let choices = known
        .into_iter()
        .filter(|known| known.name.to_lowercase().contains(&partial))
        .map(|known| AutocompleteChoice::new(known.name.clone(), known.name));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

/// The template belongs to its format, and must be usable.
fn check_template(format: WebhookFormat, template: Option<&str>) -> Result<(), CommandError> {
    match (format, template) {
        (WebhookFormat::Template, None) => Err(texts::no_template()),
        (WebhookFormat::Template, Some(text)) => match Template::parse(text) {
            Ok(_) => Ok(()),
            Err(error) => Err(wrong("template", error)),
        },
        (_, Some(_)) => Err(texts::template_of_another_format()),
        (_, None) => Ok(()),
    }
}

fn signing_key() -> Result<String, CommandError> {
    let mut key = [0; signature::KEY_LENGTH];
    getrandom::fill(&mut key)
        .map_err(|error| CommandError::Internal(format!("cannot get random bytes: {error}")))?;
    Ok(signature::key_text(&key))
}

async fn find(app: &DiscordState, guild: GuildId, name: &str) -> Result<Webhook, CommandError> {
    let known = webhook::list(&app.store.reader, guild).await?;
    let found = known
        .into_iter()
        .find(|known| known.name.eq_ignore_ascii_case(name.trim()));
    found.ok_or_else(|| texts::no_webhook_named(name))
}

/// Sends a test message. The inner result says whether it arrived; its error is a text for the member.
async fn send_test_message(
    app: &DiscordState,
    known: &Webhook,
) -> Result<Result<(), String>, CommandError> {
    let (webhook_sender, target, now) = (app.senders.webhooks.clone(), known.clone(), app.now());
    // On the main runtime, to which the resolver of the checks belongs.
    let sent = app
        .bot
        .main_runtime
        .spawn(async move {
            let body = payload::of_test(&target, now);
            let body = body.map_err(DeliveryError::DestinationBroken)?;
            let id = format!("test_{}_{}", target.id.0, now.millis());
            webhook_sender.post(&target, &id, &body, now).await
        })
        .await
        .map_err(|error| CommandError::Internal(error.to_string()))?;
    match sent {
        Ok(()) => {
            webhooks::mark_working(&app.store, known).await?;
            Ok(Ok(()))
        }
        Err(failure) => Ok(Err(failure.to_string())),
    }
}
