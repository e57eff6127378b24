//! `rollcall key …`: manages API keys from the terminal. A new key is printed once and cannot be shown again.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::terminal::guild_argument::{GuildArgument, GuildFilter, guild_column, note_if_local};
use super::terminal::{app_error, print_line, print_note};
use super::{Database, with_store};
use crate::actions::manage_key;
use crate::app::AppError;
use crate::clock::Clock;
use crate::domain::discord_id::GuildId;
use crate::domain::key::{ApiKey, KeyId, KeyKind};
use crate::domain::text;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::api_key::{self, StoredKey};

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Create a key and print it; it cannot be shown again
    Create {
        /// Kind: fleet (register devices, send heartbeats), read, admin (read and change), or ping (send pings by slug)
        #[arg(long, value_enum)]
        kind: KindArgument,
        #[command(flatten)]
        guild: GuildArgument,
        /// Print {"id","key"}
        #[arg(long)]
        json: bool,
    },
    /// List keys, without their secrets
    List {
        #[command(flatten)]
        guild: GuildFilter,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Replace a key; the old key stays valid for 24 hours
    Rotate {
        #[arg(value_parser = key_id, help = "The key's id, as shown by `key list`")]
        id: KeyId,
        #[command(flatten)]
        guild: GuildArgument,
        /// Print {"id","key"}
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key now
    Revoke {
        #[arg(value_parser = key_id, help = "The key's id, as shown by `key list`")]
        id: KeyId,
        #[command(flatten)]
        guild: GuildArgument,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum KindArgument {
    Fleet,
    Read,
    Admin,
    Ping,
}

impl From<KindArgument> for KeyKind {
    fn from(kind: KindArgument) -> Self {
        match kind {
            KindArgument::Fleet => Self::Fleet,
            KindArgument::Read => Self::Read,
            KindArgument::Admin => Self::Admin,
            KindArgument::Ping => Self::Ping,
        }
    }
}

fn key_id(text: &str) -> Result<KeyId, String> {
    KeyId::parse(text)
        .ok_or_else(|| "must have 12 letters and digits. Example: `2fY8kQ0aZ3Lm`".to_owned())
}

pub(super) async fn run(settings: &Settings, command: KeyCommand) -> Result<(), AppError> {
    let database = match command {
        KeyCommand::Create { .. } => Database::MayBeNew,
        _ => Database::Existing,
    };
    with_store(settings, database, async |store| {
        let (now, quota) = (Clock::SYSTEM.now(), settings.quota.keys);
        match command {
            KeyCommand::Create { kind, guild, json } => {
                let requester = guild.requester(settings);
                let created = manage_key::create(store, requester, kind.into(), quota, now).await;
                show_once(&created.map_err(app_error)?, json);
                note_if_local(requester.guild);
                Ok(())
            }
            KeyCommand::List { guild, json } => list(store, guild.guild_id(), json).await,
            KeyCommand::Rotate { id, guild, json } => {
                let requester = guild.requester(settings);
                let created = manage_key::rotate(store, requester, id, quota, now).await;
                show_once(&created.map_err(app_error)?, json);
                print_note(&format!(
                    "The old key {id} stays valid for {}",
                    text::duration(manage_key::GRACE)
                ));
                Ok(())
            }
            KeyCommand::Revoke { id, guild } => {
                let requester = guild.requester(settings);
                let revoked = manage_key::revoke(store, requester, id, now).await;
                revoked.map_err(app_error)?;
                print_line(&format!("Revoked {id}"));
                Ok(())
            }
        }
    })
    .await
}

/// Prints a new key.
pub(super) fn show_once(key: &ApiKey, json: bool) {
    if json {
        print_line(&json!({ "id": key.id.as_str(), "key": key.reveal() }).to_string());
        return;
    }
    print_line(&key.reveal());
    print_note("Copy the key now. Rollcall does not store it and cannot show it again.");
}

async fn list(store: &Store, guild: Option<GuildId>, json: bool) -> Result<(), AppError> {
    let keys = api_key::list(&store.reader, guild).await?;
    if json {
        let keys: Vec<_> = keys.iter().map(shown).collect();
        print_line(&serde_json::Value::Array(keys).to_string());
        return Ok(());
    }
    if keys.is_empty() {
        print_note("There are no API keys yet. Create one with `rollcall key create --kind read`");
    }
    for key in keys {
        print_line(&format!(
            "{}  {:<6}  {:<20}  created {}  {}",
            key.id,
            key.kind.as_str(),
            guild_column(key.guild_id),
            text::timestamp(key.created_at),
            state(&key)
        ));
    }
    Ok(())
}

fn state(key: &StoredKey) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", text::timestamp(at)),
        (None, Some(at)) => format!("valid until {}", text::timestamp(at)),
        (None, None) => "valid".to_owned(),
    }
}

fn shown(key: &StoredKey) -> serde_json::Value {
    json!({
        "id": key.id.as_str(), "kind": key.kind.as_str(), "guild": key.guild_id.0.to_string(),
        "monitor": key.monitor_id.map(|id| id.0), "created_at": text::timestamp(key.created_at),
        "expires_at": key.expires_at.map(text::timestamp), "revoked_at": key.revoked_at.map(text::timestamp),
    })
}
