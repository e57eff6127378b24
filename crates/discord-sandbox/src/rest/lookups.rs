//! Routes that mostly read: the gateway, the bot itself, guilds, channels, attached files, and scheduled events.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{SharedState, error};
use crate::clock;
use crate::shapes;
use crate::shared::Shared;
use crate::world::{Guild, GuildId, Member, SESSION_STARTS, World};

fn gateway_url(shared: &Shared) -> String {
    format!("ws://{}", shared.gateway_address)
}

pub(super) async fn gateway(State(shared): SharedState) -> Json<Value> {
    Json(json!({ "url": gateway_url(&shared) }))
}

pub(super) async fn gateway_bot(State(shared): SharedState) -> Json<Value> {
    let (shards, limit) = shared.change(|world| {
        let remaining = world.session_starts_now();
        let reset_after = world.session_starts_reset - clock::now();
        let limit = json!({
            "total": SESSION_STARTS, "remaining": remaining,
            "reset_after": u64::try_from(reset_after.as_millis()).unwrap_or(u64::MAX), "max_concurrency": 1,
        });
        (world.shards, limit)
    });
    Json(json!({ "url": gateway_url(&shared), "shards": shards, "session_start_limit": limit }))
}

pub(super) async fn me(State(shared): SharedState) -> Json<Value> {
    Json(shared.read().bot_user())
}

pub(super) async fn application(State(shared): SharedState) -> Json<Value> {
    let world = shared.read();
    let owner = json!({ "id": "1", "username": "owner", "discriminator": "0", "global_name": null, "avatar": null });
    Json(json!({
        "id": world.application_id.to_string(), "name": world.bot_name, "icon": null, "description": "",
        "bot_public": true, "bot_require_code_grant": false, "verify_key": "00", "owner": owner, "team": null,
        "flags": 0, "bot": world.bot_user(), "rpc_origins": [], "hook": true,
    }))
}

fn guild_of(world: &World, id: u64) -> Option<&Guild> {
    world.guild(GuildId(id))
}

pub(super) async fn guild(State(shared): SharedState, Path(id): Path<u64>) -> Response {
    let world = shared.read();
    match guild_of(&world, id) {
        Some(guild) => Json(shapes::guild(guild, &world)).into_response(),
        None => error(StatusCode::NOT_FOUND, 10004, "Unknown Guild"),
    }
}

pub(super) async fn roles(State(shared): SharedState, Path(id): Path<u64>) -> Response {
    let world = shared.read();
    match guild_of(&world, id) {
        Some(guild) => Json(shapes::roles(guild)).into_response(),
        None => error(StatusCode::NOT_FOUND, 10004, "Unknown Guild"),
    }
}

pub(super) async fn member(
    State(shared): SharedState,
    Path((guild, user)): Path<(u64, u64)>,
) -> Response {
    let world = shared.read();
    let Some(guild) = guild_of(&world, guild) else {
        return error(StatusCode::NOT_FOUND, 10004, "Unknown Guild");
    };
    if world.departed.contains(&user) {
        return error(StatusCode::NOT_FOUND, 10007, "Unknown Member");
    }
    let known = guild.member(user).cloned();
    let member = known.unwrap_or_else(|| Member::plain(user, "member"));
    Json(shapes::member(&member)).into_response()
}

pub(super) async fn channel(State(shared): SharedState, Path(id): Path<u64>) -> Response {
    let world = shared.read();
    let guild = world.guild_of(id);
    match guild.and_then(|guild| Some((guild, guild.channel(id)?))) {
        Some((guild, channel)) => Json(shapes::channel(guild, channel)).into_response(),
        None => error(StatusCode::NOT_FOUND, 10003, "Unknown Channel"),
    }
}

/// Opens a channel of direct messages. Each user has one; it has the id of its recipient.
pub(super) async fn open_direct_messages(
    State(shared): SharedState,
    Json(body): Json<Value>,
) -> Response {
    let recipient = body["recipient_id"].as_str().unwrap_or("0");
    let channel = recipient.parse().unwrap_or_default();
    shared.change(|world| world.direct_channels.insert(channel));
    Json(json!({ "id": recipient, "type": 1, "recipients": [], "flags": 0, "last_message_id": null })).into_response()
}

/// Creates a scheduled event, with the fields that Discord requires of an external one.
pub(super) async fn make_event(State(shared): SharedState, Json(body): Json<Value>) -> Response {
    let length = |name: &str| body[name].as_str().map_or(0, |text| text.chars().count());
    let is_valid = (1..=100).contains(&length("name"))
        && body["privacy_level"] == 2
        && body["entity_type"] == 3
        && body["entity_metadata"]["location"].is_string()
        && length("scheduled_start_time") > 0
        && length("scheduled_end_time") > 0;
    if !is_valid {
        return error(StatusCode::BAD_REQUEST, 50035, "Invalid Form Body");
    }
    let id = shared.change(World::new_id);
    let mut event = body;
    event["id"] = json!(id.to_string());
    Json(event).into_response()
}

pub(super) async fn delete_event() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// A file that the bot attached to a message.
pub(super) async fn file(
    State(shared): SharedState,
    Path((message, id)): Path<(u64, u64)>,
) -> Response {
    let world = shared.read();
    match world
        .messages
        .get(&message)
        .and_then(|message| message.attachments.find(id))
    {
        Some(file) => file.content.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A file that a member attached to a command.
pub(super) async fn upload(State(shared): SharedState, Path(id): Path<u64>) -> Response {
    match shared.read().uploads.get(&id) {
        Some((_, bytes)) => bytes.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
