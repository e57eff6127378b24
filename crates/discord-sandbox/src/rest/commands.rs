//! Routes for application commands, registered globally or for one guild.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{SharedState, error, invalid};
use crate::rest::limits;
use crate::shared::Shared;
use crate::world::{GuildId, World};

/// Selects the list of commands to change.
type Place = fn(&mut World, GuildId) -> &mut Vec<Value>;

fn global(world: &mut World, _: GuildId) -> &mut Vec<Value> {
    &mut world.global_commands
}

fn of_guild(world: &mut World, guild: GuildId) -> &mut Vec<Value> {
    world.guild_commands.entry(guild).or_default()
}

/// The command with the fields that Discord fills in.
fn registered(world: &mut World, command: &Value, guild: Option<GuildId>) -> Value {
    let (id, version) = (world.new_id(), world.new_id());
    let mut command = command.clone();
    let defaults = json!({
        "type": 1, "options": [], "default_member_permissions": null, "nsfw": false, "contexts": null,
        "integration_types": [0], "name_localizations": null, "description_localizations": null,
    });
    if let (Some(fields), Some(defaults)) = (command.as_object_mut(), defaults.as_object()) {
        for (name, value) in defaults {
            fields.entry(name).or_insert_with(|| value.clone());
        }
        fields.insert("id".into(), json!(id.to_string()));
        fields.insert("version".into(), json!(version.to_string()));
        fields.insert(
            "application_id".into(),
            json!(world.application_id.to_string()),
        );
        if let Some(guild) = guild {
            fields.insert("guild_id".into(), json!(guild.0.to_string()));
        }
    }
    command
}

fn overwrite(shared: &Shared, place: Place, guild: Option<GuildId>, commands: &Value) -> Response {
    let mistakes = limits::commands(commands);
    if !mistakes.is_empty() {
        return invalid(&mistakes);
    }
    let list = shared.change(|world| {
        let list: Vec<Value> = commands
            .as_array()
            .into_iter()
            .flatten()
            .map(|command| registered(world, command, guild))
            .collect();
        place(world, guild.unwrap_or(GuildId(0))).clone_from(&list);
        list
    });
    Json(list).into_response()
}

fn create(shared: &Shared, place: Place, guild: Option<GuildId>, command: &Value) -> Response {
    let mistakes = limits::commands(&json!([command]));
    if !mistakes.is_empty() {
        return invalid(&mistakes);
    }
    let command = shared.change(|world| {
        let command = registered(world, command, guild);
        let list = place(world, guild.unwrap_or(GuildId(0)));
        list.retain(|known| known["name"] != command["name"]);
        list.push(command.clone());
        command
    });
    (StatusCode::CREATED, Json(command)).into_response()
}

fn remove(shared: &Shared, place: Place, guild: GuildId, id: &str) -> Response {
    let removed = shared.change(|world| {
        let list = place(world, guild);
        let before = list.len();
        list.retain(|command| command["id"] != id);
        before != list.len()
    });
    if removed {
        StatusCode::NO_CONTENT.into_response()
    } else {
        error(StatusCode::NOT_FOUND, 10063, "Unknown application command")
    }
}

/// The guild, if the bot is in it.
fn known(shared: &Shared, guild: u64) -> Result<GuildId, Box<Response>> {
    let guild = GuildId(guild);
    let is_known = shared.read().guild(guild).is_some();
    if is_known {
        Ok(guild)
    } else {
        Err(Box::new(error(
            StatusCode::FORBIDDEN,
            50001,
            "Missing Access",
        )))
    }
}

pub(super) async fn overwrite_global(
    State(shared): SharedState,
    Path(_): Path<u64>,
    Json(commands): Json<Value>,
) -> Response {
    overwrite(&shared, global, None, &commands)
}

pub(super) async fn list_global(
    State(shared): SharedState,
    Path(_): Path<u64>,
) -> Json<Vec<Value>> {
    Json(shared.read().global_commands.clone())
}

pub(super) async fn create_global(
    State(shared): SharedState,
    Path(_): Path<u64>,
    Json(command): Json<Value>,
) -> Response {
    create(&shared, global, None, &command)
}

pub(super) async fn edit_global(
    State(shared): SharedState,
    Path((_, id)): Path<(u64, String)>,
    Json(change): Json<Value>,
) -> Response {
    let edited = shared.change(|world| {
        let command = world
            .global_commands
            .iter_mut()
            .find(|command| command["id"] == id.as_str())?;
        for (name, value) in change.as_object().into_iter().flatten() {
            command[name] = value.clone();
        }
        Some(command.clone())
    });
    match edited {
        Some(command) => Json(command).into_response(),
        None => error(StatusCode::NOT_FOUND, 10063, "Unknown application command"),
    }
}

pub(super) async fn delete_global(
    State(shared): SharedState,
    Path((_, id)): Path<(u64, String)>,
) -> Response {
    remove(&shared, global, GuildId(0), &id)
}

pub(super) async fn overwrite_guild(
    State(shared): SharedState,
    Path((_, guild)): Path<(u64, u64)>,
    Json(commands): Json<Value>,
) -> Response {
    match known(&shared, guild) {
        Ok(guild) => overwrite(&shared, of_guild, Some(guild), &commands),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn list_guild(
    State(shared): SharedState,
    Path((_, guild)): Path<(u64, u64)>,
) -> Response {
    match known(&shared, guild) {
        Ok(guild) => Json(
            shared
                .read()
                .guild_commands
                .get(&guild)
                .cloned()
                .unwrap_or_default(),
        )
        .into_response(),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn create_guild(
    State(shared): SharedState,
    Path((_, guild)): Path<(u64, u64)>,
    Json(command): Json<Value>,
) -> Response {
    match known(&shared, guild) {
        Ok(guild) => create(&shared, of_guild, Some(guild), &command),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn delete_guild(
    State(shared): SharedState,
    Path((_, guild, id)): Path<(u64, u64, String)>,
) -> Response {
    match known(&shared, guild) {
        Ok(guild) => remove(&shared, of_guild, guild, &id),
        Err(refusal) => *refusal,
    }
}
