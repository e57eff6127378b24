//! Builds Discord's objects as JSON: guilds, roles, channels, members, messages.

use serde_json::{Value, json};

use crate::world::{Guild, Member, Message, Role};

pub(crate) fn guild(guild: &Guild, owner: u64) -> Value {
    let system_channel = guild.has_system_channel.then(|| guild.channel.to_string());
    json!({
        "id": guild.id.0.to_string(), "name": guild.name, "icon": null, "splash": null, "discovery_splash": null,
        "owner_id": owner.to_string(), "afk_channel_id": null, "afk_timeout": 300, "verification_level": 0,
        "default_message_notifications": 0, "explicit_content_filter": 0, "emojis": [], "stickers": [], "features": [],
        "roles": roles(guild),
        "mfa_level": 0, "application_id": null, "system_channel_id": system_channel, "system_channel_flags": 0,
        "rules_channel_id": null, "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0,
        "preferred_locale": "en-US", "public_updates_channel_id": null, "nsfw_level": 0, "nsfw": false,
        "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null,
        "joined_at": "2026-01-01T00:00:00+00:00", "large": false, "unavailable": false, "member_count": 2,
        "voice_states": [], "members": [], "threads": [], "presences": [], "stage_instances": [],
        "guild_scheduled_events": [], "channels": [channel(guild)],
    })
}

/// The roles of a guild; @everyone has the id of the guild itself.
pub(crate) fn roles(guild: &Guild) -> Vec<Value> {
    let everyone = Role {
        id: guild.id.0,
        is_mentionable: false,
    };
    std::iter::once(&everyone)
        .chain(&guild.roles)
        .map(role)
        .collect()
}

pub(crate) fn role(role: &Role) -> Value {
    json!({
        "id": role.id.to_string(), "name": "a role", "color": 0, "hoist": false, "position": 0, "permissions": "2147486720",
        "managed": false, "mentionable": role.is_mentionable, "flags": 0, "icon": null, "unicode_emoji": null,
        "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
    })
}

pub(crate) fn channel(guild: &Guild) -> Value {
    json!({
        "id": guild.channel.to_string(), "type": 0, "guild_id": guild.id.0.to_string(), "name": "general", "position": 0,
        "permission_overwrites": [], "nsfw": false, "topic": null, "last_message_id": null, "rate_limit_per_user": 0,
        "parent_id": null, "flags": 0,
    })
}

/// A channel that was chosen, as it is resolved for the bot.
pub(crate) fn chosen_channel(id: &str) -> Value {
    json!({ "id": id, "type": 0, "name": "chosen", "permissions": "0", "parent_id": null, "flags": 0 })
}

pub(crate) fn user(member: &Member) -> Value {
    json!({
        "id": member.id.to_string(), "username": member.name, "discriminator": "0", "global_name": member.name,
        "avatar": null, "bot": false, "public_flags": 0,
    })
}

pub(crate) fn member(member: &Member) -> Value {
    let roles: Vec<String> = member.roles.iter().map(u64::to_string).collect();
    json!({
        "user": user(member), "nick": null, "avatar": null, "roles": roles, "joined_at": "2026-01-01T00:00:00+00:00",
        "premium_since": null, "deaf": false, "mute": false, "flags": 0, "pending": false,
        "communication_disabled_until": null, "permissions": member.permissions.to_string(),
    })
}

/// A message as Discord returns it.
pub(crate) fn message(message: &Message, author: &Value, base_url: &str) -> Value {
    let body = &message.body;
    let list = |name: &str| {
        body.get(name)
            .filter(|value| value.is_array())
            .cloned()
            .unwrap_or_else(|| json!([]))
    };
    let embeds: Vec<Value> = list("embeds")
        .as_array()
        .into_iter()
        .flatten()
        .map(embed)
        .collect();
    let attachments: Vec<Value> = message
        .files
        .iter()
        .enumerate()
        .map(|(index, (name, bytes))| {
            let url = format!("{base_url}/sandbox/files/{}/{index}", message.id);
            json!({
                "id": (message.id + 1 + u64::try_from(index).unwrap_or(0)).to_string(), "filename": name,
                "size": bytes.len(), "url": url, "proxy_url": url, "ephemeral": message.is_ephemeral,
            })
        })
        .collect();
    json!({
        "id": message.id.to_string(), "channel_id": message.channel.to_string(), "author": author,
        "content": body["content"].as_str().unwrap_or_default(), "timestamp": "2026-01-01T00:00:00+00:00",
        "edited_timestamp": null, "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [],
        "attachments": attachments, "embeds": embeds, "components": list("components"), "pinned": false, "type": 0,
        "flags": if message.is_ephemeral { 64 } else { 0 }, "nonce": body.get("nonce"),
        "application_id": author["id"],
    })
}

/// An embed with its type, which Discord fills in.
fn embed(embed: &Value) -> Value {
    let mut embed = embed.clone();
    if let Some(fields) = embed.as_object_mut() {
        fields.entry("type").or_insert_with(|| json!("rich"));
    }
    embed
}
