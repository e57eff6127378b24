//! Every slash command. A command is a thin door: read the options, check, call an action, show a card.

mod ack;
mod alerts;
mod board;
mod bot;
mod device;
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
mod status;

use super::AppState;
use super::error::CommandError;

/// The commands in the order in which Discord lists them.
pub(super) fn all() -> Vec<poise::Command<AppState, CommandError>> {
    vec![
        offline_endpoints::offline_endpoints(),
        endpoints::endpoints(),
        endpoint::endpoint(),
        status::status(),
        server::server(),
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

    #[test]
    fn the_registered_commands_are_a_contract() {
        let commands = poise::builtins::create_application_commands(&all());
        insta::assert_json_snapshot!("commands", commands);
    }
}
