//! What members do in the client. It takes the same way to the bot as what tests do.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::view;
use super::{Served, ServedState};
use crate::people::slash::Typed;
use crate::people::{As, Form};
use crate::reply::{File, Reply};
use crate::world::{Answer, GuildId, Member, World};

/// The largest body with an action, in bytes: a form with five long texts fits.
const ACTION_LIMIT: usize = 256 * 1024;

/// The largest file, in bytes, as Discord's for members without a subscription.
const FILE_LIMIT: usize = 10 * 1024 * 1024;

type Answered = Result<Json<Value>, Refusal>;

async fn bytes(request: Request, limit: usize) -> Result<Bytes, Refusal> {
    axum::body::to_bytes(request.into_body(), limit)
        .await
        .map_err(|_| {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("Send at most {limit} bytes."),
            )
        })
}

/// The body of an action.
struct Action(Value);

impl Action {
    async fn read(request: Request) -> Result<Self, Refusal> {
        let bytes = bytes(request, ACTION_LIMIT).await?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| {
            Refusal::new(StatusCode::BAD_REQUEST, "The body must be a JSON object.")
        })?;
        Ok(Self(value))
    }

    /// An id. They are strings, as in Discord's API.
    fn id(&self, name: &str) -> Result<u64, Refusal> {
        let id = self.0[name].as_str().and_then(|id| id.parse().ok());
        id.ok_or_else(|| Refusal::invalid(format!("`{name}` must be an id, as in \"1001\".")))
    }

    fn text(&self, name: &str) -> Result<&str, Refusal> {
        let text = self.0[name].as_str();
        text.ok_or_else(|| Refusal::invalid(format!("`{name}` must be a text.")))
    }

    fn list(&self, name: &str) -> &[Value] {
        self.0[name].as_array().map_or(&[], Vec::as_slice)
    }

    /// The texts of a list.
    fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.list(name).iter();
        list.filter_map(Value::as_str).collect()
    }

    /// The command that was typed.
    fn typed(&self) -> Typed {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let options = self.list("options").iter();
        let files = self.list("files").iter();
        let file = |file: &Value| Some((text(&file["name"]), file["id"].as_str()?.parse().ok()?));
        Typed {
            path: self.texts("path").into_iter().map(str::to_owned).collect(),
            options: options
                .map(|option| (text(&option["name"]), text(&option["value"])))
                .collect(),
            files: files.filter_map(file).collect(),
            focused: self.0["focused"].as_str().map(str::to_owned),
        }
    }
}

fn member_in(world: &World, guild: GuildId, id: u64) -> Result<Member, Refusal> {
    let guild = world
        .guild(guild)
        .ok_or_else(|| Refusal::missing("guild"))?;
    let mut members = view::members(guild).into_iter();
    let member = members.find(|member| member.id == id);
    member.ok_or_else(|| Refusal::missing("member"))
}

/// The member in the channel of an action.
fn in_channel<'a>(served: &'a Served, action: &Action) -> Result<As<'a>, Refusal> {
    let (channel, member) = (action.id("channel")?, action.id("member")?);
    let world = served.sandbox.shared.read();
    let guild = world.guild_of(channel);
    let guild = guild.ok_or_else(|| Refusal::missing("channel"))?.id;
    let member = member_in(&world, guild, member)?;
    Ok(acting(served, &member, guild).in_channel(channel))
}

fn acting<'a>(served: &'a Served, member: &Member, guild: GuildId) -> As<'a> {
    served.sandbox.member(member).in_guild(guild)
}

/// A message that the member sees, and the member in its guild.
fn at_message<'a>(served: &'a Served, action: &Action) -> Result<(As<'a>, Reply), Refusal> {
    let (message, member) = (action.id("message")?, action.id("member")?);
    let world = served.sandbox.shared.read();
    let message = world.messages.get(&message);
    let seen = message.filter(|message| view::sees(&world, message, member));
    let message = seen.ok_or_else(|| Refusal::missing("message"))?;
    let guild = world.guild_of(message.channel).ok_or_else(|| {
        Refusal::new(
            StatusCode::CONFLICT,
            "Buttons and menus in direct messages cannot be used here.",
        )
    })?;
    let member = member_in(&world, guild.id, member)?;
    Ok((acting(served, &member, guild.id), Reply::of(message)))
}

