//! Every slash command. A command reads its options, checks the permission, calls an action and shows the result.
//!
//! Discord can hide only whole root commands from members who lack a permission. So commands for every member and commands
//! for managers have different roots: `/endpoints` and `/endpoint`, `/servers` and `/server`, `/devices` and `/device`.

use crate::discord::DiscordState;
use crate::discord::bot::{bot_command, help_command, ping_command};
use crate::discord::devices::{device_command, devices_command};
use crate::discord::endpoints::{endpoint_command, endpoints_command, offline_endpoints_command};
use crate::discord::incidents::{ack_command, incidents_command};
use crate::discord::keys::keys_command;
use crate::discord::monitors::audit::audit_command;
use crate::discord::monitors::history::{history_command, uptime_command};
use crate::discord::monitors::objectives::{objective_command, objectives_command};
use crate::discord::monitors::summaries::{summaries_command, summary_command};
use crate::discord::monitors::{group_command, status_command};
use crate::discord::notifications::{alerts_command, board_command};
use crate::discord::servers::{server_command, servers_command};
use crate::discord::setup::{settings_command, setup_command};
use crate::discord::silences::{maintenance_command, mute_command};
use crate::discord::ui::error::CommandError;

/// The commands in the order in which Discord lists them.
pub(super) fn all() -> Vec<poise::Command<DiscordState, CommandError>> {
    vec![
        offline_endpoints_command::offline_endpoints(),
        endpoints_command::endpoints(),
        endpoint_command::endpoint(),
        status_command::status(),
        servers_command::servers(),
        server_command::server(),
        devices_command::devices(),
        device_command::device(),
        keys_command::keys(),
        audit_command::audit(),
        setup_command::setup(),
        settings_command::settings(),
        alerts_command::alerts(),
        incidents_command::incidents(),
        ack_command::ack(),
        mute_command::mute(),
        mute_command::unmute(),
        maintenance_command::maintenance(),
        group_command::group(),
        uptime_command::uptime(),
        history_command::history(),
        objectives_command::objectives(),
        objective_command::objective(),
        summaries_command::summaries(),
        summary_command::summary(),
        board_command::boards(),
        bot_command::bot(),
        ping_command::ping(),
        help_command::help(),
    ]
}

/// The names under which commands are counted: those that a member can type, buttons and forms.
pub(super) fn counted_names() -> Vec<String> {
    let mut names = vec!["button".to_owned(), "form".to_owned()];
    for command in all() {
        add_names("", &command, &mut names);
    }
    names
}

