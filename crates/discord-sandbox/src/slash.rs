//! Parses a typed command line as Discord's client does: against the registered commands, with their types and limits.

use std::fmt;

use serde_json::{Value, json};

use crate::shapes;
use crate::world::{Member, Role};

/// Why Discord's client would reject a command, or why no message came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlashError {
    NoSuchCommand(String),
    Incomplete(String),
    BadOption(String),
    NotPermitted,
    NoSuchButton(String),
    /// The bot opened a form instead of answering with a message.
    Form(String),
    /// The bot did not respond within the time that Discord allows: "the application did not respond".
    NoAnswer,
}

impl fmt::Display for SlashError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCommand(name) => write!(out, "there is no command /{name}"),
            Self::Incomplete(why) | Self::BadOption(why) => out.write_str(why),
            Self::NotPermitted => out.write_str("this member does not see that command"),
            Self::NoSuchButton(label) => write!(out, "there is no button {label} to press"),
            Self::Form(title) => write!(out, "the bot opened the form {title}"),
            Self::NoAnswer => out.write_str("the application did not respond"),
        }
    }
}

impl std::error::Error for SlashError {}

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
const NUMBER: u64 = 10;
const ATTACHMENT: u64 = 11;

/// Parses a complete line. `files` are the ids of attachments by option name.
pub(crate) fn parse(
    line: &str,
    commands: &[Value],
    files: &[(String, u64)],
) -> Result<Parsed, SlashError> {
    read(line, commands, files, false)
}

/// Parses a line that is still being typed: the last option has the focus, and nothing is required yet.
pub(crate) fn parse_partial(line: &str, commands: &[Value]) -> Result<Parsed, SlashError> {
    read(line, commands, &[], true)
}

fn read(
    line: &str,
    commands: &[Value],
    files: &[(String, u64)],
    is_partial: bool,
) -> Result<Parsed, SlashError> {
    let words = split(line);
    let mut words = words.iter().map(String::as_str).peekable();
    let name = words.next().unwrap_or_default().trim_start_matches('/');
    let command = commands.iter().find(|command| command["name"] == name);
    let command = command.ok_or_else(|| SlashError::NoSuchCommand(name.to_owned()))?;
    let mut level = command;
    let mut path = Vec::new();
    while let Some(next) = words.peek().and_then(|word| below(level, word)) {
        path.push(next);
        level = next;
        words.next();
    }
    if has_subcommands(level) {
        return Err(SlashError::Incomplete(format!(
            "/{name} needs one of its subcommands"
        )));
    }
    let mut options = Vec::new();
    for word in words {
        options.push(option(level, word)?);
    }
    for (name, id) in files {
        options.push(json!({ "name": name, "type": ATTACHMENT, "value": id.to_string() }));
    }
    if is_partial {
        if let Some(last) = options.last_mut() {
            last["focused"] = json!(true);
        }
    } else {
        check_complete(level, &options)?;
    }
    let resolved = resolved(&options);
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
fn resolved(options: &[Value]) -> Value {
    let mut found = Value::Null;
    for option in options {
        let id = option["value"].as_str().unwrap_or_default();
        match option["type"].as_u64() {
            Some(CHANNEL) => {
                found["channels"][id] = shapes::chosen_channel(id);
            }
            Some(USER) => {
                let user = Member::plain(id.parse().unwrap_or_default(), "chosen");
                let mut member = shapes::member(&user);
                member["user"].take();
                found["users"][id] = shapes::user(&user);
                found["members"][id] = member;
            }
            Some(ROLE) => {
                found["roles"][id] = shapes::role(&Role {
                    id: id.parse().unwrap_or_default(),
                    is_mentionable: true,
                });
            }
            _ => {}
        }
    }
    found
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

/// Parses `name:value`.
fn option(level: &Value, word: &str) -> Result<Value, SlashError> {
    let refuse = |why: &str| SlashError::BadOption(format!("{word}: {why}"));
    let (name, text) = word
        .split_once(':')
        .ok_or_else(|| refuse("an option is written name:value"))?;
    let known = options_of(level)
        .iter()
        .find(|option| option["name"] == name);
    let known = known.ok_or_else(|| refuse("the command has no such option"))?;
    let kind = known["type"].as_u64().unwrap_or(STRING);
    let value = match known["choices"]
        .as_array()
        .filter(|choices| !choices.is_empty())
    {
        Some(choices) => {
            let is_meant = |choice: &&Value| choice["name"] == text || choice["value"] == text;
            choices
                .iter()
                .find(is_meant)
                .map(|choice| choice["value"].clone())
                .ok_or_else(|| refuse("it is not one of the choices"))?
        }
        None => value(kind, text).ok_or_else(|| refuse("the value has the wrong type"))?,
    };
    check_range(known, &value).map_err(|why| refuse(&why))?;
    Ok(json!({ "name": name, "type": kind, "value": value }))
}

fn value(kind: u64, text: &str) -> Option<Value> {
    match kind {
        INTEGER => text.parse::<i64>().ok().map(Value::from),
        NUMBER => text.parse::<f64>().ok().map(Value::from),
        BOOLEAN => text.to_lowercase().parse::<bool>().ok().map(Value::from),
        ATTACHMENT => None,
        USER | CHANNEL | ROLE => text.parse::<u64>().ok().map(|_| Value::from(text)),
        _ => Some(Value::from(text)),
    }
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

    fn commands() -> Vec<Value> {
        vec![json!({ "id": "1", "name": "things", "options": [
            { "type": 1, "name": "add", "description": "x", "options": [
                { "type": 3, "name": "name", "description": "x", "required": true, "max_length": 10 },
                { "type": 4, "name": "page", "description": "x", "min_value": 1 },
                { "type": 4, "name": "kind", "description": "x", "choices": [{ "name": "big one", "value": 7 }] },
                { "type": 5, "name": "all", "description": "x" },
            ]},
        ]})]
    }

    #[test]
    fn a_line_becomes_the_data_of_an_interaction() {
        let parsed = parse(
            r#"/things add name:"a b" page:2 kind:"big one" all:True"#,
            &commands(),
            &[],
        )
        .unwrap();
        assert_eq!(
            parsed.data["options"],
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
            assert!(parse(line, &commands(), &[]).is_err(), "{line}");
        }
    }

    #[test]
    fn the_last_option_has_the_focus_while_typing() {
        let parsed = parse_partial("/things add name:ab", &commands()).unwrap();
        assert_eq!(parsed.data["options"][0]["options"][0]["focused"], true);
        let empty = parse_partial("/things add name:", &commands()).unwrap();
        assert_eq!(empty.data["options"][0]["options"][0]["value"], "");
    }
}
