//! The card of a guild's alert settings: channel, on-call role, preferences, overrides, mutes and delivery errors.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::notifications::texts;
use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED};
use crate::domain::notifications::alert_policy::AlertPreferences;
use crate::domain::text;
use crate::store::notifications::alert_override::Override;
use crate::store::notifications::alert_settings::AlertSettings;
use crate::store::silences::silence::Mute;

/// Maximum mutes, and maximum overrides, on the card.
pub(in crate::discord) const LISTED: u32 = 10;

/// Discord's limit for a field value, in characters.
const FIELD: usize = 1_024;

pub(in crate::discord) fn settings(
    known: Option<&AlertSettings>,
    mutes: &[Mute],
    own: &[(String, Override)],
) -> CreateEmbed {
    let mut card = destination(known);
    if let Some(known) = known {
        let names_role = own.iter().any(|(_, own)| own.role.is_some());
        let mut lines = preferences(&known.preferences);
        if !names_role && known.preferences.policy.reminds_nobody(known.role) {
            lines.push(texts::REMINDERS_MENTION_NOBODY.to_owned());
        }
        card = card.field("Settings", lines.join("\n"), false);
    }
    if !own.is_empty() {
        let lines: Vec<String> = own
            .iter()
            .map(|(name, own)| texts::overridden(name, Some(*own)))
            .collect();
        card = card.field("Overrides", text::cut(&lines.join("\n"), FIELD), false);
    }
    if mutes.is_empty() {
        return card;
    }
    let lines: Vec<String> = mutes.iter().map(texts::muted).collect();
    card.field("Muted", text::cut(&lines.join("\n"), FIELD), false)
}

/// Adds a warning to the card for roles that a mention would not notify.
pub(in crate::discord) fn with_unreachable(
    card: CreateEmbed,
    unreachable: &[String],
) -> CreateEmbed {
    if unreachable.is_empty() {
        return card;
    }
    card.colour(AMBER)
        .field("Problem", text::cut(&unreachable.join("\n"), FIELD), false)
}

fn preferences(chosen: &AlertPreferences) -> Vec<String> {
    let policy = &chosen.policy;
    let mut lines = Vec::new();
    lines.extend(policy.remind_after.map(texts::reminder));
    lines.extend(
        policy
            .escalate
            .map(|(after, responder)| texts::escalation(after, responder)),
    );
    lines.extend(chosen.bulk.and_then(texts::bulk_alert));
    if !chosen.notify_on_recovery {
        lines.push(texts::NO_RECOVERIES.to_owned());
    }
    if !chosen.notify_on_warning {
        lines.push(texts::NO_WARNINGS.to_owned());
    }
    if lines.is_empty() {
        lines.push(texts::DEFAULT_PREFERENCES.to_owned());
    }
    lines
}

