//! The texts of notifications in Discord: replies and errors of `/alerts` and `/board`, the sentences of their cards, and why
//! a message could not be posted.

use std::time::Duration;

use crate::discord::ui::command_name::SET_UP_ALERTS;
use crate::discord::ui::embed::{bold, date_and_time, mark, relative};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::texts::status_since;
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, RoleId, UserId};
use crate::domain::history::summary::schedule::SummaryTimes;
use crate::domain::notifications::alert_policy::{BulkAlert, Responder};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::domain::notifications::webhook::masked;
use crate::domain::silences::maintenance::Tz;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::notifications::alert_override::Override;
use crate::store::notifications::board::BoardLine;
use crate::store::notifications::webhook::Webhook;
use crate::store::silences::silence::Mute;

// The welcome, the test messages, and the scheduled event of a maintenance window.

pub(super) const TEST_MESSAGE_TITLE: &str = "Alerts are sent to this channel";
pub(super) const TEST_MESSAGE: &str =
    "Each incident is one message, which Rollcall edits until the incident is resolved.";
pub(super) const SUMMARIES_TITLE: &str = "Summaries are sent to this channel";
pub(super) const TEST_ALERT_TITLE: &str = "🔔 Test alert";
pub(super) const WELCOME_TITLE: &str = "Rollcall is here";
pub(super) const WELCOME: &str = "Rollcall checks your websites and services, and posts an alert when one goes offline and when it recovers. To choose a channel and add the first endpoint, press *Set up* or run `/setup`. You need the permission **Manage Server**.";
pub(super) const SET_UP: &str = "Set up";

/// Announces summaries in their channel.
pub(super) fn summaries_start(times: SummaryTimes, zone: Tz) -> String {
    let zone = text::escape(zone.name());
    format!("They are sent {times} ({zone}). To see one now, run `/summaries show`.")
}

/// The test alert. It names the on-call role without mentioning it.
pub(super) fn test_alert(role: Option<RoleId>) -> String {
    match role {
        Some(role) => format!(
            "This is a test, and nothing is offline. Alerts are posted in this channel and mention <@&{role}>. This test mentions nobody."
        ),
        None => {
            "This is a test, and nothing is offline. Alerts are posted in this channel and mention nobody."
                .to_owned()
        }
    }
}

pub(super) const PLANNED_MAINTENANCE: &str =
    "Planned maintenance. Rollcall sends no notifications about outages during this time.";

/// The hint of a guild without an alert channel and without webhooks.
pub(super) fn alerts_off() -> String {
    format!("🔕 Alerts are off: no channel is set. A manager can set one with `/{SET_UP_ALERTS}`.")
}

// Why a message could not be posted. Each is the end of a sentence, after a colon.

pub(super) const INVALID_RESPONSE: &str = "Discord's response is invalid";
pub(super) const NOT_A_MEMBER: &str = "this person is not a member of the Discord server";
pub(super) const NOT_IN_DISCORD: &str = "webhooks are not part of Discord";
pub(super) const RATE_LIMIT_REACHED: &str = "Discord's rate limit is reached";
pub(super) const CHANNEL_DELETED: &str = "the channel was deleted";
pub(super) const NO_VIEW_PERMISSION: &str = "Rollcall lacks the permission View Channel";
pub(super) const NO_SEND_PERMISSION: &str =
    "Rollcall lacks the permission Send Messages or Embed Links";
pub(super) const DIRECT_MESSAGES_CLOSED: &str =
    "this member does not accept direct messages from Rollcall";

/// A member must change something in Discord first.
pub(super) fn cannot_post_in(channel: ChannelId, reason: &str) -> CommandError {
    if reason == CHANNEL_DELETED {
        return CommandError::Refused(format!(
            "Rollcall cannot post in <#{channel}>: {reason}. Choose another channel."
        ));
    }
    CommandError::Refused(format!(
        "Rollcall cannot post in <#{channel}>: {reason}. Choose another channel, or give Rollcall the permissions View Channel, Send Messages and Embed Links in this one."
    ))
}

/// A link to it would lead nowhere.
pub(super) fn channel_missing() -> CommandError {
    CommandError::Refused(
        "This Discord server does not have this channel. It may have been deleted. Choose another channel."
            .into(),
    )
}

