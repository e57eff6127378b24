//! The card of a guild's alert settings: channel, on-call role, preferences, overrides, mutes and delivery errors.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED, bold, relative};
use crate::domain::notifications::alert_policy::{AlertPreferences, Responder};
use crate::domain::text;
use crate::store::notifications::alert_override::Override;
use crate::store::notifications::alert_settings::AlertSettings;
use crate::store::silences::mute::Mute;

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
        card = card.field("Settings", preferences(&known.preferences), false);
    }
    if !own.is_empty() {
        let lines: Vec<String> = own
            .iter()
            .map(|(name, own)| overridden(name, Some(*own)))
            .collect();
        card = card.field("Different", text::cut(&lines.join("\n"), FIELD), false);
    }
    if mutes.is_empty() {
        return card;
    }
    let line = |mute: &Mute| {
        let name = text::cut(&text::escape(&mute.name), 80);
        format!("{name} until {}", relative(mute.until))
    };
    let lines: Vec<String> = mutes.iter().map(line).collect();
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
        .field("Muted", text::cut(&unreachable.join("\n"), FIELD), false)
}

fn preferences(chosen: &AlertPreferences) -> String {
    let mut lines = Vec::new();
    if let Some(after) = chosen.policy.remind_after {
        let after = text::duration(after);
        lines.push(format!("Reminder after {after} without acknowledgment."));
    }
    if let Some((after, responder)) = chosen.policy.escalate {
        let target = match responder {
            Responder::Role(id) => format!("<@&{id}>"),
            Responder::User(id) => format!("<@{id}> by direct message"),
        };
        lines.push(format!(
            "Escalation to {target} after {}.",
            text::duration(after)
        ));
    }
    if let Some(bulk) = chosen.bulk {
        let count = bulk.count.map(|count| count.to_string());
        let percent = bulk.percent.map(|percent| format!("{percent} %"));
        let many: Vec<String> = count.into_iter().chain(percent).collect();
        lines.push(format!(
            "One summary when {} change within {}.",
            many.join(" or "),
            text::duration(bulk.window)
        ));
    }
    if !chosen.notify_on_recovery {
        lines.push("No separate messages about recoveries.".to_owned());
    }
    if !chosen.notify_on_warning {
        lines.push(
            "No notifications about server warnings, only when a server is offline.".to_owned(),
        );
    }
    if lines.is_empty() {
        lines.push("All notifications are on. Reminders and escalation are off.".to_owned());
    }
    lines.join("\n")
}

/// Describes the alert override of one monitor.
pub(in crate::discord) fn overridden(name: &str, own: Option<Override>) -> String {
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

fn destination(known: Option<&AlertSettings>) -> CreateEmbed {
    let Some(known) = known else {
        return CreateEmbed::new()
            .title("No alert channel")
            .description("Choose a channel with `/alerts setup`.")
            .colour(GREY);
    };
    let role = known
        .role
        .map_or("nobody".to_owned(), |role| format!("<@&{role}>"));
    let card = CreateEmbed::new()
        .title("Alerts")
        .field("Channel", format!("<#{}>", known.channel), true)
        .field("On-call role", role, true);
    match &known.broken {
        Some((reason, since)) => {
            let since = relative(*since);
            let reason = text::cut(&text::escape(reason), 500);
            card.colour(RED).description(format!(
                "No alerts could be sent since {since}: {reason}. Fix that, then set the channel again with `/alerts setup` to receive the missed alerts."
            ))
        }
        None => card.colour(GREEN),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::discord_id::{ChannelId, RoleId, UserId};
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::discord::ui::embed_testing::fits;
    use crate::domain::notifications::alert_policy::AlertPreferences;
    use crate::domain::notifications::alert_policy::BulkAlert;
    use crate::domain::notifications::alert_policy::EscalationPolicy;
    use crate::domain::notifications::alert_policy::Responder;
    use crate::store::notifications::alert_override::Override;
    use crate::store::notifications::alert_settings::AlertSettings;
    use crate::store::silences::mute::Mute;

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
            muted_by: format!("discord:{}", u64::MAX),
        };
        let shown = settings(
            Some(&broken),
            &vec![mute; LISTED as usize],
            &vec![("_".repeat(64), own); LISTED as usize],
        );
        fits(with_unreachable(shown, &vec!["why ".repeat(50); 20]));
        fits(settings(None, &[], &[]));
    }
}
