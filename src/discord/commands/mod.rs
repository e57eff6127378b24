//! Every slash command. A command reads its options, checks the permission, calls an action and shows the result.
//!
//! Discord can hide only whole root commands from members who lack a permission. So commands for every member and commands
//! for managers have different roots: `/endpoints` and `/endpoint`, `/servers` and `/server`, `/devices` and `/device`.

mod ack;
mod alerts;
mod board;
mod bot;
mod device;
mod devices;
mod endpoint;
mod endpoints;
mod group;
mod help;
mod keys;
mod maintenance;
mod mute;
mod offline_endpoints;
mod ping;
mod server;
mod servers;
mod status;

use super::AppState;
use crate::discord::ui::error::CommandError;

/// The commands in the order in which Discord lists them.
pub(super) fn all() -> Vec<poise::Command<AppState, CommandError>> {
    vec![
        offline_endpoints::offline_endpoints(),
        endpoints::endpoints(),
        endpoint::endpoint(),
        status::status(),
        servers::servers(),
        server::server(),
        devices::devices(),
        device::device(),
        keys::keys(),
        status::audit(),
        alerts::alerts(),
        ack::ack(),
        mute::mute(),
        mute::unmute(),
        maintenance::maintenance(),
        group::group(),
        board::boards(),
        bot::bot(),
        ping::ping(),
        help::help(),
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
