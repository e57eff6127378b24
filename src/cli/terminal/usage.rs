//! Errors of usage. clap names what it did not expect; this file adds what to type instead where clap cannot know it.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What people type where Rollcall has another command, and the command.
const ELSEWHERE: [(&[&str], &str); 14] = [
    (&["start"], "`rollcall run`"),
    (&["serve"], "`rollcall run`"),
    (
        &["stop"],
        "Ctrl-C in its terminal, or `systemctl stop rollcall`",
    ),
    (&["status"], "`rollcall healthcheck`"),
    (&["list"], "`rollcall endpoint list`"),
    (&["add"], "`rollcall endpoint add https://example.org`"),
    (
        &["remove"],
        "`rollcall endpoint remove https://example.org`",
    ),
    (&["import"], "`rollcall endpoint import list.txt`"),
    (&["export"], "`rollcall endpoint export`"),
    (&["version"], "`rollcall --version`"),
    (&["mute"], "`rollcall silence mute shop --for 1h`"),
    (&["maintenance"], "`rollcall silence maintenance --for 2h`"),
    (&["config"], "`rollcall settings`"),
    (&["webhook"], "`/webhook add` in Discord"),
];

/// A valid value for each option with a number or a duration.
const EXAMPLES: [(&str, &str); 20] = [
    ("--above", "90"),
    ("--at", "\"2026-12-01 22:30\""),
    ("--batch", "100"),
    ("--below", "10"),
    ("--channel", "175928847299117063"),
    ("--concurrent", "50"),
    ("--every", "60s"),
    ("--for", "2h"),
    ("--grace", "2h"),
    ("--guild", "123456789012345678"),
    ("--hours", "1"),
    ("--interval", "60s"),
    ("--limit", "100"),
    ("--objective", "99.9"),
    ("--older-than", "4m"),
    ("--redirects", "5"),
    ("--remind-after", "15m"),
    ("--threshold", "26h"),
    ("--timeout", "10s"),
    ("--window", "30d"),
];

/// Parses the arguments of the process. An error, or the help that was asked for, is printed; then the exit code is returned.
pub(in crate::cli) fn parse<T: Parser>() -> Result<T, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    T::try_parse_from(&arguments).map_err(|error| {
        let typed: Vec<String> = arguments
            .iter()
            .skip(1)
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        // Standard error may be closed; the exit code reports the failure anyway.
        let _ = match sentence(&error, &typed) {
            Some(sentence) => writeln!(
                std::io::stderr(),
                "error: {sentence}\n\nFor more information, try '--help'."
            ),
            None => error.print(),
        };
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// A sentence that leads on better than that of clap; `None` if clap's is good.
fn sentence(error: &clap::Error, typed: &[String]) -> Option<String> {
    match error.kind() {
        ErrorKind::InvalidSubcommand => elsewhere(typed),
        ErrorKind::UnknownArgument => {
            let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
                return None;
            };
            negative(unknown, typed).or_else(|| split_duration(unknown, typed))
        }
        _ => None,
    }
}

fn elsewhere(typed: &[String]) -> Option<String> {
    let (words, command) = ELSEWHERE.iter().find(|(words, _)| {
        let same = words.iter().zip(typed).all(|(word, typed)| word == typed);
        typed.len() >= words.len() && same
    })?;
    Some(format!(
        "Rollcall has no command `{}`. Use {command}",
        words.join(" ")
    ))
}

/// clap takes a negative number for an option.
fn negative(unknown: &str, typed: &[String]) -> Option<String> {
    let digits = unknown.strip_prefix('-')?;
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let place = typed.iter().position(|typed| typed.starts_with(unknown))?;
    let option = typed.get(place.checked_sub(1)?)?;
    let (option, example) = EXAMPLES.iter().find(|(known, _)| known == option)?;
    Some(format!(
        "{option} must not be negative. Example: {option} {example}"
    ))
}

/// A unit that stands behind a space is an argument of its own.
fn split_duration(unit: &str, typed: &[String]) -> Option<String> {
    if !matches!(unit, "ms" | "s" | "m" | "h" | "d") {
        return None;
    }
    let pairs = typed.iter().zip(typed.iter().skip(1));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (number, _) = pairs
        .filter(|(number, _)| is_number(number))
        .find(|(_, found)| *found == unit)?;
    Some(format!(
        "a duration has no space. Write `{number}{unit}` instead of `{number} {unit}`"
    ))
}

/// Reads the id of a Discord server; 0 is the local monitor list.
pub(in crate::cli) fn guild_id(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        "must be the id of a Discord server. `rollcall guild list` shows them. Example: 123456789012345678".to_owned()
    })
}