/// Another attempt may succeed.
pub(super) fn could_not_post_in(channel: ChannelId, failure: &DeliveryError) -> CommandError {
    CommandError::Refused(format!(
        "Rollcall could not post in <#{channel}>: {failure}. Try again in a moment."
    ))
}

/// As `could_not_post_in`, for a status board.
pub(super) fn could_not_post_board_in(channel: ChannelId, failure: &DeliveryError) -> CommandError {
    CommandError::Refused(format!(
        "Rollcall could not post the board in <#{channel}>: {failure}. Try again in a moment."
    ))
}

// `/alerts`

pub(super) const ALERTS_OFF: &str = "Alerts in Discord are off.";

pub(super) fn no_channel_set() -> CommandError {
    CommandError::Refused("There is no alert channel yet. Set one with `/setup`.".into())
}

pub(super) fn role_and_user() -> CommandError {
    CommandError::Refused("Choose either `role` or `user`, not both.".into())
}

/// Only members get direct messages about a Discord server.
pub(super) fn not_a_member(user: UserId) -> CommandError {
    CommandError::Refused(format!(
        "<@{user}> is not a member of this Discord server. Choose a member, or a role."
    ))
}

pub(super) fn could_not_ask_for_membership(error: &DeliveryError) -> CommandError {
    CommandError::Refused(format!(
        "Rollcall could not check whether this person is a member: {error}. Try again in a moment."
    ))
}

/// Only one of the time and the responder of an escalation is set.
pub(super) fn incomplete_escalation() -> CommandError {
    CommandError::Refused(
        "Use `escalate` together with `role` or `user`, such as `escalate:30m role:@leads`.".into(),
    )
}

/// The subject of the sentence that names the range of a duration, and an example.
pub(super) const DURATION: &str = "the duration";
pub(super) const DURATION_EXAMPLE: &str = "`15m`";

/// Above the alert settings, if a command did not change them.
pub(super) const NOTHING_CHANGED: &str = "Nothing changed. The alert settings were so already:";
pub(super) const NOTHING_CHANGED_BUT_TESTED: &str =
    "The test message has arrived. Nothing changed, because the alert settings were so already:";

/// The alert override of one monitor, if a command did not change it.
pub(super) fn override_unchanged(name: &str, own: Option<Override>) -> String {
    let name = bold(name);
    match own {
        None => format!("Nothing changed. {name} has no override."),
        Some(Override { notify: false, .. }) => {
            format!("Nothing changed. Notifications for {name} are off already.")
        }
        Some(Override {
            role: Some(role), ..
        }) => format!("Nothing changed. Notifications for {name} mention <@&{role}> already."),
        Some(Override { role: None, .. }) => {
            format!("Nothing changed. Notifications for {name} are on already.")
        }
    }
}

/// The alert override of one monitor.
pub(super) fn overridden(name: &str, own: Option<Override>) -> String {
    let name = bold(name);
    match own {
        None => format!("{name} follows the settings of this Discord server again."),
        Some(Override { notify: false, .. }) => format!("Notifications for {name} are off."),
        Some(Override {
            role: Some(role), ..
        }) => format!("Notifications for {name} mention <@&{role}>."),
        Some(Override { role: None, .. }) => format!("Notifications for {name} are on."),
    }
}

// The card of the alert settings.

pub(super) const ALERTS_TITLE: &str = "Alerts";
pub(super) const NO_ALERT_CHANNEL_TITLE: &str = "No alert channel";
pub(super) const NO_ALERT_CHANNEL: &str = "Choose a channel with `/alerts setup`.";

pub(super) fn on_call_role(role: Option<RoleId>) -> String {
    match role {
        Some(role) => format!("<@&{role}>"),
        None => "nobody".to_owned(),
    }
}

pub(super) fn channel_broken(reason: &str, since: Timestamp) -> String {
    format!(
        "Rollcall has been unable to send alerts since {}: {}. Fix the cause: Rollcall tries again every hour and sends the missed alerts. To get them at once, or in another channel, run `/alerts channel`.",
        date_and_time(since),
        text::cut(&text::escape(reason), 500)
    )
}

pub(super) fn reminder(after: Duration) -> String {
    let after = text::duration(after);
    format!("Reminder after {after} without acknowledgment.")
}

pub(super) fn escalation(after: Duration, responder: Responder) -> String {
    let after = text::duration(after);
    match responder {
        Responder::Role(role) => format!("Escalation to <@&{role}> after {after}."),
        Responder::User(user) => {
            format!("Escalation to <@{user}> by direct message after {after}.")
        }
    }
}

