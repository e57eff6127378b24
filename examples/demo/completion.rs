//! Tab completion: of slash commands, from the commands that the bot has registered, the names of the guild, and the bot's own
//! suggestions; of the labels of buttons and menus.

use std::sync::{Mutex, MutexGuard, PoisonError};

use discord_sandbox::{Member, Reply, Sandbox};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::controls;

/// The lines of the prompt that are no commands, or begin so.
const LINES: [&str; 12] = [
    "press ",
    "choose ",
    "fill ",
    "as ada",
    "as sam",
    "toggle shop",
    "toggle rack",
    "toggle internet",
    "attach ",
    "help",
    "quit",
    "/",
];

/// The options that take a monitor: by its name, too.
const MONITORS: [&str; 4] = ["endpoint", "device", "server", "monitor"];

/// What separates the parts of a suggestion, of which a monitor has three: name, detail and status.
const SEPARATOR: &str = " · ";

/// Option types as Discord numbers them.
const SUBCOMMANDS: [u64; 2] = [1, 2];
const BOOLEAN: u64 = 5;
const CHANNEL: u64 = 7;
const ROLE: u64 = 8;

/// The member who types.
pub struct Actor {
    member: Mutex<Member>,
    last: Mutex<Option<Reply>>,
}

impl Actor {
    pub fn new(member: Member) -> Self {
        Self {
            member: Mutex::new(member),
            last: Mutex::default(),
        }
    }

    pub fn get(&self) -> Member {
        locked(&self.member).clone()
    }

    pub fn set(&self, member: Member) {
        *locked(&self.member) = member;
        // Only the other member saw it.
        *locked(&self.last) = None;
    }

    /// The last answer; its buttons and menus come first.
    pub fn last(&self) -> Option<Reply> {
        locked(&self.last).clone()
    }

    pub fn answered(&self, reply: Reply) {
        *locked(&self.last) = Some(reply);
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// What a line that is no command can become.
    fn lines(&self, line: &str) -> Vec<Pair> {
        let last = self.actor.last();
        let buttons = controls::buttons(&self.sandbox, last.as_ref());
        let options = controls::menu_options(&self.sandbox, last.as_ref());
        let pressed = buttons.iter().map(|one| format!("press {}", one.label));
        let filled = buttons.iter().map(|one| format!("fill {}: ", one.label));
        let chosen = options.iter().map(|one| format!("choose {}", one.label));
        let known = LINES.iter().map(|line| (*line).to_owned());
        let of_messages = pressed.chain(filled).chain(chosen);
        let mut lines: Vec<String> = match line.contains(' ') {
            true => known.chain(of_messages).collect(),
            // Their first words are enough.
            false => known.collect(),
        };
        let begins = |one: &String| one.to_lowercase().starts_with(&line.to_lowercase());
        lines.retain(|one| begins(one) && one != line);
        lines.sort();
        lines.dedup();
        lines.into_iter().map(shown_as_typed).collect()
    }

    /// What the last word of a command can become.
    fn words(&self, line: &str) -> Vec<Pair> {
        let word = &line[start_of_word(line)..];
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
    fn values(&self, level: &Value, name: &str, line: &str) -> Vec<Pair> {
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
        let typed = word[name.len() + 1..].trim_start_matches(['"', '#', '@']);
        let begins = |value: &&String| value.trim_start_matches(['#', '@']).starts_with(typed);
        values
            .iter()
            .filter(begins)
            .map(|value| option_with(name, value, value))
            .collect()
    }

    /// What the bot suggests.
    fn suggestions(&self, name: &str, line: &str) -> Vec<Pair> {
        let member = self.actor.get();
        let suggested = self
            .runtime
            .block_on(self.sandbox.member(&member).try_autocomplete(line))
            .unwrap_or_default();
        let names: Vec<&str> = suggested.iter().map(|(label, _)| first(label)).collect();
        let pair = |(label, value): &(String, String)| {
            let has_name = MONITORS.contains(&name) && label.matches(SEPARATOR).count() == 2;
            let is_unique = names.iter().filter(|one| **one == first(label)).count() == 1;
            // The value is an address or a number. People know the name.
            match has_name && is_unique {
                true => option_with(name, label, first(label)),
                false => option_with(name, label, value),
            }
        };
        suggested.iter().map(pair).collect()
    }
}

/// The first part of a suggestion.
fn first(label: &str) -> &str {
    label.split(SEPARATOR).next().unwrap_or(label)
}

fn option_with(name: &str, label: &str, value: &str) -> Pair {
    Pair {
        display: label.to_owned(),
        replacement: format!("{name}:{} ", quoted(value)),
    }
}

fn shown_as_typed(text: String) -> Pair {
    Pair {
        display: text.trim_end().to_owned(),
        replacement: text,
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

fn starting_with(words: impl Iterator<Item = String>, start: &str) -> Vec<Pair> {
    let words = words.filter(|word| word.starts_with(start));
    words.map(shown_as_typed).collect()
}

/// Tab inserts what all candidates have in common. Several that contain the typed word elsewhere must not replace it by less.
fn without_loss(word: &str, mut candidates: Vec<Pair>) -> Vec<Pair> {
    let continues = |one: &Pair| one.replacement.starts_with(word);
    if candidates.len() > 1 && !candidates.iter().all(continues) {
        for candidate in &mut candidates {
            word.clone_into(&mut candidate.replacement);
        }
    }
    candidates
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
        let (start, candidates) = match line.starts_with('/') {
            true => (start_of_word(line), self.words(line)),
            false => (0, self.lines(line)),
        };
        Ok((start, without_loss(&line[start..], candidates)))
    }
}

impl Helper for Completion {}
impl Hinter for Completion {
    type Hint = String;
}
impl Highlighter for Completion {}
impl Validator for Completion {}
