//! The file `.env` in the working directory. Folders above it are not searched, because other users may be able to write to
//! them: a `.env` there could send the token to another origin.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::rc::Rc;

use super::unknown;
use crate::private_files;
use crate::settings::KnownSettings;

const FILE: &str = ".env";

/// The maximum size of the file, in bytes.
const LONGEST: u64 = 256 * 1024;

/// Settings that nobody else may read.
const SECRETS: [&str; 2] = ["DISCORD_TOKEN", "HEALTHCHECK_PING_URL"];

/// What the file sets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::settings) struct DotEnv {
    pub values: HashMap<String, String>,
    /// A sentence for each wrong line, which sets nothing.
    pub mistakes: Vec<String>,
    /// Sentences about what is odd.
    pub warnings: Vec<String>,
}

/// Reads `.env`. Without it, nothing is set.
pub(in crate::settings) fn read(known: &KnownSettings) -> DotEnv {
    let refuse = |reason: &str| DotEnv {
        mistakes: vec![format!(".env {reason}")],
        ..DotEnv::default()
    };
    let path = Path::new(FILE);
    let mut content = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut content));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return DotEnv::default(),
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            return refuse("is a folder. It must be a file with one NAME=value in each line");
        }
        Err(_) => return refuse("cannot be read; check its permissions"),
    }
    if content.len() as u64 > LONGEST {
        return refuse("is larger than 256 KiB. It must have one NAME=value in each line");
    }
    let Ok(content) = String::from_utf8(content) else {
        return refuse("is not UTF-8 text");
    };
    let mut file = parse(&content, known);
    let is_set = |name: &&&str| {
        file.values
            .get(**name)
            .is_some_and(|value| !value.is_empty())
    };
    if let Some(secret) = SECRETS.iter().find(is_set)
        && let Some(mode) = private_files::mode_to_tighten(path)
    {
        file.warnings.push(format!(
            "other users of this machine can read .env, which has {secret}. Make it private with `chmod {mode} .env`"
        ));
    }
    file
}

/// Hands out one line at a time, so that their number is known after each variable.
struct Lines<'a> {
    rest: &'a [u8],
    read: Rc<Cell<usize>>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let end = end.map_or(self.rest.len(), |end| end + 1);
        let length = end.min(buffer.len());
        let (now, later) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.rest = later;
        if length == end && length > 0 {
            self.read.set(self.read.get() + 1);
        }
        Ok(length)
    }
}

fn parse(content: &str, known: &KnownSettings) -> DotEnv {
    let content = content.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = content.lines().collect();
    let read = Rc::new(Cell::new(0));
    let mut variables = dotenvy::from_read_iter(Lines {
        rest: content.as_bytes(),
        read: Rc::clone(&read),
    });
    let mut file = DotEnv::default();
    let mut first_lines = HashMap::new();
    loop {
        let before = read.get();
        let Some(variable) = variables.next() else {
            break;
        };
        // Comments and empty lines before the variable were read with it; a value in quotes may have several lines.
        let own = lines.iter().skip(before).take(read.get() - before);
        let skipped = own.take_while(|line| is_skipped(line)).count();
        let number = before + skipped + 1;
        match variable {
            Ok((name, value)) => {
                if let Some(warning) = warning(&name, number, &first_lines, &known.names) {
                    file.warnings.push(warning);
                }
                first_lines.entry(name.clone()).or_insert(number);
                file.values.entry(name).or_insert(value);
            }
            Err(_) => {
                let line = lines.get(number - 1).copied().unwrap_or_default();
                let has_more_lines = read.get() > number;
                let mistake = mistake(line, has_more_lines, known);
                file.mistakes
                    .push(format!(".env, line {number}: {mistake}"));
            }
        }
    }
    file
}