/// `None`: the settings name neither a count nor a percentage, so no bulk alert is ever due.
pub(super) fn bulk_alert(bulk: BulkAlert) -> Option<String> {
    let window = text::duration(bulk.window);
    Some(match (bulk.count, bulk.percent) {
        (Some(count), Some(percent)) => {
            format!(
                "One summary when at least {count} endpoints or {percent}% of all endpoints change status within {window}."
            )
        }
        (Some(count), None) => {
            format!("One summary when at least {count} endpoints change status within {window}.")
        }
        (None, Some(percent)) => {
            format!(
                "One summary when at least {percent}% of all endpoints change status within {window}."
            )
        }
        (None, None) => return None,
    })
}

pub(super) const NO_RECOVERIES: &str = "No message for a recovery without an earlier message.";
pub(super) const NO_WARNINGS: &str =
    "No notifications about server warnings, only when a server is offline.";
pub(super) const DEFAULT_PREFERENCES: &str =
    "All notifications are on. Reminders and escalation are off.";

pub(super) const REMINDERS_MENTION_NOBODY: &str =
    "⚠️ Reminders mention nobody. Choose a role with `/alerts role`.";

pub(super) fn muted(mute: &Mute) -> String {
    let name = text::cut(&text::escape(&mute.name), 80);
    format!("{name} until {}", date_and_time(mute.until))
}

// `/alerts webhook`

pub(super) fn no_webhook_named(name: &str) -> CommandError {
    CommandError::Refused(format!(
        "There is no webhook named {}. Choose one from the list.",
        text::code(&text::cut(name, 64))
    ))
}

/// The format `template` without the option of that name.
pub(super) fn no_template() -> CommandError {
    CommandError::Refused(
        "Enter `template`, such as `{\"message\":\"{{title}}\"}`. docs/webhooks.md has templates for ntfy, Gotify, Telegram and PagerDuty."
            .into(),
    )
}

pub(super) fn template_of_another_format() -> CommandError {
    CommandError::Refused(
        "The option `template` is for the format template. Omit it, or choose that format.".into(),
    )
}

pub(super) fn webhook_removed(name: &str) -> String {
    format!("Removed the webhook {}.", bold(name))
}

pub(super) fn test_delivered_title(webhook: &Webhook) -> String {
    format!("🟢 {}: test message delivered", title_name(webhook))
}

pub(super) fn test_delivered(webhook: &Webhook) -> String {
    let format = webhook.format.as_str();
    format!("Rollcall sends notifications in the format `{format}`.")
}

pub(super) fn test_failed_title(webhook: &Webhook) -> String {
    format!("🟠 {}: test message failed", title_name(webhook))
}

pub(super) fn test_failed(reason: &str) -> String {
    let reason = text::escape(&text::cut(reason, 300));
    format!("Reason: {reason}. Try again with `/alerts webhook test`.")
}

fn title_name(webhook: &Webhook) -> String {
    text::escape(&text::cut(&webhook.name, 64))
}

pub(super) const SIGNING_KEY_LABEL: &str = "Signing key (shown once)";
pub(super) const VERIFY_LABEL: &str = "How to verify a message";
pub(super) const VERIFY: &str = "The header `webhook-signature` is `v1,` followed by the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>` (Standard Webhooks). The HMAC key is the base64-decoded part after `whsec_`.";

pub(super) const NO_WEBHOOKS_TITLE: &str = "No webhooks yet";
pub(super) const NO_WEBHOOKS: &str = "Add one with `/alerts webhook add`.";

pub(super) fn webhooks_title(count: usize) -> String {
    text::count(count as u64, "webhook")
}

/// A webhook in the list of webhooks, and whether it works.
pub(super) fn webhook(webhook: &Webhook) -> String {
    let (name, format) = (bold(&webhook.name), webhook.format.as_str());
    let host = text::code(&text::cut(&masked(&webhook.url), 80));
    format!(
        "{name} {host} · format {format}\n{}",
        webhook_state(webhook)
    )
}

fn webhook_state(webhook: &Webhook) -> String {
    if let Some((reason, since)) = &webhook.health.broken {
        let reason = text::escape(&text::cut(reason, 120));
        return format!(
            "🔴 broken, noticed {}: {reason}. Rollcall tries again every hour, and at once after `/alerts webhook test`.",
            relative(*since)
        );
    }
    match (webhook.health.failing_since, webhook.last_sent_at) {
        (Some(since), _) => format!("🟠 failing, first failure {}", relative(since)),
        (None, Some(at)) => format!("🟢 last delivery {}", relative(at)),
        (None, None) => "⚪ no deliveries yet".to_owned(),
    }
}

