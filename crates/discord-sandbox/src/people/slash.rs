//! Parses a typed command line as Discord's client does: against the registered commands, with their types and limits.

use std::fmt;

use serde_json::{Value, json};

use crate::shapes;
use crate::world::Guild;

/// Why Discord's client would reject a command, or why no message came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlashError {
    NoSuchCommand(String),
    Incomplete(String),
    BadOption(String),
    NotPermitted,
    NoSuchButton(String),
    /// A menu does not offer what was chosen.
    BadChoice(String),
    NoSuchGuild,
    /// The bot opened a form instead of answering with a message.
    Form(String),
    /// The bot did not respond within the time that Discord allows: "the application did not respond".
    NoAnswer,
}

impl fmt::Display for SlashError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCommand(name) => write!(out, "there is no command /{name}"),
            Self::Incomplete(why) | Self::BadOption(why) | Self::BadChoice(why) => {
                out.write_str(why)
            }
            Self::NotPermitted => out.write_str("this member does not see that command"),
            Self::NoSuchButton(label) => write!(out, "there is no button {label} to press"),
            Self::NoSuchGuild => out.write_str("there is no such guild"),
            Self::Form(title) => write!(out, "the bot opened the form {title}"),
            Self::NoAnswer => out.write_str("the application did not respond"),
        }
    }
}

impl std::error::Error for SlashError {}

/// A command with its options, as a member typed or chose them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Typed {
    /// The command, then its subcommands.
    pub path: Vec<String>,
    /// Names with values.
    pub options: Vec<(String, String)>,
    /// The ids of attachments by option name.
    pub files: Vec<(String, u64)>,
    /// The option that is still being typed.
    pub focused: Option<String>,
}

/// What a member may type: the commands, and the guild's channels, roles and members by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offered<'a> {
    pub commands: &'a [Value],
    pub guild: &'a Guild,
}

/// A parsed line: the command, and the data of the interaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parsed {
    pub command: Value,
    pub data: Value,
}

/// Option types as Discord numbers them.
const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;
const STRING: u64 = 3;
const INTEGER: u64 = 4;
const BOOLEAN: u64 = 5;
const USER: u64 = 6;
const CHANNEL: u64 = 7;
const ROLE: u64 = 8;
const MENTIONABLE: u64 = 9;
const NUMBER: u64 = 10;
const ATTACHMENT: u64 = 11;

/// Parses a line that is still being typed: the last option has the focus, and nothing is required yet.
pub(crate) fn parse_partial(line: &str, offered: Offered<'_>) -> Result<Parsed, SlashError> {
    let mut typed = typed(line, offered)?;
    let last = typed.options.last();
    typed.focused = Some(last.map(|(name, _)| name.clone()).unwrap_or_default());
    build(&typed, offered)
}

/// Splits a line into a command and its options.
pub(crate) fn typed(line: &str, offered: Offered<'_>) -> Result<Typed, SlashError> {
    let words = split(line);
    let mut words = words.iter().map(String::as_str).peekable();
    let name = words.next().unwrap_or_default().trim_start_matches('/');
    let mut level = command(name, offered)?;
    let mut typed = Typed {
        path: vec![name.to_owned()],
        ..Typed::default()
    };
    while let Some(next) = words.peek().and_then(|word| below(level, word)) {
        typed.path.extend(words.next().map(str::to_owned));
        level = next;
    }
    needs_no_subcommand(level, name)?;
    for word in words {
        let (name, text) = word.split_once(':').ok_or_else(|| {
            SlashError::BadOption(format!("{word}: an option is written name:value"))
        })?;
        typed.options.push((name.to_owned(), text.to_owned()));
    }
    Ok(typed)
}

fn command<'a>(name: &str, offered: Offered<'a>) -> Result<&'a Value, SlashError> {
    let mut commands = offered.commands.iter();
    commands
        .find(|command| command["name"] == name)
        .ok_or_else(|| SlashError::NoSuchCommand(name.to_owned()))
}

fn needs_no_subcommand(level: &Value, name: &str) -> Result<(), SlashError> {
    if has_subcommands(level) {
        return Err(SlashError::Incomplete(format!(
            "/{name} needs one of its subcommands"
        )));
    }
    Ok(())
}

