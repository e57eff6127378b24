//! Routes for messages in channels.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::body::{self, Received};
use super::{SharedState, error, invalid};
use crate::clock;
use crate::rest::limits;
use crate::shapes;
use crate::shared::Shared;
use crate::world::{Attachments, Message, World};

/// The largest file, in bytes.
const LARGEST_FILE: usize = 10 * 1024 * 1024;

/// The body of a request that carries a message.
pub(super) async fn received(headers: &HeaderMap, bytes: Bytes) -> Result<Received, Response> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    body::read(content_type, bytes).await.map_err(|_| {
        error(
            StatusCode::BAD_REQUEST,
            50109,
            "The request body contains invalid JSON.",
        )
    })
}

/// A message as the API returns it.
pub(super) fn shown(shared: &Shared, world: &World, id: u64) -> Response {
    match world
        .messages
        .get(&id)
        .filter(|message| !message.is_deleted)
    {
        Some(message) => {
            let base_url = format!("http://{}", shared.rest_address);
            Json(shapes::message(message, &world.bot_user(), &base_url)).into_response()
        }
        None => error(StatusCode::NOT_FOUND, 10008, "Unknown Message"),
    }
}

/// Applies an edit: fields that it names change, others stay.
pub(super) fn change(message: &mut Message, edit: Received) {
    for (name, value) in edit.json.as_object().into_iter().flatten() {
        message.body[name] = value.clone();
    }
    let attachments = &mut message.attachments;
    attachments.apply(message.id, &edit.json, edit.files);
    message.edited_at = Some(clock::unix_millis());
}

fn knows_channel(world: &World, channel: u64) -> bool {
    world.guild_of(channel).is_some() || world.direct_channels.contains(&channel)
}

/// Whether the bot may reply to messages in a channel, which needs the permission Read Message History.
fn may_reply(world: &World, channel: u64) -> bool {
    const READ_MESSAGE_HISTORY: u64 = 1 << 16;
    let guild = world.guild_of(channel);
    guild.is_none_or(|guild| guild.bot_permissions & READ_MESSAGE_HISTORY != 0)
}

/// The refusal of a message for which the bot lacks a permission.
fn refuse_message(world: &World, channel: u64, received: &Received) -> Option<Response> {
    const VIEW_CHANNEL: u64 = 1 << 10;
    const SEND_MESSAGES: u64 = 1 << 11;
    const EMBED_LINKS: u64 = 1 << 14;
    const ATTACH_FILES: u64 = 1 << 15;
    let guild = world.guild_of(channel)?;
    let holds = |permission: u64| guild.bot_permissions & permission != 0;
    if !holds(VIEW_CHANNEL) {
        return Some(error(StatusCode::FORBIDDEN, 50_001, "Missing Access"));
    }
    let has_embeds = received.json["embeds"]
        .as_array()
        .is_some_and(|embeds| !embeds.is_empty());
    let may_send = holds(SEND_MESSAGES)
        && (holds(EMBED_LINKS) || !has_embeds)
        && (holds(ATTACH_FILES) || received.files.is_empty());
    (!may_send).then(|| error(StatusCode::FORBIDDEN, 50_013, "Missing Permissions"))
}

/// The refusal of a body with a mistake, for a message with these files.
pub(super) fn refuse_body(received: &Received, present: &Attachments) -> Option<Response> {
    if received
        .files
        .iter()
        .any(|file| file.content.len() > LARGEST_FILE)
    {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Some(error(status, 40005, "Request entity too large"));
    }
    let has_files = !received.files.is_empty() || !present.files.is_empty();
    let mut mistakes = limits::message(&received.json, has_files);
    mistakes.extend(limits::attachments(
        &received.json,
        &received.files,
        present,
    ));
    (!mistakes.is_empty()).then(|| invalid(&mistakes))
}

/// The refusal of an edit. What the edit does not name is not checked again.
fn refuse_edit(world: &World, channel: u64, id: u64, received: &Received) -> Option<Response> {
    let known = world.messages.get(&id)?;
    if !received.files.is_empty()
        && let Some(refusal) = refuse_message(world, channel, received)
    {
        return Some(refusal);
    }
    let mistakes = limits::attachments(&received.json, &received.files, &known.attachments);
    (!mistakes.is_empty()).then(|| invalid(&mistakes))
}

pub(super) async fn create(
    State(shared): SharedState,
    Path(channel): Path<u64>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let received = match received(&headers, bytes).await {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    if let Some(refusal) = refuse_body(&received, &Attachments::default()) {
        return refusal;
    }
    if !knows_channel(&shared.read(), channel) {
        return error(StatusCode::NOT_FOUND, 10003, "Unknown Channel");
    }
    if let Some(refusal) = refuse_message(&shared.read(), channel, &received) {
        return refusal;
    }
    if !received.json["message_reference"].is_null() && !may_reply(&shared.read(), channel) {
        return error(
            StatusCode::FORBIDDEN,
            160_002,
            "Cannot reply without permission to read message history",
        );
    }
    let id = shared.change(|world| {
        if let Some(known) = same_nonce(world, channel, &received.json) {
            return known;
        }
        let id = world.new_id();
        let Received { json: body, files } = received;
        world
            .messages
            .insert(id, Message::new(id, channel, body, files));
        id
    });
    shown(&shared, &shared.read(), id)
}

/// The earlier message with the same nonce, which `enforce_nonce` returns instead of a second one.
fn same_nonce(world: &World, channel: u64, body: &Value) -> Option<u64> {
    if body["enforce_nonce"] != true || body["nonce"].is_null() {
        return None;
    }
    let is_same =
        |message: &&Message| message.channel == channel && message.body["nonce"] == body["nonce"];
    world
        .messages
        .values()
        .find(is_same)
        .map(|message| message.id)
}

pub(super) async fn list(State(shared): SharedState, Path(channel): Path<u64>) -> Response {
    let world = shared.read();
    let base_url = format!("http://{}", shared.rest_address);
    let author = world.bot_user();
    let in_channel = |message: &&Message| {
        message.channel == channel && !message.is_deleted && !message.is_ephemeral
    };
    let messages: Vec<Value> = world
        .messages
        .values()
        .rev()
        .filter(in_channel)
        .take(50)
        .map(|message| shapes::message(message, &author, &base_url))
        .collect();
    Json(messages).into_response()
}

pub(super) async fn get(State(shared): SharedState, Path((_, id)): Path<(u64, u64)>) -> Response {
    shown(&shared, &shared.read(), id)
}

pub(super) async fn edit(
    State(shared): SharedState,
    Path((channel, id)): Path<(u64, u64)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let received = match received(&headers, bytes).await {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    if let Some(refusal) = refuse_edit(&shared.read(), channel, id, &received) {
        return refusal;
    }
    shared.change(|world| {
        if let Some(message) = world.messages.get_mut(&id) {
            change(message, received);
        }
    });
    shown(&shared, &shared.read(), id)
}

pub(super) async fn delete(
    State(shared): SharedState,
    Path((_, id)): Path<(u64, u64)>,
) -> Response {
    let deleted = shared.change(|world| {
        let message = world
            .messages
            .get_mut(&id)
            .filter(|message| !message.is_deleted)?;
        message.is_deleted = true;
        Some(())
    });
    if deleted.is_some() {
        StatusCode::NO_CONTENT.into_response()
    } else {
        error(StatusCode::NOT_FOUND, 10008, "Unknown Message")
    }
}
