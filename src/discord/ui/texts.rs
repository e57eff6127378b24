//! The texts that the whole folder shares: refusals, choices of autocomplete, labels of buttons, and the lines for the
//! operator about the connection to Discord.

use std::fmt::Display;
use std::time::Duration;

use discord_gateway_relay::PrivilegedIntent;

use super::custom_id::OfferedLimit;
use super::embed::relative;
use crate::domain::Timestamp;
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::discord_id::{ApplicationId, RoleId};
use crate::domain::monitor::MonitorKind;
use crate::domain::monitor::nearest_names::did_you_mean;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::monitors::monitor::Monitor;
use crate::store::monitors::search::MonitorMatch;

// Access

pub(super) const ONLY_IN_SERVERS: &str =
    "Use this command in a Discord server, not in direct messages.";
pub(super) const NEEDS_MANAGE_SERVER: &str = "You need the permission **Manage Server** for this.";
pub(super) const ONLY_RESPONDERS: &str =
    "Only members with an on-call role or the permission **Manage Server** can do this.";

// Commands that failed

/// `input`: the value of an option, if Discord said which one could not be read.
pub(super) fn invalid_option(input: Option<&str>) -> String {
    match input {
        Some(input) => format!(
            "The value {} of an option is invalid. Choose one from the list, or read the option's description.",
            quoted(input)
        ),
        None => "One of the options is invalid. Choose a value from the list, or read the option's description.".to_owned(),
    }
}
pub(super) const COMMAND_CHANGED: &str =
    "This command has changed. Reload Discord (Ctrl+R) and try again.";

/// `remaining` is rounded up to seconds, so that the next attempt is not too early.
pub(super) fn too_many_rechecks(interval: Duration, remaining: Duration) -> String {
    let seconds = Duration::from_secs(
        remaining
            .as_millis()
            .div_ceil(1000)
            .try_into()
            .unwrap_or(u64::MAX),
    );
    format!(
        "You can start one recheck every {}. Try again in {}.",
        text::duration(interval),
        text::duration(seconds)
    )
}

/// `id` finds the error in the log.
pub(super) fn internal_error(id: &str) -> String {
    format!(
        "Rollcall could not do this because of an internal error (log id `{id}`). Try again in a moment."
    )
}

// Names and lists

/// `near`: names that may be meant.
pub(super) fn no_monitor(name: &str, near: &[String]) -> String {
    let name = quoted(name);
    match did_you_mean(near) {
        Some(question) => format!("There is no monitor named {name}. {question}"),
        None => format!("There is no monitor named {name}. Choose one from the list."),
    }
}

/// `found`: monitors of different kinds with this name.
pub(super) fn several_monitors(name: &str, found: &[Monitor]) -> String {
    let candidates: Vec<String> = found
        .iter()
        .map(|monitor| format!("`#{}` ({})", monitor.id, monitor.kind.as_str()))
        .collect();
    format!(
        "More than one monitor is named {}: {}. Enter one of these ids with its `#`, or choose it from the list.",
        quoted(name),
        candidates.join(", ")
    )
}

pub(super) fn no_group(name: &str) -> String {
    format!(
        "There is no group named {}. Choose one from the list.",
        quoted(name)
    )
}

fn quoted(name: &str) -> String {
    text::code(&text::cut(name, 64))
}

pub(super) fn endpoint_choice(name: &str, target: &str, status: Status) -> String {
    format!("{name} · {target} · {}", status.as_str())
}

/// A choice in a list of one kind. Names that differ in a letter only are distinguished by what follows them.
pub(super) fn monitor_choice(found: &MonitorMatch) -> String {
    let Monitor { id, name, .. } = &found.monitor;
    let status = choice_status(&found.monitor);
    match &found.detail {
        Some(detail) => format!("{name} · {detail} · {status}"),
        None => format!("{name} · #{id} · {status}"),
    }
}