/// Builds the interaction's data. A command with a focused option may be incomplete.
pub(crate) fn build(typed: &Typed, offered: Offered<'_>) -> Result<Parsed, SlashError> {
    let name = typed.path.first().map_or("", String::as_str);
    let command = command(name, offered)?;
    let mut level = command;
    let mut path = Vec::new();
    for word in typed.path.iter().skip(1) {
        let unknown = || SlashError::NoSuchCommand(typed.path.join(" "));
        level = below(level, word).ok_or_else(unknown)?;
        path.push(level);
    }
    needs_no_subcommand(level, name)?;
    let mut options = Vec::new();
    for (name, text) in &typed.options {
        let is_focused = typed.focused.as_ref() == Some(name);
        options.push(option(level, name, text, is_focused, offered.guild)?);
    }
    for (name, id) in &typed.files {
        known_option(level, name).ok_or_else(|| no_such_option(name))?;
        options.push(json!({ "name": name, "type": ATTACHMENT, "value": id.to_string() }));
    }
    if typed.focused.is_none() {
        check_complete(level, &options)?;
    }
    let resolved = resolved(&options, offered.guild);
    let nested = path.iter().rev().fold(options, |inner, part| {
        vec![json!({ "name": part["name"], "type": part["type"], "options": inner })]
    });
    let mut data = json!({ "id": command["id"], "name": command["name"], "type": 1, "guild_id": command.get("guild_id"), "options": nested });
    if !resolved.is_null() {
        data["resolved"] = resolved;
    }
    Ok(Parsed {
        command: command.clone(),
        data,
    })
}

/// What Discord sends about the chosen users, channels and roles, by their ids.
fn resolved(options: &[Value], guild: &Guild) -> Value {
    let mut found = Value::Null;
    for option in options {
        let id = option["value"].as_str().unwrap_or_default();
        let of = match option["type"].as_u64() {
            Some(CHANNEL) => Chosen::Channel,
            Some(USER) => Chosen::User,
            Some(ROLE) => Chosen::Role,
            Some(MENTIONABLE) => Chosen::mentionable(id, guild),
            _ => continue,
        };
        resolve(&mut found, of, id, guild);
    }
    found
}

/// What an id stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chosen {
    Channel,
    User,
    Role,
}

impl Chosen {
    /// What an id stands for where roles and users can be chosen.
    pub(crate) fn mentionable(id: &str, guild: &Guild) -> Self {
        let is_role = id.parse().is_ok_and(|id| guild.role(id).is_some());
        if is_role { Self::Role } else { Self::User }
    }
}

/// Adds what Discord sends about a chosen user, channel or role.
pub(crate) fn resolve(found: &mut Value, of: Chosen, id: &str, guild: &Guild) {
    match of {
        Chosen::Channel => found["channels"][id] = shapes::chosen_channel(guild, id),
        Chosen::Role => found["roles"][id] = shapes::chosen_role(guild, id),
        Chosen::User => {
            let user = shapes::chosen_member(guild, id);
            let mut member = shapes::member(&user);
            member["user"].take();
            found["users"][id] = shapes::user(&user);
            found["members"][id] = member;
        }
    }
}

/// The command with its subcommands, from the data of an interaction.
pub(crate) fn full_name(data: &Value) -> String {
    let mut name = data["name"].as_str().unwrap_or_default().to_owned();
    let mut level = data;
    while let Some(next) = options_of(level)
        .iter()
        .find(|option| matches!(option["type"].as_u64(), Some(SUBCOMMAND | GROUP)))
    {
        name.push(' ');
        name.push_str(next["name"].as_str().unwrap_or_default());
        level = next;
    }
    name
}