// `/board`

pub(super) const BOARD_REMOVED: &str = "Removed the status board.";

pub(super) fn has_board() -> CommandError {
    CommandError::Refused(
        "This Discord server already has a board. Move it with `/board move`.".into(),
    )
}

pub(super) fn no_board() -> CommandError {
    CommandError::Refused(
        "This Discord server has no board. Create one with `/board create`.".into(),
    )
}

pub(super) fn board_posted_in(channel: ChannelId) -> String {
    format!("The board is now in <#{channel}>.")
}

pub(super) fn board_title(online: usize, count: usize) -> String {
    format!(
        "{online} of {} online",
        text::count(count as u64, "monitor")
    )
}

pub(super) const NO_MONITORS: &str = "There are no monitors yet.";
/// The end of a board that is too long for one message.
pub(super) const AND_MORE_MONITORS: &str = "… and more. Use `/status` for all counts.";

/// A group in the board, with its number of monitors by status. `None`: the monitors without a group.
pub(super) fn board_group(name: Option<&str>, counts: &str) -> String {
    match name {
        Some(name) => format!("{}: {counts}", bold(name)),
        None => format!("No group: {counts}"),
    }
}

pub(super) fn board_line(line: &BoardLine) -> String {
    let (mark, name) = (mark(line.status), text::cut(&text::escape(&line.name), 100));
    match line.status {
        Status::Online => format!("{mark} {name}"),
        status => format!(
            "{mark} {name} · {}",
            status_since(line.kind, status, line.since)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::discord_id::GuildId;
    use crate::domain::history::summary::schedule::SummaryDay;
    use crate::domain::monitor::MonitorKind;
    use crate::domain::notifications::destination_health::DestinationHealth;
    use crate::domain::notifications::destinations::DestinationId;
    use crate::domain::notifications::webhook::{WebhookFormat, WebhookId};

    const CHANNEL: ChannelId = ChannelId(5);

    #[test]
    fn texts_of_posting() {
        let failure = DeliveryError::Retry {
            is_unanswered: false,
            after: None,
            reason: RATE_LIMIT_REACHED.into(),
        };
        let texts = [
            alerts_off(),
            SUMMARIES_TITLE.into(),
            summaries_start(
                SummaryTimes::new(SummaryDay::Every, 540).unwrap(),
                Tz::Europe__Berlin,
            ),
            TEST_MESSAGE_TITLE.into(),
            TEST_MESSAGE.into(),
            TEST_ALERT_TITLE.into(),
            test_alert(Some(RoleId(77))),
            test_alert(None),
            WELCOME_TITLE.into(),
            WELCOME.into(),
            SET_UP.into(),
            PLANNED_MAINTENANCE.into(),
            cannot_post_in(CHANNEL, CHANNEL_DELETED).to_string(),
            cannot_post_in(CHANNEL, NO_VIEW_PERMISSION).to_string(),
            cannot_post_in(CHANNEL, NO_SEND_PERMISSION).to_string(),
            channel_missing().to_string(),
            could_not_post_in(CHANNEL, &failure).to_string(),
            could_not_post_board_in(CHANNEL, &failure).to_string(),
            INVALID_RESPONSE.into(),
            DIRECT_MESSAGES_CLOSED.into(),
            NOT_A_MEMBER.into(),
            NOT_IN_DISCORD.into(),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        🔕 Alerts are off: no channel is set. A manager can set one with `/setup`.
        Summaries are sent to this channel
        They are sent daily at 09:00 (Europe/Berlin). To see one now, run `/summaries show`.
        Alerts are sent to this channel
        Each incident is one message, which Rollcall edits until the incident is resolved.
        🔔 Test alert
        This is a test, and nothing is offline. Alerts are posted in this channel and mention <@&77>. This test mentions nobody.
        This is a test, and nothing is offline. Alerts are posted in this channel and mention nobody.
        Rollcall is here
        Rollcall checks your websites and services, and posts an alert when one goes offline and when it recovers. To choose a channel and add the first endpoint, press *Set up* or run `/setup`. You need the permission **Manage Server**.
        Set up
        Planned maintenance. Rollcall sends no notifications about outages during this time.
        Rollcall cannot post in <#5>: the channel was deleted. Choose another channel.
        Rollcall cannot post in <#5>: Rollcall lacks the permission View Channel. Choose another channel, or give Rollcall the permissions View Channel, Send Messages and Embed Links in this one.
        Rollcall cannot post in <#5>: Rollcall lacks the permission Send Messages or Embed Links. Choose another channel, or give Rollcall the permissions View Channel, Send Messages and Embed Links in this one.
        This Discord server does not have this channel. It may have been deleted. Choose another channel.
        Rollcall could not post in <#5>: Discord's rate limit is reached. Try again in a moment.
        Rollcall could not post the board in <#5>: Discord's rate limit is reached. Try again in a moment.
        Discord's response is invalid
        this member does not accept direct messages from Rollcall
        this person is not a member of the Discord server
        webhooks are not part of Discord
        ");
    }

    #[test]
    fn texts_of_alerts() {
        let own = |notify, role| Some(Override { notify, role });
        let texts = [
            ALERTS_OFF.into(),
            no_channel_set().to_string(),
            role_and_user().to_string(),
            not_a_member(UserId(7)).to_string(),
            could_not_ask_for_membership(&DeliveryError::MessageGone).to_string(),
            incomplete_escalation().to_string(),
            DURATION.into(),
            DURATION_EXAMPLE.into(),
            overridden("shop", None),
            overridden("shop", own(false, None)),
            overridden("shop", own(true, Some(RoleId(88)))),
            overridden("shop", own(true, None)),
            override_unchanged("shop", None),
            override_unchanged("shop", own(false, None)),
            override_unchanged("shop", own(true, Some(RoleId(88)))),
            override_unchanged("shop", own(true, None)),
            NOTHING_CHANGED.into(),
            NOTHING_CHANGED_BUT_TESTED.into(),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Alerts in Discord are off.
        There is no alert channel yet. Set one with `/setup`.
        Choose either `role` or `user`, not both.
        <@7> is not a member of this Discord server. Choose a member, or a role.
        Rollcall could not check whether this person is a member: the message was deleted. Try again in a moment.
        Use `escalate` together with `role` or `user`, such as `escalate:30m role:@leads`.
        the duration
        `15m`
        **shop** follows the settings of this Discord server again.
        Notifications for **shop** are off.
        Notifications for **shop** mention <@&88>.
        Notifications for **shop** are on.
        Nothing changed. **shop** has no override.
        Nothing changed. Notifications for **shop** are off already.
        Nothing changed. Notifications for **shop** mention <@&88> already.
        Nothing changed. Notifications for **shop** are on already.
        Nothing changed. The alert settings were so already:
        The test message has arrived. Nothing changed, because the alert settings were so already:
        ");
    }

    #[test]
    fn texts_of_alert_settings() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let bulk = |count, percent| {
            bulk_alert(BulkAlert {
                count,
                percent,
                window: minutes(1),
            })
        };
        let mute = Mute {
            name: "db_1".into(),
            until: NOW,
        };
        let texts = [
            ALERTS_TITLE.into(),
            NO_ALERT_CHANNEL_TITLE.into(),
            NO_ALERT_CHANNEL.into(),
            on_call_role(Some(RoleId(77))),
            on_call_role(None),
            channel_broken(CHANNEL_DELETED, NOW),
            reminder(minutes(15)),
            escalation(minutes(30), Responder::Role(RoleId(88))),
            escalation(minutes(30), Responder::User(UserId(42))),
            bulk(Some(20), Some(30)).unwrap(),
            bulk(Some(20), None).unwrap(),
            bulk(None, Some(30)).unwrap(),
            NO_RECOVERIES.into(),
            NO_WARNINGS.into(),
            DEFAULT_PREFERENCES.into(),
            REMINDERS_MENTION_NOBODY.into(),
            muted(&mute),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r"
        Alerts
        No alert channel
        Choose a channel with `/alerts setup`.
        <@&77>
        nobody
        Rollcall has been unable to send alerts since <t:1769860800:f>: the channel was deleted. Fix the cause: Rollcall tries again every hour and sends the missed alerts. To get them at once, or in another channel, run `/alerts channel`.
        Reminder after 15 min without acknowledgment.
        Escalation to <@&88> after 30 min.
        Escalation to <@42> by direct message after 30 min.
        One summary when at least 20 endpoints or 30% of all endpoints change status within 1 min.
        One summary when at least 20 endpoints change status within 1 min.
        One summary when at least 30% of all endpoints change status within 1 min.
        No message for a recovery without an earlier message.
        No notifications about server warnings, only when a server is offline.
        All notifications are on. Reminders and escalation are off.
        ⚠️ Reminders mention nobody. Choose a role with `/alerts role`.
        db\_1 until <t:1769860800:f>
        ");
        assert_eq!(bulk(None, None), None);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
    fn texts_of_webhooks() {
        let works = Webhook {
            id: WebhookId(1),
            guild_id: GuildId(1),
            name: "pager".into(),
            url: "https://hooks.example.org/canary".parse().unwrap(),
            format: WebhookFormat::Standard,
            template: None,
            signing_key: "whsec_canary".into(),
            last_sent_at: Some(NOW),
            destination: DestinationId(1),
            health: DestinationHealth::default(),
        };
        let unused = Webhook {
            last_sent_at: None,
            ..works.clone()
        };
        let mut failing = works.clone();
        failing.health.failing_since = Some(NOW);
        let mut broken = failing.clone();
        broken.health.broken = Some(("it returned 410".into(), NOW));
        let texts = [
            no_webhook_named("pagr").to_string(),
            no_template().to_string(),
            template_of_another_format().to_string(),
            webhook_removed("pager"),
            test_delivered_title(&works),
            test_delivered(&works),
            test_failed_title(&works),
            test_failed("it returned 404"),
            SIGNING_KEY_LABEL.into(),
            VERIFY_LABEL.into(),
            VERIFY.into(),
            NO_WEBHOOKS_TITLE.into(),
            NO_WEBHOOKS.into(),
            webhooks_title(1),
            webhooks_title(4),
            webhook(&works),
            webhook(&unused),
            webhook(&failing),
            webhook(&broken),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r#"
        There is no webhook named `pagr`. Choose one from the list.
        Enter `template`, such as `{"message":"{{title}}"}`. docs/webhooks.md has templates for ntfy, Gotify, Telegram and PagerDuty.
        The option `template` is for the format template. Omit it, or choose that format.
        Removed the webhook **pager**.
        🟢 pager: test message delivered
        Rollcall sends notifications in the format `standard`.
        🟠 pager: test message failed
        Reason: it returned 404. Try again with `/alerts webhook test`.
        Signing key (shown once)
        How to verify a message
        The header `webhook-signature` is `v1,` followed by the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>` (Standard Webhooks). The HMAC key is the base64-decoded part after `whsec_`.
        No webhooks yet
        Add one with `/alerts webhook add`.
        1 webhook
        4 webhooks
        **pager** `https://hooks.example.org/…` · format standard
        🟢 last delivery <t:1769860800:R>
        **pager** `https://hooks.example.org/…` · format standard
        ⚪ no deliveries yet
        **pager** `https://hooks.example.org/…` · format standard
        🟠 failing, first failure <t:1769860800:R>
        **pager** `https://hooks.example.org/…` · format standard
        🔴 broken, noticed <t:1769860800:R>: it returned 410. Rollcall tries again every hour, and at once after `/alerts webhook test`.
        "#);
    }

    #[test]
    fn texts_of_boards() {
        let line = |status| {
            board_line(&BoardLine {
                kind: MonitorKind::Endpoint,
                name: "shop".into(),
                group: None,
                status,
                since: NOW,
            })
        };
        let texts = [
            BOARD_REMOVED.into(),
            has_board().to_string(),
            no_board().to_string(),
            board_posted_in(CHANNEL),
            board_title(51, 53),
            NO_MONITORS.into(),
            AND_MORE_MONITORS.into(),
            board_group(Some("web"), "🟢 50 · 🔴 1"),
            board_group(None, "🟢 50 · 🔴 1"),
            line(Status::Online),
            line(Status::Offline),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Removed the status board.
        This Discord server already has a board. Move it with `/board move`.
        This Discord server has no board. Create one with `/board create`.
        The board is now in <#5>.
        51 of 53 monitors online
        There are no monitors yet.
        … and more. Use `/status` for all counts.
        **web**: 🟢 50 · 🔴 1
        No group: 🟢 50 · 🔴 1
        🟢 shop
        🔴 shop · went offline <t:1769860800:R>
        ");
    }
}