fn is_skipped(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The sentence about a variable that has no effect; `None` if it has one.
fn warning(
    name: &str,
    number: usize,
    first_lines: &HashMap<String, usize>,
    known: &BTreeSet<String>,
) -> Option<String> {
    if let Some(first) = first_lines.get(name) {
        let name = shown(name, known).unwrap_or("a name");
        return Some(format!(
            ".env, line {number}: {name} is set in line {first} already. The first value counts; remove one of the lines"
        ));
    }
    if unknown::is_known(name, known) {
        return None;
    }
    let near = unknown::nearest(name, known);
    let sentence = unknown::sentence(shown(name, known).unwrap_or("this"), near);
    Some(format!(".env, line {number}: {sentence}"))
}

/// A name that may be shown: a known one, or one that is written like a setting. Everything else may be part of a secret.
fn shown<'a>(name: &'a str, known: &BTreeSet<String>) -> Option<&'a str> {
    let is_in_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit();
    let is_like_one = name.len() <= 64 && name.contains('_') && name.bytes().all(is_in_name);
    (is_like_one || unknown::nearest(name, known).is_some()).then_some(name)
}

/// Says what is wrong with a line, without quoting it, because it may hold a secret.
fn mistake(line: &str, has_more_lines: bool, known: &KnownSettings) -> String {
    const EXAMPLE: &str = "Example: DATABASE_URL=sqlite://data/rollcall.db";
    let text = line.trim_start();
    let text = text.strip_prefix("export ").unwrap_or(text).trim_start();
    let Some((name, value)) = text.split_once('=') else {
        let first = text.split([' ', '\t', ':']).next().unwrap_or_default();
        let name = if known.names.contains(first) {
            first
        } else {
            "the line"
        };
        return format!("{name} has no `=`. Write one NAME=value in each line. {EXAMPLE}");
    };
    let Some(name) = shown(name.trim_end(), &known.names) else {
        return format!(
            "the line does not begin with the name of a setting and `=`. Write one NAME=value in each line. {EXAMPLE}"
        );
    };
    let value = value.trim();
    let is_quoted = value.starts_with(['"', '\'']);
    let own_example = known.examples.get(name).map(String::as_str);
    let example = own_example.unwrap_or("two words");
    if has_more_lines || (is_quoted && !value[1..].contains(&value[..1])) {
        return format!(
            "a quote in the value of {name} is not closed. Example: {name}=\"{example}\""
        );
    }
    if is_quoted && !value.contains('\\') {
        return format!(
            "there is text behind the quoted value of {name}. Put the whole value in one pair of quotes. Example: {name}=\"{example}\""
        );
    }
    if value.contains('\\') {
        return format!(
            "the value of {name} has a backslash. Put the value in single quotes. Example: {name}='a\\b'"
        );
    }
    if let Some(example) = own_example.filter(|example| !example.contains(' ')) {
        return format!("the value of {name} has spaces. Example: {name}={example}");
    }
    format!(
        "the value of {name} has spaces. Put it in double quotes. Example: {name}=\"{example}\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn parsed(content: &str) -> DotEnv {
        parse(content, &Settings::known())
    }

    #[test]
    fn every_mistake_has_its_line_and_its_name_and_quotes_no_value() {
        let content = "\u{feff}# canary\r\nDISCORD_PRESENCE={online} of canary\r\n\r\ncanary canary\nPROBE_INTERVAL=1s\n\
            DISCORD_TOKEN: canary\ncanary-word=x\nLOG_DIR=\"a\" canary\nLOG_DIR=canary\\canary\nMY_OWN=canary canary\n\
            export HTTP_BIND=a canary\nHEALTHCHECK_PING_URL=\"canary\nLOG_LEVEL=info\n";
        let mistakes = parsed(content).mistakes.join("\n");
        assert!(!mistakes.contains("canary"), "{mistakes}");
        insta::assert_snapshot!(mistakes, @r#"
        .env, line 2: the value of DISCORD_PRESENCE has spaces. Put it in double quotes. Example: DISCORD_PRESENCE="{online} of {total} monitors online · {offline} offline"
        .env, line 4: the line has no `=`. Write one NAME=value in each line. Example: DATABASE_URL=sqlite://data/rollcall.db
        .env, line 6: DISCORD_TOKEN has no `=`. Write one NAME=value in each line. Example: DATABASE_URL=sqlite://data/rollcall.db
        .env, line 7: the line does not begin with the name of a setting and `=`. Write one NAME=value in each line. Example: DATABASE_URL=sqlite://data/rollcall.db
        .env, line 8: there is text behind the quoted value of LOG_DIR. Put the whole value in one pair of quotes. Example: LOG_DIR="logs"
        .env, line 9: the value of LOG_DIR has a backslash. Put the value in single quotes. Example: LOG_DIR='a\b'
        .env, line 10: the value of MY_OWN has spaces. Put it in double quotes. Example: MY_OWN="two words"
        .env, line 11: the value of HTTP_BIND has spaces. Example: HTTP_BIND=127.0.0.1:8080
        .env, line 12: a quote in the value of HEALTHCHECK_PING_URL is not closed. Example: HEALTHCHECK_PING_URL="https://example.org/ping/1234"
        "#);
    }

    #[test]
    fn lines_are_counted_across_values_of_several_lines_and_long_ones() {
        let long = "x".repeat(20_000);
        let content =
            format!("LOG_DIR=\"one\ntwo\n\nthree\"\n# {long}\nLOG_LEVEL='{long}'\n\ncanary");
        let mistakes = parsed(&content).mistakes;
        assert!(mistakes[0].starts_with(".env, line 8: "), "{mistakes:?}");
        let file = parsed("A=\"one\ntwo\"\n\nB=1\n");
        assert_eq!(file.values["A"], "one\ntwo");
        assert!(file.warnings[0].starts_with(".env, line 1: "), "{file:?}");
        assert!(file.warnings[1].starts_with(".env, line 4: "), "{file:?}");
    }

    #[test]
    fn every_unknown_name_and_every_second_value_is_reported_with_its_line() {
        let content = "DISCORD_TOKN=canary\nHOME=/root\nPROBE_WITNESSES=\nMY_OWN=1\n\nLOG_LEVEL=info\nLOG_LEVEL=canary\n\
            canaryname=\nA_B=1\nA_B=2\ndiscord_token=canary\n";
        let file = parsed(content);
        assert_eq!(file.values["LOG_LEVEL"], "info");
        insta::assert_snapshot!(file.warnings.join("\n"), @"
        .env, line 1: DISCORD_TOKN is not a setting of Rollcall. Did you mean DISCORD_TOKEN?
        .env, line 2: this is not a setting of Rollcall. docs/settings.md lists all settings
        .env, line 4: MY_OWN is not a setting of Rollcall. docs/settings.md lists all settings
        .env, line 7: LOG_LEVEL is set in line 6 already. The first value counts; remove one of the lines
        .env, line 8: this is not a setting of Rollcall. docs/settings.md lists all settings
        .env, line 9: A_B is not a setting of Rollcall. docs/settings.md lists all settings
        .env, line 10: A_B is set in line 9 already. The first value counts; remove one of the lines
        .env, line 11: discord_token is not a setting of Rollcall. Did you mean DISCORD_TOKEN?
        ");
    }

    #[test]
    fn the_example_file_has_no_mistake_even_without_its_comment_marks() {
        let example = include_str!("../../../.env.example");
        let file = parsed(example);
        assert_eq!(file, DotEnv::default());
        let is_setting = |line: &&str| {
            let name = line.split_once('=').map(|(name, _)| name);
            name.is_some_and(|name| Settings::known().names.contains(name))
        };
        let lines = example.lines().map(|line| line.trim_start_matches("# "));
        let set: Vec<&str> = lines.filter(is_setting).collect();
        let file = parsed(&set.join("\n"));
        assert_eq!(file.warnings, [] as [&str; 0]);
        assert_eq!(file.values.len(), Settings::known().names.len());
        let settings = Settings::from_variables(file.values).unwrap();
        assert_eq!(settings.warnings, [] as [&str; 0]);
    }
}