/// Splits a line at whitespace, except in double quotes. A quote after a backslash is a character like any other.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = line.trim().chars().peekable();
    while let Some(letter) = letters.next() {
        let is_escaped = letter == '\\' && letters.next_if_eq(&'"').is_some();
        match letter {
            '"' => is_quoted = !is_quoted,
            letter if letter.is_whitespace() && !is_quoted => words.push(String::new()),
            letter => {
                if let Some(word) = words.last_mut() {
                    word.push(if is_escaped { '"' } else { letter });
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn options_of(level: &Value) -> &[Value] {
    level["options"].as_array().map_or(&[], Vec::as_slice)
}

fn below<'a>(level: &'a Value, word: &str) -> Option<&'a Value> {
    let is_below = |option: &&Value| {
        matches!(option["type"].as_u64(), Some(SUBCOMMAND | GROUP)) && option["name"] == word
    };
    options_of(level).iter().find(is_below)
}

fn has_subcommands(level: &Value) -> bool {
    options_of(level)
        .iter()
        .any(|option| matches!(option["type"].as_u64(), Some(SUBCOMMAND | GROUP)))
}

fn known_option<'a>(level: &'a Value, name: &str) -> Option<&'a Value> {
    let mut options = options_of(level).iter();
    options.find(|option| option["name"] == name)
}

fn no_such_option(word: &str) -> SlashError {
    SlashError::BadOption(format!("{word}: the command has no such option"))
}

/// An option with its value. One that has the focus may have any text.
fn option(
    level: &Value,
    name: &str,
    text: &str,
    is_focused: bool,
    guild: &Guild,
) -> Result<Value, SlashError> {
    let word = format!("{name}:{text}");
    let refuse = |why: &str| SlashError::BadOption(format!("{word}: {why}"));
    let known = known_option(level, name).ok_or_else(|| no_such_option(&word))?;
    let kind = known["type"].as_u64().unwrap_or(STRING);
    if is_focused {
        return Ok(json!({ "name": name, "type": kind, "value": text, "focused": true }));
    }
    let value = match known["choices"]
        .as_array()
        .filter(|choices| !choices.is_empty())
    {
        Some(choices) => {
            let is_meant = |choice: &&Value| {
                let value = &choice["value"];
                let number = value.as_f64();
                let is_number = number.is_some_and(|number| text.parse() == Ok(number));
                choice["name"] == text || *value == text || is_number
            };
            choices
                .iter()
                .find(is_meant)
                .map(|choice| choice["value"].clone())
                .ok_or_else(|| refuse("it is not one of the choices"))?
        }
        None => value(kind, text, guild).ok_or_else(|| refuse("the value has the wrong type"))?,
    };
    check_range(known, &value).map_err(|why| refuse(&why))?;
    Ok(json!({ "name": name, "type": kind, "value": value }))
}

fn value(kind: u64, text: &str, guild: &Guild) -> Option<Value> {
    match kind {
        INTEGER => text.parse::<i64>().ok().map(Value::from),
        NUMBER => text.parse::<f64>().ok().map(Value::from),
        BOOLEAN => text.to_lowercase().parse::<bool>().ok().map(Value::from),
        ATTACHMENT => None,
        USER | CHANNEL | ROLE | MENTIONABLE => id(kind, text, guild).map(Value::from),
        _ => Some(Value::from(text)),
    }
}

/// The id of a channel, role or member: the number itself, or a name such as `#alerts` or `@on-call`.
fn id(kind: u64, text: &str, guild: &Guild) -> Option<String> {
    if text.parse::<u64>().is_ok() {
        return Some(text.to_owned());
    }
    let name = text.trim_start_matches(['#', '@']);
    let channels = guild
        .channels
        .iter()
        .map(|one| (CHANNEL, one.id, &one.name));
    let roles = guild.roles.iter().map(|one| (ROLE, one.id, &one.name));
    let members = guild.members.iter().map(|one| (USER, one.id, &one.name));
    let mut named = channels.chain(members).chain(roles);
    let is_meant = |of: u64| of == kind || kind == MENTIONABLE && of != CHANNEL;
    named
        .find(|(of, _, known)| is_meant(*of) && *known == name)
        .map(|(_, id, _)| id.to_string())
}

fn check_range(known: &Value, value: &Value) -> Result<(), String> {
    if let Some(number) = value.as_f64() {
        let (least, most) = (known["min_value"].as_f64(), known["max_value"].as_f64());
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            return Err("the number is out of range".into());
        }
    }
    if let Some(text) = value.as_str() {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let (least, most) = (known["min_length"].as_u64(), known["max_length"].as_u64());
        if least.is_some_and(|least| length < least) || length > most.unwrap_or(6000) {
            return Err("the text is too short or too long".into());
        }
    }
    Ok(())
}

