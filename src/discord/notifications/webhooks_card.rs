//! The webhooks of a guild: name, host and delivery state. Never the full URL, which may contain a secret.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{AMBER, GREEN, GREY, bold, relative};
use crate::domain::notifications::webhook::{WebhookFormat, masked};
use crate::domain::text;
use crate::store::notifications::webhook::Webhook;

/// A new webhook. The signing key is shown only here, and only for the format that uses it.
pub(in crate::discord) fn added(known: &Webhook, test: &Result<(), String>) -> CreateEmbed {
    let card = tested(known, test);
    if known.format != WebhookFormat::Standard {
        return card;
    }
    card.field(
        "Signing key (shown once)",
        text::code(&known.signing_key),
        false,
    )
    .field(
        "How to verify a message",
        "`webhook-signature` is `v1,` and the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>` (Standard Webhooks).",
        false,
    )
}

/// The result of a test.
pub(in crate::discord) fn tested(known: &Webhook, test: &Result<(), String>) -> CreateEmbed {
    let name = text::escape(&text::cut(&known.name, 64));
    match test {
        Ok(()) => CreateEmbed::new()
            .title(format!("🟢 {name}: test message delivered"))
            .description(format!(
                "Notifications are sent as {}.",
                known.format.as_str()
            ))
            .colour(GREEN),
        Err(reason) => CreateEmbed::new()
            .title(format!("🟠 {name}: test message failed"))
            .description(format!(
                "Reason: {}. Try again with `/alerts webhook test`.",
                text::escape(&text::cut(reason, 300))
            ))
            .colour(AMBER),
    }
}

pub(in crate::discord) fn list(known: &[Webhook]) -> CreateEmbed {
    if known.is_empty() {
        return CreateEmbed::new()
            .title("No webhooks yet")
            .description("Add one with `/alerts webhook add`.")
            .colour(GREY);
    }
    let lines: Vec<String> = known.iter().map(line).collect();
    CreateEmbed::new()
        .title(text::count(known.len() as u64, "webhook"))
        .description(text::cut(&lines.join("\n"), 4_000))
        .colour(GREEN)
}

fn line(known: &Webhook) -> String {
    let host = text::code(&text::cut(&masked(&known.url), 80));
    let state = match (
        &known.disabled,
        known.failing_since,
        known.last_delivered_at,
    ) {
        (Some((reason, since)), _, _) => {
            let reason = text::escape(&text::cut(reason, 120));
            format!("🔴 disabled {}: {reason}", relative(*since))
        }
        (None, Some(since), _) => format!("🟠 failing since {}", relative(since)),
        (None, None, Some(at)) => format!("🟢 last delivery {}", relative(at)),
        (None, None, None) => "⚪ no deliveries yet".to_owned(),
    };
    format!(
        "{} {host} as {}\n{state}",
        bold(&known.name),
        known.format.as_str()
    )
}
