//! The card of one endpoint, with all its details.

use std::time::Duration;

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use crate::discord::DiscordState;
use crate::discord::endpoints::texts;
use crate::discord::ui::embed::{colour, relative_or};
use crate::domain::Timestamp;
use crate::domain::endpoints::target::Scheme;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::endpoints::endpoint::Endpoint;

/// The card of an endpoint with its current data.
pub(in crate::discord) fn current(app: &DiscordState, shown: &Endpoint) -> CreateEmbed {
    let final_target = app.checks.final_targets.of(shown.id);
    let now = app.checks.clock.now();
    endpoint(
        shown,
        app.checks.rules.interval,
        final_target.as_deref(),
        now,
    )
}

/// The card of an endpoint. `default_interval` is shown if the endpoint has no interval of its own; `final_target` is where
/// redirects lead.
pub(in crate::discord) fn endpoint(
    endpoint: &Endpoint,
    default_interval: Duration,
    final_target: Option<&str>,
    now: Timestamp,
) -> CreateEmbed {
    let state = &endpoint.state;
    let description = &endpoint.description;
    let mut card = CreateEmbed::new()
        .title(text::escape(&description.name))
        .description(text::code(&description.target.to_string()))
        .colour(colour(state.status))
        .field("Status", texts::status(state.status, state.since), true)
        .field(
            "Interval",
            texts::interval(description.interval, default_interval),
            true,
        );
    if let Some(failure) = &state.failure {
        let reason = texts::failure(failure, state.consecutive_failures);
        card = card.field("Reason", reason, false);
    }
    let checked = match endpoint.last_check_at {
        Some(at) => texts::last_check(at, endpoint.latency),
        None => texts::NEVER.to_owned(),
    };
    card = card.field("Last checked", checked, true);
    if state.status != Status::Online {
        card = card.field(
            texts::LAST_SEEN_ONLINE,
            relative_or(endpoint.last_seen_at, texts::NEVER),
            true,
        );
    }
    if let Some(certificate) = &endpoint.certificate {
        // Without verification, an expired certificate is none the worse.
        let verifies = description
            .http_check
            .as_ref()
            .is_none_or(|one| one.verify_tls);
        let threshold = certificate.crossed_threshold(now).filter(|_| verifies);
        let expires = texts::certificate_expires(certificate, threshold);
        card = card.field(texts::CERTIFICATE_EXPIRES, expires, true);
    }
    if description.target.scheme != Scheme::Tcp {
        let http_check = description.http_check.clone().unwrap_or_default();
        card = card.field("Request", texts::http_request(&http_check), false);
    }
    if let Some(final_target) = final_target {
        card = card.field(texts::FINAL_TARGET, text::code(final_target), false);
    }
    card.footer(CreateEmbedFooter::new(texts::id_footer(endpoint.id)))
}