fn destination(known: Option<&AlertSettings>) -> CreateEmbed {
    let Some(known) = known else {
        return CreateEmbed::new()
            .title(texts::NO_ALERT_CHANNEL_TITLE)
            .description(texts::NO_ALERT_CHANNEL)
            .colour(GREY);
    };
    let card = CreateEmbed::new()
        .title(texts::ALERTS_TITLE)
        .field("Channel", format!("<#{}>", known.channel), true)
        .field("On-call role", texts::on_call_role(known.role), true);
    match &known.broken {
        Some((reason, since)) => card
            .colour(RED)
            .description(texts::channel_broken(reason, *since)),
        None => card.colour(GREEN),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::discord_id::{ChannelId, RoleId, UserId};
    use crate::domain::notifications::alert_policy::{BulkAlert, EscalationPolicy, Responder};

    #[test]
    fn alert_settings_fit_with_everything_set() {
        let own = Override {
            notify: true,
            role: Some(RoleId(u64::MAX)),
        };
        let broken = AlertSettings {
            channel: ChannelId(u64::MAX),
            role: Some(RoleId(u64::MAX)),
            broken: Some(("*".repeat(1_000), NOW)),
            preferences: AlertPreferences {
                notify_on_recovery: false,
                notify_on_warning: false,
                policy: EscalationPolicy {
                    remind_after: Some(Duration::MAX),
                    escalate: Some((Duration::MAX, Responder::User(UserId(u64::MAX)))),
                },
                bulk: Some(BulkAlert {
                    count: Some(u32::MAX),
                    percent: Some(100),
                    window: Duration::MAX,
                }),
            },
        };
        let mute = Mute {
            name: "*".repeat(64),
            until: NOW,
        };
        let shown = settings(
            Some(&broken),
            &vec![mute; LISTED as usize],
            &vec![("_".repeat(64), own); LISTED as usize],
        );
        fits(with_unreachable(shown, &vec!["why ".repeat(50); 20]));
        fits(settings(None, &[], &[]));
    }

    fn mute(name: &str) -> Mute {
        Mute {
            name: name.into(),
            until: NOW,
        }
    }

    fn with_everything() -> AlertSettings {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        AlertSettings {
            channel: ChannelId(5),
            role: Some(RoleId(77)),
            broken: None,
            preferences: AlertPreferences {
                notify_on_recovery: false,
                notify_on_warning: false,
                policy: EscalationPolicy {
                    remind_after: Some(minutes(15)),
                    escalate: Some((minutes(30), Responder::Role(RoleId(88)))),
                },
                bulk: Some(BulkAlert {
                    count: Some(20),
                    percent: Some(30),
                    window: minutes(1),
                }),
            },
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
    fn alert_settings_show_what_is_set() {
        let own = |notify, role| Override { notify, role };
        let overrides = [
            ("db-1".to_owned(), own(false, None)),
            ("shop".to_owned(), own(true, Some(RoleId(88)))),
        ];
        let defaults = AlertSettings {
            role: None,
            preferences: AlertPreferences::default(),
            ..with_everything()
        };
        let broken = AlertSettings {
            broken: Some(("the channel was deleted".into(), NOW)),
            ..defaults.clone()
        };
        let mutes = [mute("mail"), mute("nas")];
        let unreachable = ["The role 77 was deleted, so nobody is notified. Choose another role."];
        let unreachable = unreachable.map(str::to_owned);
        let mut reminded = defaults.clone();
        reminded.preferences.policy.remind_after = Some(Duration::from_secs(900));
        let cards = [
            settings(None, &[], &[]),
            settings(None, &mutes, &overrides),
            settings(Some(&defaults), &[], &[]),
            settings(Some(&with_everything()), &mutes, &overrides),
            settings(Some(&broken), &[], &[]),
            settings(Some(&reminded), &[], &[]),
            settings(Some(&reminded), &[], &overrides[1..]),
            with_unreachable(settings(Some(&with_everything()), &[], &[]), &unreachable),
        ];
        let texts: Vec<String> = cards.into_iter().map(card_text).collect();
        insta::assert_snapshot!(texts.join("\n---\n"), @"
        [grey] No alert channel
        Choose a channel with `/alerts setup`.
        ---
        [grey] No alert channel
        Choose a channel with `/alerts setup`.
        Overrides: Notifications for **db-1** are off.
        Notifications for **shop** mention <@&88>.
        Muted: mail until <t:1769860800:f>
        nas until <t:1769860800:f>
        ---
        [green] Alerts
        Channel: <#5>
        On-call role: nobody
        Settings: All notifications are on. Reminders and escalation are off.
        ---
        [green] Alerts
        Channel: <#5>
        On-call role: <@&77>
        Settings: Reminder after 15 min without acknowledgment.
        Escalation to <@&88> after 30 min.
        One summary when at least 20 endpoints or 30% of all endpoints change status within 1 min.
        No message for a recovery without an earlier message.
        No notifications about server warnings, only when a server is offline.
        Overrides: Notifications for **db-1** are off.
        Notifications for **shop** mention <@&88>.
        Muted: mail until <t:1769860800:f>
        nas until <t:1769860800:f>
        ---
        [red] Alerts
        Rollcall has been unable to send alerts since <t:1769860800:f>: the channel was deleted. Fix the cause: Rollcall tries again every hour and sends the missed alerts. To get them at once, or in another channel, run `/alerts channel`.
        Channel: <#5>
        On-call role: nobody
        Settings: All notifications are on. Reminders and escalation are off.
        ---
        [green] Alerts
        Channel: <#5>
        On-call role: nobody
        Settings: Reminder after 15 min without acknowledgment.
        ⚠️ Reminders mention nobody. Choose a role with `/alerts role`.
        ---
        [green] Alerts
        Channel: <#5>
        On-call role: nobody
        Settings: Reminder after 15 min without acknowledgment.
        Overrides: Notifications for **shop** mention <@&88>.
        ---
        [amber] Alerts
        Channel: <#5>
        On-call role: <@&77>
        Settings: Reminder after 15 min without acknowledgment.
        Escalation to <@&88> after 30 min.
        One summary when at least 20 endpoints or 30% of all endpoints change status within 1 min.
        No message for a recovery without an earlier message.
        No notifications about server warnings, only when a server is offline.
        Problem: The role 77 was deleted, so nobody is notified. Choose another role.
        ");
    }
}
