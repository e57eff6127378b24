//! What one member sees, as parts that change separately: the guilds with the bot's presence, the commands of each guild,
//! and every message.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::page::image_type;
use super::pings::pings;
use crate::clock;
use crate::people::admin;
use crate::world::{Answer, Guild, Interaction, Member, Message, World};

/// The parts by name: `world`, `commands:<guild>`, `message:<id>`.
pub(super) type Parts = BTreeMap<String, Value>;

/// Messages of a channel, the newest ones. Discord's client loads older ones on scrolling up.
const MESSAGES: usize = 100;

/// The members that people can act as: those who are known by name, else one who may manage the guild and one who may not.
pub(super) fn members(guild: &Guild) -> Vec<Member> {
    if guild.members.is_empty() {
        vec![admin(), Member::plain(1002, "sam")]
    } else {
        guild.members.clone()
    }
}

/// Everything that a member sees.
pub(super) fn parts(world: &World, member: u64) -> Parts {
    let mut parts = Parts::new();
    parts.insert("world".into(), guilds(world));
    for guild in &world.guilds {
        let commands = world.commands_in(guild.id);
        parts.insert(format!("commands:{}", guild.id.0), json!(commands));
    }
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for message in world.messages.values().rev() {
        if !sees(world, message, member) {
            continue;
        }
        let count = counts.entry(message.channel).or_default();
        *count += 1;
        if *count <= MESSAGES {
            parts.insert(format!("message:{}", message.id), shown(world, message));
        }
    }
    for interaction in world.interactions.values() {
        if is_thinking(interaction) && (!interaction.is_ephemeral || interaction.member == member) {
            let key = format!("message:{}", interaction.id);
            parts.insert(key, thinking(interaction));
        }
    }
    parts
}

/// Whether a member sees a message.
pub(super) fn sees(world: &World, message: &Message, member: u64) -> bool {
    let responds_to = message
        .interaction
        .and_then(|id| world.interactions.get(&id));
    let is_for_member = responds_to.is_some_and(|interaction| interaction.member == member);
    let is_visible = !message.is_ephemeral || is_for_member && !message.is_dismissed;
    // A channel of direct messages has the id of its recipient.
    let may_read = message.channel == member || world.guild_of(message.channel).is_some();
    is_visible && may_read && !message.is_deleted
}

fn is_thinking(interaction: &Interaction) -> bool {
    interaction.is_thinking
        && interaction.answer == Some(Answer::Deferred)
        && interaction.message.is_none()
}

/// An activity as Discord's client words it.
fn activity(activity: &Value) -> Option<String> {
    let name = activity["name"].as_str().unwrap_or_default();
    let verb = match activity["type"].as_u64() {
        Some(4) => return activity["state"].as_str().map(str::to_owned),
        Some(0) => "Playing",
        Some(1) => "Streaming",
        Some(2) => "Listening to",
        Some(3) => "Watching",
        Some(5) => "Competing in",
        _ => return None,
    };
    Some(format!("{verb} {name}"))
}

fn bot(world: &World) -> Value {
    let presence = world.record.presence();
    let status = presence.and_then(|presence| presence["status"].as_str());
    let status = match status {
        _ if !world.is_connected() => "offline",
        Some("invisible") => "offline",
        Some(status) => status,
        None => "online",
    };
    let activity = presence.and_then(|presence| activity(&presence["activities"][0]));
    json!({
        "id": world.application_id.to_string(), "name": world.bot_name, "status": status, "activity": activity,
    })
}

fn guilds(world: &World) -> Value {
    let named = |id: u64, name: &str| json!({ "id": id.to_string(), "name": name });
    let guild = |guild: &Guild| {
        let channels = guild.channels.iter().map(|it| named(it.id, &it.name));
        let roles = guild.roles.iter().map(|role| {
            let color = (role.color != 0).then(|| format!("#{:06x}", role.color & 0xFF_FF_FF));
            json!({ "id": role.id.to_string(), "name": role.name, "color": color })
        });
        let all = members(guild);
        let members = all.iter().map(|member| {
            let roles: Vec<String> = member.roles.iter().map(u64::to_string).collect();
            json!({
                "id": member.id.to_string(), "name": member.name, "permissions": member.permissions.to_string(),
                "roles": roles,
            })
        });
        json!({
            "id": guild.id.0.to_string(), "name": guild.name, "channels": channels.collect::<Vec<_>>(),
            "roles": roles.collect::<Vec<_>>(), "members": members.collect::<Vec<_>>(),
        })
    };
    let guilds: Vec<Value> = world.guilds.iter().map(guild).collect();
    json!({ "bot": bot(world), "guilds": guilds })
}

/// The command that a message answers, with the member who used it.
fn used(interaction: &Interaction) -> Value {
    if interaction.command.is_empty() {
        return Value::Null;
    }
    json!({ "member": interaction.member.to_string(), "command": interaction.command })
}

/// A deferred response whose message does not exist yet.
fn thinking(interaction: &Interaction) -> Value {
    json!({
        "id": interaction.id.to_string(), "channel": interaction.channel.to_string(), "at": clock::millis_of(interaction.id),
        "thinking": true, "ephemeral": interaction.is_ephemeral, "used": used(interaction),
        "replies_to": interaction.pressed.map(|id| id.to_string()),
    })
}

fn shown(world: &World, message: &Message) -> Value {
    let body = &message.body;
    let interaction = message
        .interaction
        .and_then(|id| world.interactions.get(&id));
    let original = interaction.and_then(|interaction| interaction.message);
    let is_follow_up = original.is_some_and(|original| original != message.id);
    let referred = body["message_reference"]["message_id"].as_str();
    let pressed = interaction.and_then(|interaction| interaction.pressed);
    let replies_to = match referred {
        Some(referred) => Some(referred.to_owned()),
        None => pressed
            .or(original.filter(|_| is_follow_up))
            .map(|id| id.to_string()),
    };
    let files = message.attachments.files.iter().map(|file| {
        json!({
            "name": file.name, "description": file.description, "size": file.content.len(),
            "url": format!("/files/{}/{}", message.id, file.id), "is_image": image_type(&file.content).is_some(),
        })
    });
    json!({
        "id": message.id.to_string(), "channel": message.channel.to_string(), "at": clock::millis_of(message.id),
        "edited": message.edited_at, "content": body["content"], "embeds": body["embeds"],
        "components": body["components"], "flags": body["flags"], "files": files.collect::<Vec<_>>(),
        "ephemeral": message.is_ephemeral,
        "used": interaction.filter(|_| !is_follow_up).map_or(Value::Null, used),
        "replies_to": replies_to, "pings": pings(body, world.guild_of(message.channel)),
    })
}