/// A choice in a list of all kinds, of which several may have one name.
pub(super) fn choice_of_any_kind(found: &MonitorMatch) -> String {
    let Monitor { id, name, kind, .. } = &found.monitor;
    let (kind, status) = (kind.as_str(), choice_status(&found.monitor));
    match &found.detail {
        Some(detail) => format!("{name} · {kind} {detail} · {status}"),
        None => format!("{name} · {kind} #{id} · {status}"),
    }
}

fn choice_status(monitor: &Monitor) -> &'static str {
    match (monitor.kind, monitor.status) {
        (MonitorKind::Device | MonitorKind::Server, Status::Unknown) => NOT_SET_UP,
        (_, status) => status.as_str(),
    }
}

/// The footer of a list; `page` is counted from 1. A list of one page has none: its title has the number already.
pub(super) fn page(page: u32, pages: u32, total: u64) -> Option<String> {
    match pages {
        1 => None,
        pages => Some(format!("Page {page} of {pages} · {total} in total")),
    }
}

/// A device or a server that has not sent anything yet.
pub(in crate::discord) const NOT_SET_UP: &str = "not set up yet";

/// A status and when it began, such as "went offline 6 minutes ago". Follows a name or a mark.
pub(in crate::discord) fn status_since(
    kind: MonitorKind,
    status: Status,
    since: Timestamp,
) -> String {
    let since = relative(since);
    match status {
        Status::Online => format!("online, changed {since}"),
        Status::Warning => format!("in warning, changed {since}"),
        Status::Offline => format!("went offline {since}"),
        Status::Unknown if kind == MonitorKind::Endpoint => format!("unknown, changed {since}"),
        Status::Unknown => NOT_SET_UP.to_owned(),
        Status::Paused => format!("paused {since}"),
    }
}

// On-call roles

pub(super) const EVERYONE_IS_NOT_MENTIONED: &str = "`role`: Rollcall does not mention @everyone. Choose the role of your responders, such as `role:@on-call`.";

pub(in crate::discord) fn role_deleted(role: RoleId) -> String {
    format!(
        "The role {role} was deleted, so it is not mentioned. Choose another role with `/alerts role` or `/alerts escalation`."
    )
}

pub(super) fn role_not_mentionable(role: RoleId) -> String {
    format!(
        "Discord does not notify members of <@&{role}>. Enable *Allow anyone to @mention this role* in the role's settings, or give Rollcall the permission *Mention @everyone, @here, and All Roles*."
    )
}

// Buttons

pub(super) const RECHECK_ALL: &str = "Recheck all";
pub(super) const RECHECK: &str = "Recheck";
pub(super) const APPLY_THRESHOLDS: &str = "Apply";
/// Discord's limit for the label of a button, in characters.
const LABEL_LENGTH: usize = 80;

/// The label of the button that sets limits, which are percentages.
pub(super) fn add_limits(offered: &[OfferedLimit]) -> String {
    let limit = |one: &OfferedLimit| format!("{} > {} %", one.metric.as_str(), one.above);
    let limits: Vec<String> = offered.iter().map(limit).collect();
    text::cut(&format!("Add limits: {}", limits.join(", ")), LABEL_LENGTH)
}

pub(super) const KEEP_THRESHOLDS: &str = "Keep current";
pub(super) const ACKNOWLEDGE: &str = "Acknowledge";
pub(super) const MUTE: &str = "Mute 1 h";
pub(super) const MAINTENANCE: &str = "Maintenance";
pub(super) const PREVIOUS: &str = "Previous";
pub(super) const NEXT: &str = "Next";
/// Stands in the menu of an incident's monitors while none is chosen.
pub(super) const CHOOSE_MONITOR: &str = "Show details of a monitor";

/// Stands in the menu of channels under the first endpoint.
pub(super) const SEND_ALERTS_TO: &str = "Send alerts to …";

pub(in crate::discord) const UNKNOWN_BUTTON: &str = "This button no longer works, because Rollcall was updated. Run the command again, or use `/ack` or `/mute` for an incident.";
pub(in crate::discord) const ENDPOINT_REMOVED: &str = "This endpoint has been removed.";
pub(in crate::discord) const RECHECK_IS_RUNNING: &str = "Rollcall is already rechecking the offline endpoints of this Discord server. Wait for the result.";

