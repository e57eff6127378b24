//! Builds Discord's objects as JSON: guilds, roles, channels, members, messages.

use serde_json::{Value, json};

use crate::world::{Channel, Guild, Member, Message, Role, World};

/// A guild as the bot receives it.
pub(crate) fn guild(guild: &Guild, world: &World) -> Value {
    let owner = world.application_id;
    let system_channel = guild
        .has_system_channel
        .then(|| guild.main_channel().to_string());
    let channels: Vec<Value> = guild
        .channels
        .iter()
        .map(|one| channel(guild, one))
        .collect();
    let members: Vec<Value> = match world.sends_members() {
        true => guild.members.iter().map(member).collect(),
        false => Vec::new(),
    };
    // At least the bot and the one who invited it.
    let member_count = (guild.members.len() + 1).max(2);
    json!({
        "id": guild.id.0.to_string(), "name": guild.name, "icon": null, "splash": null, "discovery_splash": null,
        "owner_id": owner.to_string(), "afk_channel_id": null, "afk_timeout": 300, "verification_level": 0,
        "default_message_notifications": 0, "explicit_content_filter": 0, "emojis": [], "stickers": [], "features": [],
        "roles": roles(guild),
        "mfa_level": 0, "application_id": null, "system_channel_id": system_channel, "system_channel_flags": 0,
        "rules_channel_id": null, "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0,
        "preferred_locale": "en-US", "public_updates_channel_id": null, "nsfw_level": 0, "nsfw": false,
        "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null,
        "joined_at": "2026-01-01T00:00:00+00:00", "large": false, "unavailable": false, "member_count": member_count,
        "voice_states": [], "members": members, "threads": [], "presences": [], "stage_instances": [],
        "guild_scheduled_events": [], "channels": channels,
    })
}

/// The roles of a guild; @everyone has the id of the guild itself.
pub(crate) fn roles(guild: &Guild) -> Vec<Value> {
    let everyone = Role::new(guild.id.0, "@everyone");
    std::iter::once(&everyone)
        .chain(&guild.roles)
        .map(role)
        .collect()
}

pub(crate) fn role(role: &Role) -> Value {
    json!({
        "id": role.id.to_string(), "name": role.name, "color": role.color, "hoist": false, "position": 0, "permissions": "2147486720",
        "managed": false, "mentionable": role.is_mentionable, "flags": 0, "icon": null, "unicode_emoji": null,
        "colors": { "primary_color": role.color, "secondary_color": null, "tertiary_color": null },
    })
}

pub(crate) fn channel(guild: &Guild, channel: &Channel) -> Value {
    let position = guild
        .channels
        .iter()
        .position(|known| known.id == channel.id);
    json!({
        "id": channel.id.to_string(), "type": 0, "guild_id": guild.id.0.to_string(), "name": channel.name,
        "position": position, "permission_overwrites": [], "nsfw": false, "topic": null, "last_message_id": null,
        "rate_limit_per_user": 0, "parent_id": null, "flags": 0,
    })
}

/// A channel that was chosen, as it is resolved for the bot. One that the guild does not have is chosen by forgery.
pub(crate) fn chosen_channel(guild: &Guild, id: &str) -> Value {
    let known = id.parse().ok().and_then(|id| guild.channel(id));
    let name = known.map_or("chosen", |channel| &channel.name);
    json!({ "id": id, "type": 0, "name": name, "permissions": "0", "parent_id": null, "flags": 0 })
}

/// A role that was chosen, as it is resolved for the bot. Everybody may mention one that the guild does not have.
pub(crate) fn chosen_role(guild: &Guild, id: &str) -> Value {
    let id = id.parse().unwrap_or_default();
    let unknown = Role {
        id,
        is_mentionable: true,
        ..Role::default()
    };
    role(guild.role(id).unwrap_or(&unknown))
}

/// A member who was chosen. A user who is not known by name is a member of every guild, too.
pub(crate) fn chosen_member(guild: &Guild, id: &str) -> Member {
    let id = id.parse().unwrap_or_default();
    let known = guild.member(id).cloned();
    known.unwrap_or_else(|| Member::plain(id, "chosen"))
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
        .attachments
        .files
        .iter()
        .map(|file| {
            let url = format!("{base_url}/sandbox/files/{}/{}", message.id, file.id);
            let mut shown = json!({
                "id": file.id.to_string(), "filename": file.name, "size": file.content.len(), "url": url, "proxy_url": url,
                "ephemeral": message.is_ephemeral,
            });
            if let Some(description) = &file.description {
                shown["description"] = json!(description);
            }
            shown
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
