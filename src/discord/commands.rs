//! Every slash command. A command reads its options, checks the permission, calls an action and shows the result.
//!
//! Discord can hide only whole root commands from members who lack a permission. So commands for every member and commands
//! for managers have different roots: `/endpoints` and `/endpoint`, `/servers` and `/server`, `/devices` and `/device`.

use crate::discord::DiscordState;
use crate::discord::bot::{bot_command, help_command, ping_command};
use crate::discord::devices::{device_command, devices_command};
use crate::discord::endpoints::{endpoint_command, endpoints_command, offline_endpoints_command};
use crate::discord::incidents::ack_command;
use crate::discord::keys::keys_command;
use crate::discord::monitors::{group_command, status_command};
use crate::discord::notifications::{alerts_command, board_command};
use crate::discord::servers::{server_command, servers_command};
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
        status_command::audit(),
        alerts_command::alerts(),
        ack_command::ack(),
        mute_command::mute(),
        mute_command::unmute(),
        maintenance_command::maintenance(),
        group_command::group(),
        board_command::boards(),
        bot_command::bot(),
        ping_command::ping(),
        help_command::help(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Root commands that every member may use; all others are for managers.
    const FOR_MEMBERS: [&str; 11] = [
        "offline_endpoints",
        "endpoints",
        "servers",
        "devices",
        "status",
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
