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
}
