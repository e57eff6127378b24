//! The texts of the setup: its screens, its form, and what happened at a step.

use crate::discord::ui::setup_button::SetupStep;
use crate::domain::discord_id::{ChannelId, RoleId};
use crate::domain::history::chart::scene::Theme;
use crate::domain::silences::maintenance::Tz;
use crate::domain::text;

// Screens

pub(super) fn title(step: SetupStep) -> &'static str {
    match step {
        SetupStep::Channel => "Setup, step 1 of 4: the alert channel",
        SetupStep::Role => "Setup, step 2 of 4: the on-call role",
        SetupStep::Endpoint => "Setup, step 3 of 4: an endpoint",
        SetupStep::Test => "Setup, step 4 of 4: a test alert",
    }
}

pub(super) fn channel(known: Option<ChannelId>) -> String {
    match known {
        None => "Choose the channel for alerts. Rollcall needs the permissions View Channel, Send Messages and Embed Links there, and posts a message to check them.".to_owned(),
        Some(channel) => format!(
            "Alerts are posted in <#{channel}>. Choose another channel, or go on."
        ),
    }
}

pub(super) fn role(known: Option<RoleId>) -> String {
    match known {
        None => "Choose the role that Rollcall mentions when something goes offline, or skip this step. Its members may acknowledge and mute incidents.".to_owned(),
        Some(role) => format!("Alerts mention <@&{role}>. Choose another role, or go on."),
    }
}

pub(super) fn endpoint(count: u64) -> String {
    match count {
        0 => "Add the address of a website or a service. Rollcall checks it regularly, and posts an alert when it goes offline and when it recovers.".to_owned(),
        count => format!(
            "Rollcall checks {}. Add another one, or go on.",
            text::count(count, "endpoint")
        ),
    }
}

/// The last screen, with everything that was chosen.
pub(super) fn test(channel: ChannelId, role: Option<RoleId>, endpoints: u64) -> String {
    let alerts = match role {
        Some(role) => format!("Alerts are posted in <#{channel}> and mention <@&{role}>."),
        None => format!("Alerts are posted in <#{channel}> and mention nobody."),
    };
    let checks = match endpoints {
        0 => "There are no endpoints yet: add one with `/endpoint add`.".to_owned(),
        count => format!("Rollcall checks {}.", text::count(count, "endpoint")),
    };
    format!("{alerts} {checks} Send a test alert to see that it arrives.")
}

// Buttons and menus

pub(super) const CHOOSE_CHANNEL: &str = "Choose a channel";
pub(super) const CHOOSE_ROLE: &str = "Choose a role";
pub(super) const ADD_ENDPOINT: &str = "Add an endpoint";
pub(super) const ENTER_AGAIN: &str = "Enter it again";
pub(super) const SEND_TEST: &str = "Send a test alert";
pub(super) const BACK: &str = "Back";
pub(super) const SKIP: &str = "Skip";
pub(super) const NEXT: &str = "Next";

// The form of an endpoint

pub(super) const FORM_TITLE: &str = "Add an endpoint";
pub(super) const TARGET_LABEL: &str = "Address";
pub(super) const TARGET_EXAMPLE: &str = "example.org or tcp://203.0.113.7:25565";
pub(super) const NAME_LABEL: &str = "Name (default: the host)";

// What happened

pub(super) fn channel_set(channel: ChannelId) -> String {
    format!("🟢 Rollcall has posted a message in <#{channel}>.")
}

pub(super) fn role_set(role: RoleId) -> String {
    format!("🟢 Alerts mention <@&{role}>.")
}

pub(super) const FIRST_CHECK_RUNNING: &str =
    "✅ Added. The first check is running; `/endpoints show` shows its result.";

pub(super) fn test_sent(channel: ChannelId, role: Option<RoleId>) -> String {
    let sent = format!("🟢 The test alert is in <#{channel}>.");
    match role {
        Some(role) => format!("{sent} It mentions nobody; an alert mentions <@&{role}>."),
        None => format!("{sent} It mentions nobody, and neither do alerts."),
    }
}

// Settings

pub(super) fn timezone(zone: Tz) -> String {
    format!(
        "The time zone is {}. Days and months in the history are cut in it, and maintenance is planned in it.",
        zone.name()
    )
}

