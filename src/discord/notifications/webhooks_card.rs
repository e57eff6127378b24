//! The webhooks of a guild: name, host and delivery state. Never the full URL, which may contain a secret.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::notifications::texts;
use crate::discord::ui::embed::{AMBER, GREEN, GREY};
use crate::domain::notifications::webhook::WebhookFormat;
use crate::domain::text;
use crate::store::notifications::webhook::Webhook;

/// A new webhook. The signing key is shown only here, and only for the format that uses it.
pub(in crate::discord) fn added(known: &Webhook, test: &Result<(), String>) -> CreateEmbed {
    let card = tested(known, test);
    if known.format != WebhookFormat::Standard {
        return card;
    }
    let key = text::code(&known.signing_key);
    card.field(texts::SIGNING_KEY_LABEL, key, false).field(
        texts::VERIFY_LABEL,
        texts::VERIFY,
        false,
    )
}

/// The result of a test.
pub(in crate::discord) fn tested(known: &Webhook, test: &Result<(), String>) -> CreateEmbed {
    match test {
        Ok(()) => CreateEmbed::new()
            .title(texts::test_delivered_title(known))
            .description(texts::test_delivered(known))
            .colour(GREEN),
        Err(reason) => CreateEmbed::new()
            .title(texts::test_failed_title(known))
            .description(texts::test_failed(reason))
            .colour(AMBER),
    }
}

pub(in crate::discord) fn list(known: &[Webhook]) -> CreateEmbed {
    if known.is_empty() {
        return CreateEmbed::new()
            .title(texts::NO_WEBHOOKS_TITLE)
            .description(texts::NO_WEBHOOKS)
            .colour(GREY);
    }
    let lines: Vec<String> = known.iter().map(texts::webhook).collect();
    CreateEmbed::new()
        .title(texts::webhooks_title(known.len()))
        .description(text::cut(&lines.join("\n"), 4_000))
        .colour(GREEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::discord_id::GuildId;
    use crate::domain::endpoints::target::Target;
    use crate::domain::notifications::destination_health::DestinationHealth;
    use crate::domain::notifications::destinations::DestinationId;
    use crate::domain::notifications::webhook::WebhookId;

    fn webhook(name: &str, url: &str) -> Webhook {
        let url: Target = url.parse().unwrap();
        Webhook {
            id: WebhookId(1),
            guild_id: GuildId(1),
            name: name.into(),
            format: WebhookFormat::of(&url),
            url,
            template: None,
            signing_key: "whsec_canary".into(),
            last_sent_at: None,
            destination: DestinationId(1),
            health: DestinationHealth::default(),
        }
    }

    fn texts_of(cards: impl IntoIterator<Item = CreateEmbed>) -> String {
        let texts: Vec<String> = cards.into_iter().map(card_text).collect();
        texts.join("\n---\n")
    }

    #[test]
    fn webhooks_fit_with_long_names_and_reasons() {
        let host = "x".repeat(60);
        let url = format!("https://{host}.{host}.{host}.example.org/hook");
        let mut longest = webhook(&"*".repeat(64), &url);
        longest.health.broken = Some(("_".repeat(1_000), NOW));
        let why = Err("*".repeat(1_000));
        fits(added(&longest, &why));
        fits(list(&vec![longest; 10]));
    }

    #[test]
    fn the_signing_key_is_shown_once_and_only_for_signed_messages() {
        let signed = webhook("pager", "https://pager.example.org/hook");
        let slack = webhook("wall", "https://hooks.slack.com/services/T0/B0/canary");
        let failed = Err("it returned 404".to_owned());
        let cards = [
            added(&signed, &Ok(())),
            added(&slack, &Ok(())),
            tested(&signed, &failed),
        ];
        insta::assert_snapshot!(texts_of(cards), @"
        [green] 🟢 pager: test message delivered
        Rollcall sends notifications in the format `standard`.
        Signing key (shown once): `whsec_canary`
        How to verify a message: The header `webhook-signature` is `v1,` followed by the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>` (Standard Webhooks). The HMAC key is the base64-decoded part after `whsec_`.
        ---
        [green] 🟢 wall: test message delivered
        Rollcall sends notifications in the format `slack`.
        ---
        [amber] 🟠 pager: test message failed
        Reason: it returned 404. Try again with `/alerts webhook test`.
        ");
    }

    #[test]
    fn the_list_shows_the_state_of_each_webhook_but_not_its_url() {
        let unused = webhook("new", "https://pager.example.org/hook");
        let mut works = webhook("pager", "https://pager.example.org/hook");
        works.last_sent_at = Some(NOW);
        let mut failing = webhook("wall", "https://hooks.slack.com/services/T0/B0/canary");
        failing.health.failing_since = Some(NOW);
        let mut broken = webhook("mirror", "https://discord.com/api/webhooks/1/canary");
        broken.health.broken = Some(("it returned 410".into(), NOW));
        let cards = [
            list(&[]),
            list(std::slice::from_ref(&works)),
            list(&[unused, works, failing, broken]),
        ];
        insta::assert_snapshot!(texts_of(cards), @"
        [grey] No webhooks yet
        Add one with `/alerts webhook add`.
        ---
        [green] 1 webhook
        **pager** `https://pager.example.org/…` · format standard
        🟢 last delivery <t:1769860800:R>
        ---
        [green] 4 webhooks
        **new** `https://pager.example.org/…` · format standard
        ⚪ no deliveries yet
        **pager** `https://pager.example.org/…` · format standard
        🟢 last delivery <t:1769860800:R>
        **wall** `https://hooks.slack.com/…` · format slack
        🟠 failing, first failure <t:1769860800:R>
        **mirror** `https://discord.com/…` · format discord
        🔴 broken, noticed <t:1769860800:R>: it returned 410. Rollcall tries again every hour, and at once after `/alerts webhook test`.
        ");
    }
}
