//! Responses to interactions: one initial response within three seconds, then edits and follow-ups for fifteen minutes.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::body::Received;
use super::channels::{change, received, refuse_body, shown};
use super::{SharedState, error, invalid};
use crate::clock;
use crate::rest::limits::{self, Mistake};
use crate::shared::Shared;
use crate::world::{Answer, Attachments, Message, World};

/// How long Discord waits for the initial response.
const INITIAL_RESPONSE: Duration = Duration::from_secs(3);

/// How long Discord accepts edits and follow-ups.
const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The message flag of ephemeral messages.
const EPHEMERAL: u64 = 64;

/// The type of the interaction when a member submits a form.
const SUBMITTED_FORM: u64 = 5;

fn unknown_interaction() -> Response {
    error(StatusCode::NOT_FOUND, 10062, "Unknown interaction")
}

pub(super) async fn callback(
    State(shared): SharedState,
    Path((id, token)): Path<(u64, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let received = match received(&headers, bytes).await {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    if let Some(refusal) = refuse_callback(&shared.read(), id, &token) {
        return refusal;
    }
    let kind = received.json["type"].as_u64().unwrap_or(0);
    let mistakes = mistakes_in(kind, &received);
    if !mistakes.is_empty() {
        return invalid(&mistakes);
    }
    let answered = shared.change(|world| answer(world, id, kind, received));
    if !answered {
        return error(StatusCode::BAD_REQUEST, 50035, "Invalid Form Body");
    }
    let wants_body = query.is_some_and(|query| {
        query.contains("with_response=true") || query.contains("with_response=1")
    });
    if wants_body {
        let body = json!({ "interaction": { "id": id.to_string(), "type": 2 }, "resource": { "type": kind } });
        return Json(body).into_response();
    }
    StatusCode::NO_CONTENT.into_response()
}

fn refuse_callback(world: &World, id: u64, token: &str) -> Option<Response> {
    let Some(interaction) = world
        .interactions
        .get(&id)
        .filter(|interaction| interaction.token == token)
    else {
        return Some(unknown_interaction());
    };
    if interaction.answer.is_some() {
        return Some(error(
            StatusCode::BAD_REQUEST,
            40060,
            "Interaction has already been acknowledged.",
        ));
    }
    (clock::now() - interaction.sent_at > INITIAL_RESPONSE).then(unknown_interaction)
}

fn mistakes_in(kind: u64, received: &Received) -> Vec<Mistake> {
    let data = &received.json["data"];
    match kind {
        4 | 7 => {
            let mut mistakes = limits::message(data, !received.files.is_empty());
            let present = Attachments::default();
            mistakes.extend(limits::attachments(data, &received.files, &present));
            mistakes
        }
        8 => limits::choices(&data["choices"]),
        9 => limits::modal(data),
        _ => Vec::new(),
    }
}

/// Stores the initial response; `false` for an unknown type of response.
fn answer(world: &mut World, id: u64, kind: u64, received: Received) -> bool {
    let data = received.json["data"].clone();
    let is_ephemeral = data["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
    let Some(interaction) = world.interactions.get(&id) else {
        return false;
    };
    let pressed = interaction.message;
    // A form cannot be answered with a form, and only a message with components can be updated.
    let is_possible = match kind {
        6 | 7 => pressed.is_some(),
        9 => interaction.kind != SUBMITTED_FORM,
        _ => true,
    };
    if !is_possible {
        return false;
    }
    let (answer, message) = match kind {
        4 => (
            Answer::Message,
            Some(add_message(
                world,
                id,
                Received {
                    json: data,
                    files: received.files,
                },
                is_ephemeral,
            )),
        ),
        5 | 6 => (Answer::Deferred, pressed),
        7 => {
            if let Some(message) = pressed.and_then(|pressed| world.messages.get_mut(&pressed)) {
                change(
                    message,
                    Received {
                        json: data,
                        files: received.files,
                    },
                );
            }
            (Answer::Message, pressed)
        }
        8 => (
            Answer::Choices(data["choices"].as_array().cloned().unwrap_or_default()),
            None,
        ),
        9 => (Answer::Modal(data), None),
        _ => return false,
    };
    if let Some(interaction) = world.interactions.get_mut(&id) {
        interaction.answered_after = Some(clock::now() - interaction.sent_at);
        interaction.was_deferred = answer == Answer::Deferred;
        interaction.is_ephemeral = is_ephemeral;
        interaction.message = message;
        interaction.answer = Some(answer);
        interaction.is_thinking = kind == 5;
        // "Thinking" is a new message that does not exist yet; a press that was only acknowledged keeps its own.
        if kind == 5 {
            interaction.message = None;
        }
    }
    true
}

/// Adds a message in response to an interaction.
fn add_message(world: &mut World, interaction: u64, received: Received, is_ephemeral: bool) -> u64 {
    let id = world.new_id();
    let channel = world
        .interactions
        .get(&interaction)
        .map_or(0, |known| known.channel);
    let message = Message {
        is_ephemeral,
        interaction: Some(interaction),
        ..Message::new(id, channel, received.json, received.files)
    };
    world.messages.insert(id, message);
    id
}

/// The interaction of a token that is still valid.
fn by_token(world: &World, token: &str) -> Option<u64> {
    let interaction = world
        .interactions
        .values()
        .find(|interaction| interaction.token == token)?;
    (interaction.answer.is_some() && clock::now() - interaction.sent_at < TOKEN_LIFETIME)
        .then_some(interaction.id)
}

fn unknown_webhook() -> Response {
    error(StatusCode::NOT_FOUND, 10015, "Unknown Webhook")
}

pub(super) async fn follow_up(
    State(shared): SharedState,
    Path((_, token)): Path<(u64, String)>,
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
    let Some(id) = by_token(&shared.read(), &token) else {
        return unknown_webhook();
    };
    let message = shared.change(|world| add_follow_up(world, id, received));
    shown(&shared, &shared.read(), message)
}

/// The first follow-up of a deferred response replaces it and keeps its visibility; every other one is a separate
/// message.
fn add_follow_up(world: &mut World, id: u64, received: Received) -> u64 {
    let flags = received.json["flags"].as_u64().unwrap_or(0);
    let interaction = world.interactions.get(&id).cloned();
    let (takes_place, was_ephemeral) = interaction.map_or((false, false), |interaction| {
        (interaction.message.is_none(), interaction.is_ephemeral)
    });
    let is_ephemeral = if takes_place {
        was_ephemeral
    } else {
        flags & EPHEMERAL != 0
    };
    let message = add_message(world, id, received, is_ephemeral);
    if let Some(interaction) = world.interactions.get_mut(&id) {
        if takes_place {
            interaction.message = Some(message);
            interaction.edits += 1;
        } else {
            interaction.follow_ups.push(message);
        }
    }
    message
}

/// The message that a path names: `@original`, or one of the follow-ups.
fn named(shared: &Shared, token: &str, message: &str) -> Result<(u64, Option<u64>), Box<Response>> {
    let world = shared.read();
    let unknown = || Box::new(unknown_webhook());
    let id = by_token(&world, token).ok_or_else(unknown)?;
    let interaction = world.interactions.get(&id).ok_or_else(unknown)?;
    if message == "@original" {
        return Ok((id, interaction.message));
    }
    let is_its_own = |number: &u64| {
        interaction.follow_ups.contains(number) || interaction.message == Some(*number)
    };
    match message.parse().ok().filter(is_its_own) {
        Some(number) => Ok((id, Some(number))),
        None => Err(Box::new(error(
            StatusCode::NOT_FOUND,
            10008,
            "Unknown Message",
        ))),
    }
}

pub(super) async fn get(
    State(shared): SharedState,
    Path((_, token, message)): Path<(u64, String, String)>,
) -> Response {
    match named(&shared, &token, &message) {
        Ok((_, Some(id))) => shown(&shared, &shared.read(), id),
        Ok((_, None)) => error(StatusCode::NOT_FOUND, 10008, "Unknown Message"),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn edit(
    State(shared): SharedState,
    Path((_, token, message)): Path<(u64, String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let received = match received(&headers, bytes).await {
        Ok(received) => received,
        Err(refusal) => return refusal,
    };
    let (interaction, known) = match named(&shared, &token, &message) {
        Ok(named) => named,
        Err(refusal) => return *refusal,
    };
    let present = shared.read().attachments_of(known);
    let mut mistakes = limits::message(&received.json, true);
    mistakes.extend(limits::attachments(
        &received.json,
        &received.files,
        &present,
    ));
    if !mistakes.is_empty() {
        return invalid(&mistakes);
    }
    let id = shared.change(|world| edit_message(world, interaction, known, received));
    shown(&shared, &shared.read(), id)
}

/// Edits a message. The first edit of a deferred response creates its message.
fn edit_message(
    world: &mut World,
    interaction: u64,
    known: Option<u64>,
    received: Received,
) -> u64 {
    let id = match known {
        Some(id) => {
            if let Some(message) = world.messages.get_mut(&id) {
                change(message, received);
            }
            id
        }
        None => {
            let is_ephemeral = world
                .interactions
                .get(&interaction)
                .is_some_and(|known| known.is_ephemeral);
            add_message(world, interaction, received, is_ephemeral)
        }
    };
    if let Some(interaction) = world.interactions.get_mut(&interaction) {
        interaction.message.get_or_insert(id);
        interaction.edits += 1;
    }
    id
}

pub(super) async fn delete(
    State(shared): SharedState,
    Path((_, token, message)): Path<(u64, String, String)>,
) -> Response {
    match named(&shared, &token, &message) {
        Ok((_, Some(id))) => {
            shared.change(|world| {
                world
                    .messages
                    .get_mut(&id)
                    .map(|message| message.is_deleted = true)
            });
            StatusCode::NO_CONTENT.into_response()
        }
        Ok((_, None)) => error(StatusCode::NOT_FOUND, 10008, "Unknown Message"),
        Err(refusal) => *refusal,
    }
}