pub(super) fn timezone_set(zone: Tz) -> String {
    format!(
        "The time zone is now {}. Days and months in the history are cut in it, and new maintenance is planned in it.",
        zone.name()
    )
}

pub(super) fn picture_theme(theme: Theme) -> String {
    match theme {
        Theme::Dark => "Pictures are dark.".to_owned(),
        Theme::Light => "Pictures are light.".to_owned(),
    }
}

pub(super) fn picture_theme_set(theme: Theme) -> String {
    match theme {
        Theme::Dark => "Pictures are now dark.".to_owned(),
        Theme::Light => "Pictures are now light.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: ChannelId = ChannelId(5);
    const ROLE: RoleId = RoleId(77);

    #[test]
    fn texts_of_the_screens() {
        let texts = [
            channel(None),
            channel(Some(CHANNEL)),
            role(None),
            role(Some(ROLE)),
            endpoint(0),
            endpoint(1),
            endpoint(2),
            test(CHANNEL, Some(ROLE), 1),
            test(CHANNEL, None, 0),
        ];
        let titles = SetupStep::ALL.map(|step| title(step).to_owned());
        insta::assert_snapshot!([&titles[..], &texts[..]].concat().join("\n"), @"
        Setup, step 1 of 4: the alert channel
        Setup, step 2 of 4: the on-call role
        Setup, step 3 of 4: an endpoint
        Setup, step 4 of 4: a test alert
        Choose the channel for alerts. Rollcall needs the permissions View Channel, Send Messages and Embed Links there, and posts a message to check them.
        Alerts are posted in <#5>. Choose another channel, or go on.
        Choose the role that Rollcall mentions when something goes offline, or skip this step. Its members may acknowledge and mute incidents.
        Alerts mention <@&77>. Choose another role, or go on.
        Add the address of a website or a service. Rollcall checks it regularly, and posts an alert when it goes offline and when it recovers.
        Rollcall checks 1 endpoint. Add another one, or go on.
        Rollcall checks 2 endpoints. Add another one, or go on.
        Alerts are posted in <#5> and mention <@&77>. Rollcall checks 1 endpoint. Send a test alert to see that it arrives.
        Alerts are posted in <#5> and mention nobody. There are no endpoints yet: add one with `/endpoint add`. Send a test alert to see that it arrives.
        ");
    }

    #[test]
    fn texts_of_what_happened() {
        let texts = [
            channel_set(CHANNEL),
            role_set(ROLE),
            FIRST_CHECK_RUNNING.to_owned(),
            test_sent(CHANNEL, Some(ROLE)),
            test_sent(CHANNEL, None),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r"
        🟢 Rollcall has posted a message in <#5>.
        🟢 Alerts mention <@&77>.
        ✅ Added. The first check is running; `/endpoints show` shows its result.
        🟢 The test alert is in <#5>. It mentions nobody; an alert mentions <@&77>.
        🟢 The test alert is in <#5>. It mentions nobody, and neither do alerts.
        ");
    }

    #[test]
    fn texts_of_settings() {
        let texts = [
            timezone(Tz::UTC),
            timezone_set(Tz::Europe__Berlin),
            picture_theme(Theme::Dark),
            picture_theme(Theme::Light),
            picture_theme_set(Theme::Dark),
            picture_theme_set(Theme::Light),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        The time zone is UTC. Days and months in the history are cut in it, and maintenance is planned in it.
        The time zone is now Europe/Berlin. Days and months in the history are cut in it, and new maintenance is planned in it.
        Pictures are dark.
        Pictures are light.
        Pictures are now dark.
        Pictures are now light.
        ");
    }

    #[test]
    fn texts_of_buttons_and_the_form() {
        let texts = [
            CHOOSE_CHANNEL,
            CHOOSE_ROLE,
            ADD_ENDPOINT,
            ENTER_AGAIN,
            SEND_TEST,
            BACK,
            SKIP,
            NEXT,
            FORM_TITLE,
            TARGET_LABEL,
            TARGET_EXAMPLE,
            NAME_LABEL,
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Choose a channel
        Choose a role
        Add an endpoint
        Enter it again
        Send a test alert
        Back
        Skip
        Next
        Add an endpoint
        Address
        example.org or tcp://203.0.113.7:25565
        Name (default: the host)
        ");
    }
}