fn check_complete(level: &Value, given: &[Value]) -> Result<(), SlashError> {
    let is_given = |option: &Value| given.iter().any(|given| given["name"] == option["name"]);
    let missing = options_of(level)
        .iter()
        .find(|option| option["required"] == true && !is_given(option));
    match missing {
        Some(missing) => Err(SlashError::Incomplete(format!(
            "the option {} is required",
            missing["name"]
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Channel, Member, Role};

    fn commands() -> Vec<Value> {
        vec![json!({ "id": "1", "name": "things", "options": [
            { "type": 1, "name": "add", "description": "x", "options": [
                { "type": 3, "name": "name", "description": "x", "required": true, "max_length": 10 },
                { "type": 4, "name": "page", "description": "x", "min_value": 1 },
                { "type": 4, "name": "kind", "description": "x", "choices": [{ "name": "big one", "value": 7 }] },
                { "type": 5, "name": "all", "description": "x" },
                { "type": 7, "name": "where", "description": "x" },
                { "type": 9, "name": "who", "description": "x" },
            ]},
        ]})]
    }

    fn guild() -> Guild {
        Guild {
            channels: vec![Channel {
                id: 5,
                name: "alerts".into(),
            }],
            roles: vec![Role::new(6, "on-call")],
            members: vec![Member::plain(7, "sam")],
            ..Guild::default()
        }
    }

    fn parsed(line: &str) -> Result<Value, SlashError> {
        let (commands, guild) = (commands(), guild());
        let offered = Offered {
            commands: &commands,
            guild: &guild,
        };
        build(&typed(line, offered)?, offered).map(|parsed| parsed.data)
    }

    fn partial(line: &str) -> Value {
        let (commands, guild) = (commands(), guild());
        let offered = Offered {
            commands: &commands,
            guild: &guild,
        };
        parse_partial(line, offered).unwrap().data["options"][0]["options"].take()
    }

    #[test]
    fn channels_roles_and_members_are_written_by_name_or_id() {
        for (line, kind, id, name) in [
            ("where:#alerts", "channels", "5", "alerts"),
            ("where:5", "channels", "5", "alerts"),
            ("where:9", "channels", "9", "chosen"),
            ("who:@on-call", "roles", "6", "on-call"),
            ("who:6", "roles", "6", "on-call"),
        ] {
            let data = parsed(&format!("/things add name:x {line}")).unwrap();
            assert_eq!(data["resolved"][kind][id]["name"], name, "{line}");
        }
        let data = parsed("/things add name:x who:sam").unwrap();
        assert_eq!(data["resolved"]["users"]["7"]["username"], "sam");
        for line in ["where:#nowhere", "where:@sam", "who:#alerts"] {
            assert!(
                parsed(&format!("/things add name:x {line}")).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn the_full_name_has_the_subcommands() {
        let data = parsed("/things add name:x").unwrap();
        assert_eq!(full_name(&data), "things add");
    }

    #[test]
    fn a_line_becomes_the_data_of_an_interaction() {
        let line = r#"/things add name:"a b" page:2 kind:"big one" all:True"#;
        assert_eq!(
            parsed(line).unwrap()["options"],
            json!([{ "name": "add", "type": 1, "options": [
                { "name": "name", "type": 3, "value": "a b" },
                { "name": "page", "type": 4, "value": 2 },
                { "name": "kind", "type": 4, "value": 7 },
                { "name": "all", "type": 5, "value": true },
            ]}])
        );
    }

    #[test]
    fn lines_that_the_client_would_reject_are_refused() {
        for line in [
            "/nothing",
            "/things",
            "/things add",
            "/things add name:x page:0",
            "/things add name:x kind:small",
            "/things add name:12345678901",
            "/things add name:x page:two",
            "/things add name:x other:1",
            "/things add x",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_last_option_has_the_focus_while_typing() {
        assert_eq!(partial("/things add name:ab")[0]["focused"], true);
        assert_eq!(partial("/things add name:")[0]["value"], "");
        let two = partial("/things add name:ab page:x");
        assert_eq!(two[0]["focused"], Value::Null);
        assert_eq!(two[1]["value"], "x");
    }
}