// For the operator: why the process ends

pub(in crate::discord) const TOKEN_REJECTED: &str = "DISCORD_TOKEN: Discord rejected this token. Open https://discord.com/developers/applications, choose the application, select Bot, then Reset Token, and replace the old token in DISCORD_TOKEN, or in the file that DISCORD_TOKEN_FILE names.";
pub(in crate::discord) const GATEWAY_VERSION_REJECTED: &str = "Discord no longer supports the gateway version that Rollcall uses (close code 4012). Install the latest version of Rollcall.";

pub(in crate::discord) fn other_application(
    stored: ApplicationId,
    of_token: ApplicationId,
) -> String {
    format!(
        "DISCORD_TOKEN: this token belongs to another bot (application {of_token}) than the one in the stored Discord servers (application {stored}). Set the token of that bot, choose another DATABASE_URL, or run `rollcall guild adopt` if the new bot takes over."
    )
}

pub(in crate::discord) fn intents_rejected(close_code: impl Display) -> String {
    format!(
        "Discord rejected the intents that Rollcall requests (close code {close_code}). Install the latest version of Rollcall."
    )
}

// For the operator: why there is no connection

pub(in crate::discord) const CLIENT_ENDED: &str = "Rollcall's Discord client stopped";
pub(in crate::discord) const CLIENT_STALLED: &str =
    "Rollcall's Discord client has stalled and is being replaced";
pub(in crate::discord) const PRIVILEGED_INTENTS_REJECTED: &str =
    "Discord rejected the privileged intents";
pub(in crate::discord) const IS_BOT_IN_GUILD: &str = "DISCORD_GUILD_ID: the bot is not in this Discord server, so it has no commands there. Invite the bot, or set the id of another Discord server. Rollcall keeps trying";
pub(super) const REQUEST_TIMED_OUT: &str = "cannot reach Discord: timed out";
pub(super) const REQUEST_NOT_SENT: &str = "cannot reach Discord: no connection";

pub(super) fn request_failed(status: impl Display, message: &str) -> String {
    format!("Discord answered {status}: {message}")
}

pub(in crate::discord) fn runtime_failed(error: impl Display) -> String {
    format!("the Discord runtime failed to start: {error}")
}

pub(in crate::discord) fn more_shards_required(shards: u32) -> String {
    format!("Discord requires more shards than {shards}; looking up the number")
}

/// Names the rejected intents and the page where they are enabled.
pub(in crate::discord) fn privileged_intents_rejected(
    requested: &[PrivilegedIntent],
    application: impl Display,
) -> String {
    let names: Vec<&str> = requested.iter().map(|intent| intent.as_str()).collect();
    let titles: Vec<String> = requested
        .iter()
        .map(|intent| format!("\"{}\"", intent.title()))
        .collect();
    format!(
        "DISCORD_PRIVILEGED_INTENTS: Discord rejected the {} {}. Enable {} at https://discord.com/developers/applications/{application}/bot and restart Rollcall. Until then, Rollcall runs without.",
        if names.len() == 1 {
            "intent"
        } else {
            "intents"
        },
        names.join(", "),
        titles.join(" and ")
    )
}

// The address of Rollcall