fn add_names(
    path: &str,
    command: &poise::Command<DiscordState, CommandError>,
    names: &mut Vec<String>,
) {
    let path = format!("{path}{}", command.name);
    if command.subcommands.is_empty() {
        return names.push(path);
    }
    for nested in &command.subcommands {
        add_names(&format!("{path} "), nested, names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::command_name::{
        ADD_ENDPOINT, CREATE_BOARD, SET_UP_ALERTS, SHOW_STATUS,
    };

    /// Root commands that every member may use; all others are for managers.
    const FOR_MEMBERS: [&str; 16] = [
        "offline_endpoints",
        "endpoints",
        "servers",
        "devices",
        "status",
        "uptime",
        "history",
        "objectives",
        "summaries",
        "incidents",
        "ack",
        "mute",
        "unmute",
        "bot",
        "ping",
        "help",
    ];

    #[test]
    fn root_commands_are_either_for_every_member_or_for_managers() {
        let all = all();
        let open = all
            .iter()
            .filter(|command| command.default_member_permissions.is_empty());
        let mut open: Vec<&str> = open.map(|command| &*command.name).collect();
        let mut expected = FOR_MEMBERS;
        open.sort_unstable();
        expected.sort_unstable();
        assert_eq!(open, expected);
    }

    #[test]
    fn registered_commands_match_the_snapshot() {
        let commands = poise::builtins::create_application_commands(&all());
        insta::assert_json_snapshot!("commands", commands);
    }

    /// Every command that a member can type, as its path and its options.
    fn typed(
        path: &str,
        command: &poise::Command<DiscordState, CommandError>,
    ) -> Vec<(String, Vec<String>)> {
        let path = format!("{path}{}", command.name);
        if command.subcommands.is_empty() {
            let options = command.parameters.iter();
            let options = options.map(|option| option.name.to_string()).collect();
            return vec![(path, options)];
        }
        let nested = command.subcommands.iter();
        nested
            .flat_map(|nested| typed(&format!("{path} "), nested))
            .collect()
    }

    #[test]
    fn the_page_of_commands_lists_each_with_its_options() {
        let page = std::fs::read_to_string("docs/commands.md").unwrap();
        for (path, options) in all().iter().flat_map(|command| typed("/", command)) {
            let row = page
                .lines()
                .find(|line| line.starts_with('|') && line.contains(&format!("`{path}`")))
                .unwrap_or_else(|| panic!("{path} is missing"));
            for option in options {
                assert!(
                    row.contains(&format!("`{option}`")),
                    "{path} {option}: {row}"
                );
            }
        }
    }

    /// The commands that a text names in backticks, such as `/alerts setup channel:#alerts`, each with its options.
    fn named_in(source: &str) -> Vec<(String, Vec<String>)> {
        let is_word = |word: &&str| {
            let mut letters = word.chars();
            letters.all(|letter| letter.is_ascii_lowercase() || letter == '_')
        };
        let quoted = source.split("`/").skip(1);
        let quoted = quoted.filter_map(|rest| rest.split_once('`').map(|(line, _)| line));
        let named = |line: &str| {
            let words = line.split(' ').take_while(is_word);
            let path = words.collect::<Vec<_>>().join(" ");
            let options = line.split(' ').filter_map(|word| word.split_once(':'));
            let options = options.map(|(option, _)| option.to_owned()).collect();
            (format!("/{path}"), options)
        };
        quoted.map(named).filter(|(path, _)| path != "/").collect()
    }

    /// The files whose texts members read.
    fn sources(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let source = std::fs::read_to_string(path).unwrap();
                let lines = source.lines().filter(|line| !line.trim().starts_with("//"));
                let lines: Vec<&str> = lines.collect();
                let text = lines.join("\n");
                found.push(text.split("#[cfg(test)]").next().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn texts_name_commands_and_options_that_exist() {
        let all = all();
        let typed: Vec<_> = all.iter().flat_map(|command| typed("/", command)).collect();
        let mut texts = Vec::new();
        for folder in ["src/discord", "src/actions", "src/domain", "src/notify"] {
            sources(std::path::Path::new(folder), &mut texts);
        }
        let recommended = [SET_UP_ALERTS, ADD_ENDPOINT, CREATE_BOARD, SHOW_STATUS];
        texts.extend(recommended.map(|name| format!("`/{name}`")));
        let named: Vec<_> = texts.iter().flat_map(|text| named_in(text)).collect();
        assert!(named.len() > 40, "{} commands were found", named.len());
        for (path, options) in named {
            let known = typed.iter().find(|(known, _)| *known == path);
            let (_, known) = known.unwrap_or_else(|| panic!("there is no command {path}"));
            for option in options {
                assert!(known.contains(&option), "{path} has no option {option}");
            }
        }
    }

    #[test]
    fn descriptions_are_short_and_have_no_final_period() {
        fn check(command: &poise::Command<DiscordState, CommandError>) {
            let options = command
                .parameters
                .iter()
                .map(|option| option.description.as_deref());
            for text in std::iter::once(command.description.as_deref()).chain(options) {
                let text = text.unwrap_or_default();
                let length = text.chars().count();
                assert!((1..=80).contains(&length), "{length} characters: {text}");
                assert!(!text.ends_with('.'), "{text}");
            }
            command.subcommands.iter().for_each(check);
        }
        all().iter().for_each(check);
    }
}