/// What the page needs of an initial response: the form that opens. Messages come as events.
fn answered(id: u64, answer: Answer) -> Value {
    match answer {
        Answer::Modal(form) => json!({ "form": form, "interaction": id.to_string() }),
        Answer::Message | Answer::Deferred | Answer::Choices(_) => json!({}),
    }
}

pub(super) async fn command(State(served): ServedState, request: Request) -> Answered {
    let action = Action::read(request).await?;
    let person = in_channel(&served, &action)?;
    let mut typed = action.typed();
    typed.focused = None;
    let (id, answer) = person.begin(person.command(&typed)?).await?;
    Ok(Json(answered(id, answer)))
}

pub(super) async fn complete(State(served): ServedState, request: Request) -> Answered {
    let action = Action::read(request).await?;
    action.text("focused")?;
    let person = in_channel(&served, &action)?;
    let choices = person.complete(&action.typed()).await?;
    let named = choices.iter();
    let list: Vec<Value> = named
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    Ok(Json(json!({ "choices": list })))
}

/// A press of a button, or a choice in a menu if there are `values`.
pub(super) async fn component(State(served): ServedState, request: Request) -> Answered {
    let action = Action::read(request).await?;
    let (person, message) = at_message(&served, &action)?;
    let custom_id = action.text("custom_id")?;
    let act = if action.0["values"].is_array() {
        person.choice(&message, custom_id, &action.texts("values"))?
    } else {
        person.press_of(&message, custom_id)?
    };
    let (id, answer) = person.begin(act).await?;
    Ok(Json(answered(id, answer)))
}

pub(super) async fn form(State(served): ServedState, request: Request) -> Answered {
    let action = Action::read(request).await?;
    let member = action.id("member")?;
    let (person, form) = opened(&served, action.id("interaction")?, member)?;
    let values = action.0["values"].as_object().into_iter().flatten();
    let typed: Vec<(&str, &str)> = values
        .map(|(custom_id, text)| (custom_id.as_str(), text.as_str().unwrap_or_default()))
        .collect();
    let (id, answer) = person.begin(form.submission(&typed)?).await?;
    Ok(Json(answered(id, answer)))
}

/// The form that the bot opened in response to what a member did.
fn opened(served: &Arc<Served>, interaction: u64, member: u64) -> Result<(As<'_>, Form), Refusal> {
    let world = served.sandbox.shared.read();
    let known = world.interactions.get(&interaction);
    let known = known.filter(|known| known.member == member);
    let known = known.ok_or_else(|| Refusal::missing("form"))?;
    let Some(Answer::Modal(body)) = &known.answer else {
        return Err(Refusal::missing("form"));
    };
    let member = member_in(&world, known.guild, member)?;
    let person = acting(served, &member, known.guild).in_channel(known.channel);
    Ok((person, Form::new(body.clone(), known.pressed)))
}

/// Removes a message that only the member sees from the member's view. The bot does not notice.
pub(super) async fn dismiss(State(served): ServedState, request: Request) -> Answered {
    let action = Action::read(request).await?;
    let (message, member) = (action.id("message")?, action.id("member")?);
    served.sandbox.shared.change(|world| {
        let known = world.messages.get(&message);
        let is_seen =
            known.is_some_and(|known| known.is_ephemeral && view::sees(world, known, member));
        match world.messages.get_mut(&message).filter(|_| is_seen) {
            Some(known) => {
                known.is_dismissed = true;
                Ok(Json(json!({})))
            }
            None => Err(Refusal::missing("message")),
        }
    })
}

/// Keeps a file for an option of a command.
pub(super) async fn upload(
    State(served): ServedState,
    Path(name): Path<String>,
    request: Request,
) -> Answered {
    let content = bytes(request, FILE_LIMIT).await?.to_vec();
    let id = served.sandbox.upload(File {
        name,
        description: None,
        content,
    });
    Ok(Json(json!({ "id": id.to_string() })))
}
