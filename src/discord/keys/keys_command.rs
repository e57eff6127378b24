//! `/keys …`: the API keys of a guild, with which devices register and programs read or change data. Every subcommand
//! requires Manage Server.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use crate::actions::manage_key;
use crate::discord::Context;
use crate::discord::keys::{key_card, texts};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::{access, complete};
use crate::domain::discord_id::GuildId;
use crate::domain::key::{KeyId, KeyKind};
use crate::store::api_key::{self, StoredKey};

/// The kind of a key. Append only: Discord identifies a choice by its index.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum KindChoice {
    #[name = "fleet: register devices and send their heartbeats"]
    Fleet,
    #[name = "read: read everything in this Discord server"]
    Read,
    #[name = "admin: read and change everything in this Discord server"]
    Admin,
    #[name = "ping: send pings by slug"]
    Ping,
}

impl From<KindChoice> for KeyKind {
    fn from(choice: KindChoice) -> Self {
        match choice {
            KindChoice::Fleet => Self::Fleet,
            KindChoice::Read => Self::Read,
            KindChoice::Admin => Self::Admin,
            KindChoice::Ping => Self::Ping,
        }
    }
}

/// Manage API keys
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("create", "list", "rotate", "revoke")
)]
pub(in crate::discord) async fn keys(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Create an API key; it is shown once
#[poise::command(slash_command, guild_only)]
async fn create(
    ctx: Context<'_>,
    #[description = "Kind (default: fleet)"] kind: Option<KindChoice>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let kind = kind.map_or(KeyKind::Fleet, KeyKind::from);
    let work = async {
        let app = ctx.data();
        let made =
            manage_key::create(&app.store, requester, kind, app.quota_keys, app.now()).await?;
        Ok(key_card::made(&made))
    };
    reply::answer(ctx, work).await
}

/// List valid API keys, without their secrets
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let keys = valid_keys(ctx, requester.guild).await?;
        Ok(Message::embed(key_card::list(&keys)))
    };
    reply::answer(ctx, work).await
}

/// Replace an API key; the old key stays valid for 24 hours
#[poise::command(slash_command, guild_only)]
async fn rotate(
    ctx: Context<'_>,
    #[description = "Key id: 12 letters and digits, as shown by /keys list"]
    #[autocomplete = "key_choices"]
    #[max_length = 32]
    key: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let (app, id) = (ctx.data(), parse(&key)?);
        let made = manage_key::rotate(&app.store, requester, id, app.quota_keys, app.now()).await;
        Ok(key_card::replaced(&id, &made.map_err(unknown)?))
    };
    reply::answer(ctx, work).await
}

/// Revoke an API key now
#[poise::command(slash_command, guild_only)]
async fn revoke(
    ctx: Context<'_>,
    #[description = "Key id: 12 letters and digits, as shown by /keys list"]
    #[autocomplete = "key_choices"]
    #[max_length = 32]
    key: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let (app, id) = (ctx.data(), parse(&key)?);
        let revoked = manage_key::revoke(&app.store, requester, id, app.now()).await;
        revoked.map_err(unknown)?;
        Ok(Message::sentence(texts::revoked(&id)))
    };
    reply::answer(ctx, work).await
}

fn parse(text: &str) -> Result<KeyId, CommandError> {
    KeyId::parse(text.trim()).ok_or_else(texts::invalid_key_id)
}

/// Replaces the text for a key that does not exist, because its hint is for the command line.
fn unknown(error: crate::actions::Error) -> CommandError {
    match error {
        crate::actions::Error::NotFound(_) => texts::unknown_key(),
        error => error.into(),
    }
}

/// The valid keys of a guild that do not belong to a monitor, newest first.
async fn valid_keys(ctx: Context<'_>, guild: GuildId) -> Result<Vec<StoredKey>, CommandError> {
    let app = ctx.data();
    let now = app.now();
    let mut keys = api_key::list(&app.store.reader, Some(guild)).await?;
    keys.retain(|key| key.monitor_id.is_none() && key.is_valid(now));
    Ok(keys)
}

async fn key_choices(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let keys = match reply::requester(ctx) {
        Ok(requester) if access::may_manage(reply::permissions(ctx)) => {
            valid_keys(ctx, requester.guild).await.unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let choices = keys
        .iter()
        .filter(|key| key.id.as_str().contains(partial.trim()))
        .take(complete::CHOICES as usize)
        .map(|key| AutocompleteChoice::new(texts::key_choice(key), key.id.as_str().to_owned()));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}
