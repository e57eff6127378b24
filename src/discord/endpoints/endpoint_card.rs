//! The card of one endpoint, with all its details.

use std::time::Duration;

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{colour, mark, relative, relative_or};
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::target::Scheme;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::endpoints::endpoint::Endpoint;

/// The card of an endpoint. `default_interval` is shown if the endpoint has no interval of its own.
pub(in crate::discord) fn endpoint(endpoint: &Endpoint, default_interval: Duration) -> CreateEmbed {
    let state = &endpoint.state;
    let description = &endpoint.description;
    let status = format!(
        "{} {} since {}",
        mark(state.status),
        state.status.as_str(),
        relative(state.since)
    );
    let interval = match description.interval {
        Some(interval) => text::duration(interval),
        None => format!("{} (default)", text::duration(default_interval)),
    };
    let mut card = CreateEmbed::new()
        .title(text::escape(&description.name))
        .description(text::code(&description.target.to_string()))
        .colour(colour(state.status))
        .field("Status", status, true)
        .field("Interval", interval, true);
    if let Some(failure) = &state.failure {
        let count = if state.consecutive_failures > 1 {
            format!(", {} times in a row", state.consecutive_failures)
        } else {
            String::new()
        };
        card = card.field("Reason", format!("{failure}{count}"), false);
    }
    let checked = match endpoint
        .latency
        .filter(|_| endpoint.last_check_at.is_some())
    {
        Some(latency) => format!(
            "{}, took {}",
            relative_or(endpoint.last_check_at, "never"),
            text::latency(latency)
        ),
        None => relative_or(endpoint.last_check_at, "never"),
    };
    card = card.field("Last checked", checked, true);
    if state.status != Status::Online {
        card = card.field(
            "Last seen online",
            relative_or(endpoint.last_seen_at, "never"),
            true,
        );
    }
    if let Some(expires) = endpoint.certificate_expires_at {
        card = card.field("Certificate expires", relative(expires), true);
    }
    if description.target.scheme != Scheme::Tcp {
        let http_check = description.http_check.clone().unwrap_or_default();
        card = card.field("Request", http(&http_check), false);
    }
    card.footer(poise::serenity_prelude::CreateEmbedFooter::new(format!(
        "id {}",
        endpoint.id
    )))
}

/// The options of an HTTP check. Header values may be secrets, so only the names are shown.
fn http(http_check: &HttpCheck) -> String {
    let (first, last) = http_check.expected_status;
    let status = if first == last {
        first.to_string()
    } else {
        format!("{first}–{last}")
    };
    let mut parts = vec![format!("{}, status {status}", http_check.method.as_str())];
    if let Some(keyword) = &http_check.keyword {
        parts.push(format!("with {}", text::code(keyword)));
    }
    if !http_check.headers.is_empty() {
        let names: Vec<String> = http_check
            .headers
            .iter()
            .map(|(name, _)| text::code(name))
            .collect();
        parts.push(format!("sends {}", names.join(", ")));
    }
    if http_check.max_redirects > 0 {
        parts.push(format!(
            "follows up to {} redirects",
            http_check.max_redirects
        ));
    }
    if !http_check.verify_tls {
        parts.push("accepts any certificate".to_owned());
    }
    text::cut(&parts.join("; "), 1024)
}