/// Reads the id of a channel or a role in Discord.
pub(in crate::cli) fn discord_id(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|id| *id > 0).ok_or_else(|| {
        "must be an id in Discord: with Developer Mode on, right-click it and choose Copy ID. Example: 175928847299117063".to_owned()
    })
}

/// A parser of a count from 1 to `most`.
pub(in crate::cli) fn count<T: TryFrom<u32>>(
    most: u32,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("must be a number from 1 to {most}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Arguments;

    fn answer(typed: &[&str]) -> Option<String> {
        let typed: Vec<String> = typed.iter().map(|word| (*word).to_owned()).collect();
        let all = std::iter::once("rollcall").chain(typed.iter().map(String::as_str));
        sentence(&Arguments::try_parse_from(all).unwrap_err(), &typed)
    }

    #[test]
    fn words_that_are_no_commands_lead_to_the_command() {
        for (words, command) in ELSEWHERE {
            let expected = format!(
                "Rollcall has no command `{}`. Use {command}",
                words.join(" ")
            );
            assert_eq!(answer(words), Some(expected), "{words:?}");
        }
        assert_eq!(answer(&["add", "https://example.org"]), answer(&["add"]));
        assert_eq!(answer(&["fly"]), None);
        assert_eq!(answer(&["endpoint", "start"]), None);
    }

    #[test]
    fn a_wrong_number_is_answered_with_an_example() {
        for (typed, expected) in [
            (
                "check --limit -5",
                Some("--limit must not be negative. Example: --limit 100"),
            ),
            (
                "check --timeout -5s",
                Some("--timeout must not be negative. Example: --timeout 10s"),
            ),
            (
                "endpoint list --guild -1",
                Some("--guild must not be negative. Example: --guild 123456789012345678"),
            ),
            (
                "check --older-than 5 m",
                Some("a duration has no space. Write `5m` instead of `5 m`"),
            ),
            ("check --json m", None),
            ("check -5", None),
            ("check --json -5", None),
            ("check --jsn", None),
        ] {
            let words: Vec<&str> = typed.split(' ').collect();
            assert_eq!(answer(&words).as_deref(), expected, "{typed}");
        }
    }

    #[test]
    fn every_option_with_a_number_has_an_example_that_is_valid() {
        let known: Vec<&str> = EXAMPLES.iter().map(|(option, _)| *option).collect();
        let mut commands = vec![Arguments::command()];
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                let unit = argument.get_value_names().unwrap_or_default();
                let has_number = unit
                    .iter()
                    .any(|unit| matches!(unit.as_str(), "N" | "TIME" | "ID" | "INTERVAL"));
                if let Some(option) = argument.get_long().filter(|_| has_number) {
                    assert!(known.contains(&format!("--{option}").as_str()), "{option}");
                }
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn counts_are_from_1_to_the_limit() {
        let parse = count::<u16>(10_000);
        for (text, expected) in [
            ("0", None),
            ("1", Some(1)),
            ("10000", Some(10_000)),
            ("10001", None),
            ("x", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
        assert_eq!(parse("x").unwrap_err(), "must be a number from 1 to 10000");
    }
}
