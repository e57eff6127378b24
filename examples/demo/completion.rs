//! Tab completion of slash commands: from the commands that the bot has registered, the names of the guild, and the bot's own
//! suggestions.

use std::sync::{Mutex, PoisonError};

use discord_sandbox::{Member, Sandbox};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use serde_json::Value;
use tokio::runtime::Handle;

/// The words of the prompt that are no commands.
const WORDS: [&str; 9] = [
    "press ", "choose ", "fill ", "as ", "toggle ", "attach ", "help", "quit", "/",
];

/// Option types as Discord numbers them.
const SUBCOMMANDS: [u64; 2] = [1, 2];
const BOOLEAN: u64 = 5;
const CHANNEL: u64 = 7;
const ROLE: u64 = 8;

/// The member who types.
pub struct Actor(Mutex<Member>);

impl Actor {
    pub fn new(member: Member) -> Self {
        Self(Mutex::new(member))
    }

    pub fn get(&self) -> Member {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn set(&self, member: Member) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = member;
    }
}

pub struct Completion {
    sandbox: Sandbox,
    actor: std::sync::Arc<Actor>,
    runtime: Handle,
}

impl Completion {
    pub fn new(sandbox: Sandbox, actor: std::sync::Arc<Actor>, runtime: Handle) -> Self {
        Self {
            sandbox,
            actor,
            runtime,
        }
    }

    /// What the last word of a line can become.
    fn candidates(&self, line: &str) -> Vec<String> {
        let word = &line[start_of_word(line)..];
        if !line.starts_with('/') {
            return starting_with(WORDS.iter().map(|word| (*word).to_owned()), line);
        }
        let commands = self.sandbox.commands(self.sandbox.guild());
        let mut words = line.split_whitespace().collect::<Vec<_>>();
        if !line.ends_with(' ') {
            words.pop();
        }
        let Some((root, rest)) = words.split_first() else {
            let names = commands
                .iter()
                .map(|command| format!("/{} ", text(command, "name")));
            return starting_with(names, word);
        };
        let name = root.trim_start_matches('/');
        let Some(mut level) = commands.iter().find(|command| command["name"] == name) else {
            return Vec::new();
        };
        let mut used = Vec::new();
        for word in rest {
            match options(level).find(|one| is_subcommand(one) && one["name"] == *word) {
                Some(below) => level = below,
                None => used.extend(word.split_once(':').map(|(name, _)| name)),
            }
        }
        match word.split_once(':') {
            Some((option, _)) => self.values(level, option, line),
            None => starting_with(names_below(level, &used), word),
        }
    }

    /// The values of an option, as the whole word.
    fn values(&self, level: &Value, name: &str, line: &str) -> Vec<String> {
        let Some(option) = options(level).find(|option| option["name"] == name) else {
            return Vec::new();
        };
        let guild = self.sandbox.guild();
        let values: Vec<String> = match option["type"].as_u64() {
            Some(BOOLEAN) => vec!["True".to_owned(), "False".to_owned()],
            Some(CHANNEL) => {
                let channels = self.sandbox.channels(guild).into_iter();
                channels
                    .map(|channel| format!("#{}", channel.name))
                    .collect()
            }
            Some(ROLE) => {
                let roles = self.sandbox.roles(guild).into_iter();
                roles.map(|role| format!("@{}", role.name)).collect()
            }
            _ if option["autocomplete"] == true => return self.suggestions(name, line),
            _ => {
                let choices = option["choices"].as_array().into_iter().flatten();
                choices
                    .map(|choice| text(choice, "name").to_owned())
                    .collect()
            }
        };
        let word = &line[start_of_word(line)..];
        starting_with(
            values
                .iter()
                .map(|value| format!("{name}:{} ", quoted(value))),
            word,
        )
    }

    /// What the bot suggests.
    fn suggestions(&self, name: &str, line: &str) -> Vec<String> {
        let member = self.actor.get();
        let suggested = self
            .runtime
            .block_on(self.sandbox.member(&member).try_autocomplete(line));
        let suggested = suggested.unwrap_or_default().into_iter();
        suggested
            .map(|(_, value)| format!("{name}:{} ", quoted(&value)))
            .collect()
    }
}

fn start_of_word(line: &str) -> usize {
    let is_quoted = line.matches('"').count() % 2 == 1;
    let end = if is_quoted {
        line.rfind('"').unwrap_or(0)
    } else {
        line.len()
    };
    line[..end].rfind(' ').map_or(0, |blank| blank + 1)
}

fn starting_with(words: impl Iterator<Item = String>, start: &str) -> Vec<String> {
    words.filter(|word| word.starts_with(start)).collect()
}

fn quoted(value: &str) -> String {
    match value.contains(' ') {
        true => format!("\"{}\"", value.replace('"', "\\\"")),
        false => value.to_owned(),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn options(level: &Value) -> impl Iterator<Item = &Value> {
    level["options"].as_array().into_iter().flatten()
}

fn is_subcommand(option: &Value) -> bool {
    option["type"]
        .as_u64()
        .is_some_and(|kind| SUBCOMMANDS.contains(&kind))
}

/// The subcommands of a command, or its options that are not used yet.
fn names_below<'a>(level: &'a Value, used: &'a [&str]) -> impl Iterator<Item = String> {
    let unused = options(level).filter(|option| !used.contains(&text(option, "name")));
    unused.map(|option| match is_subcommand(option) {
        true => format!("{} ", text(option, "name")),
        false => format!("{}:", text(option, "name")),
    })
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let line = &line[..at];
        let pair = |word: String| Pair {
            display: word.trim_end().to_owned(),
            replacement: word,
        };
        let start = if line.starts_with('/') {
            start_of_word(line)
        } else {
            0
        };
        Ok((start, self.candidates(line).into_iter().map(pair).collect()))
    }
}

impl Helper for Completion {}
impl Hinter for Completion {
    type Hint = String;
}
impl Highlighter for Completion {}
impl Validator for Completion {}