/// What to do if other machines cannot use the address in a reply; `None` if they can.
pub(in crate::discord) fn local_address(address: &PublicUrl) -> Option<String> {
    address.is_local().then(|| {
        format!(
            "Other machines cannot use {}. Set `PUBLIC_URL` in the settings of Rollcall to the address that they use, such as `PUBLIC_URL=https://rollcall.example.org`.",
            text::code(address.as_str())
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::monitor::MonitorId;

    fn monitor(kind: MonitorKind) -> Monitor {
        Monitor {
            id: MonitorId(7),
            kind,
            name: "shop".into(),
            status: Status::Unknown,
            since: Timestamp::from_millis(0),
        }
    }

    fn found(kind: MonitorKind, detail: Option<&str>) -> MonitorMatch {
        MonitorMatch {
            monitor: monitor(kind),
            detail: detail.map(str::to_owned),
        }
    }

    #[test]
    fn only_a_local_address_has_a_note() {
        let bound = |text: &str| local_address(&PublicUrl::bound(text.parse().unwrap()));
        assert_eq!(bound("192.168.1.5:8080"), None);
        insta::assert_snapshot!(bound("0.0.0.0:8080").unwrap(), @"Other machines cannot use `http://0.0.0.0:8080`. Set `PUBLIC_URL` in the settings of Rollcall to the address that they use, such as `PUBLIC_URL=https://rollcall.example.org`.");
    }

    #[test]
    fn texts_of_refusals() {
        let texts = [
            ONLY_IN_SERVERS.to_owned(),
            NEEDS_MANAGE_SERVER.to_owned(),
            ONLY_RESPONDERS.to_owned(),
            invalid_option(None),
            invalid_option(Some("soon")),
            COMMAND_CHANGED.to_owned(),
            too_many_rechecks(Duration::from_secs(3), Duration::from_millis(1001)),
            internal_error("abcde"),
            no_monitor("shop", &[]),
            no_monitor("shp", &["shop".into(), "shop 2".into()]),
            several_monitors(
                "shop",
                &[monitor(MonitorKind::Endpoint), monitor(MonitorKind::Device)],
            ),
            no_group("backend"),
            EVERYONE_IS_NOT_MENTIONED.to_owned(),
            role_deleted(RoleId(77)),
            role_not_mentionable(RoleId(77)),
            UNKNOWN_BUTTON.to_owned(),
            ENDPOINT_REMOVED.to_owned(),
            RECHECK_IS_RUNNING.to_owned(),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Use this command in a Discord server, not in direct messages.
        You need the permission **Manage Server** for this.
        Only members with an on-call role or the permission **Manage Server** can do this.
        One of the options is invalid. Choose a value from the list, or read the option's description.
        The value `soon` of an option is invalid. Choose one from the list, or read the option's description.
        This command has changed. Reload Discord (Ctrl+R) and try again.
        You can start one recheck every 3 s. Try again in 2 s.
        Rollcall could not do this because of an internal error (log id `abcde`). Try again in a moment.
        There is no monitor named `shop`. Choose one from the list.
        There is no monitor named `shp`. Did you mean `shop` or `shop 2`?
        More than one monitor is named `shop`: `#7` (endpoint), `#7` (device). Enter one of these ids with its `#`, or choose it from the list.
        There is no group named `backend`. Choose one from the list.
        `role`: Rollcall does not mention @everyone. Choose the role of your responders, such as `role:@on-call`.
        The role 77 was deleted, so it is not mentioned. Choose another role with `/alerts role` or `/alerts escalation`.
        Discord does not notify members of <@&77>. Enable *Allow anyone to @mention this role* in the role's settings, or give Rollcall the permission *Mention @everyone, @here, and All Roles*.
        This button no longer works, because Rollcall was updated. Run the command again, or use `/ack` or `/mute` for an incident.
        This endpoint has been removed.
        Rollcall is already rechecking the offline endpoints of this Discord server. Wait for the result.
        ");
    }

    fn offered(metric: &str, above: u32) -> OfferedLimit {
        OfferedLimit {
            metric: metric.parse().unwrap(),
            above,
        }
    }

    #[test]
    fn the_longest_label_of_a_button_fits() {
        let longest = vec![offered(&"x".repeat(128), u32::MAX); 3];
        assert_eq!(add_limits(&longest).chars().count(), LABEL_LENGTH);
    }

    #[test]
    fn texts_of_lists_and_buttons() {
        let texts = [
            endpoint_choice("shop", "https://shop.example/", Status::Offline),
            monitor_choice(&found(MonitorKind::Server, None)),
            monitor_choice(&found(MonitorKind::Device, Some("7f9c24e5"))),
            choice_of_any_kind(&found(MonitorKind::Server, None)),
            choice_of_any_kind(&found(MonitorKind::Device, Some("7f9c24e5"))),
            choice_of_any_kind(&found(MonitorKind::Endpoint, Some("https://shop.example/"))),
            page(2, 3, 23).unwrap(),
            RECHECK_ALL.to_owned(),
            RECHECK.to_owned(),
            APPLY_THRESHOLDS.to_owned(),
            KEEP_THRESHOLDS.to_owned(),
            add_limits(&[offered("disk", 90)]),
            add_limits(&[offered("disk", 90), offered("memory", 95)]),
            ACKNOWLEDGE.to_owned(),
            MUTE.to_owned(),
            MAINTENANCE.to_owned(),
            PREVIOUS.to_owned(),
            NEXT.to_owned(),
            CHOOSE_MONITOR.to_owned(),
            SEND_ALERTS_TO.to_owned(),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        shop · https://shop.example/ · offline
        shop · #7 · not set up yet
        shop · 7f9c24e5 · not set up yet
        shop · server #7 · not set up yet
        shop · device 7f9c24e5 · not set up yet
        shop · endpoint https://shop.example/ · unknown
        Page 2 of 3 · 23 in total
        Recheck all
        Recheck
        Apply
        Keep current
        Add limits: disk > 90 %
        Add limits: disk > 90 %, memory > 95 %
        Acknowledge
        Mute 1 h
        Maintenance
        Previous
        Next
        Show details of a monitor
        Send alerts to …
        ");
    }

    #[test]
    fn texts_of_the_connection() {
        let texts = [
            TOKEN_REJECTED.to_owned(),
            GATEWAY_VERSION_REJECTED.to_owned(),
            other_application(ApplicationId(1), ApplicationId(2)),
            intents_rejected(4013),
            CLIENT_ENDED.to_owned(),
            CLIENT_STALLED.to_owned(),
            PRIVILEGED_INTENTS_REJECTED.to_owned(),
            IS_BOT_IN_GUILD.to_owned(),
            REQUEST_TIMED_OUT.to_owned(),
            REQUEST_NOT_SENT.to_owned(),
            request_failed("403 Forbidden", "Missing Access"),
            runtime_failed("out of threads"),
            more_shards_required(1),
            privileged_intents_rejected(&[PrivilegedIntent::Members], 42),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r#"
        DISCORD_TOKEN: Discord rejected this token. Open https://discord.com/developers/applications, choose the application, select Bot, then Reset Token, and replace the old token in DISCORD_TOKEN, or in the file that DISCORD_TOKEN_FILE names.
        Discord no longer supports the gateway version that Rollcall uses (close code 4012). Install the latest version of Rollcall.
        DISCORD_TOKEN: this token belongs to another bot (application 2) than the one in the stored Discord servers (application 1). Set the token of that bot, choose another DATABASE_URL, or run `rollcall guild adopt` if the new bot takes over.
        Discord rejected the intents that Rollcall requests (close code 4013). Install the latest version of Rollcall.
        Rollcall's Discord client stopped
        Rollcall's Discord client has stalled and is being replaced
        Discord rejected the privileged intents
        DISCORD_GUILD_ID: the bot is not in this Discord server, so it has no commands there. Invite the bot, or set the id of another Discord server. Rollcall keeps trying
        cannot reach Discord: timed out
        cannot reach Discord: no connection
        Discord answered 403 Forbidden: Missing Access
        the Discord runtime failed to start: out of threads
        Discord requires more shards than 1; looking up the number
        DISCORD_PRIVILEGED_INTENTS: Discord rejected the intent members. Enable "Server Members Intent" at https://discord.com/developers/applications/42/bot and restart Rollcall. Until then, Rollcall runs without.
        "#);
    }

    #[test]
    fn refused_intents_are_logged_with_the_page_that_enables_them() {
        let requested = [PrivilegedIntent::Members, PrivilegedIntent::MessageContent];
        assert_eq!(
            privileged_intents_rejected(&requested, 42),
            "DISCORD_PRIVILEGED_INTENTS: Discord rejected the intents members, message_content. Enable \"Server Members Intent\" and \"Message Content Intent\" at https://discord.com/developers/applications/42/bot and restart Rollcall. Until then, Rollcall runs without."
        );
    }
}
