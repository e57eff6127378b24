//! The endpoint list: one line per endpoint.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use crate::discord::endpoints::texts;
use crate::discord::ui::embed::{GREEN, GREY, mark, relative_or, target};
use crate::discord::ui::view::Pages;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::endpoints::endpoint::Endpoint;

/// Fifteen lines with the longest names stay within an embed's 4,096 characters.
pub(in crate::discord) const PER_PAGE: u32 = 15;

pub(in crate::discord) fn list(page: &[Endpoint], pages: Pages, all: bool) -> CreateEmbed {
    let title = if all {
        texts::endpoint_count(pages.total)
    } else {
        texts::active_endpoint_count(pages.total)
    };
    let lines: Vec<String> = page.iter().map(line).collect();
    let card = CreateEmbed::new()
        .title(title)
        .description(lines.join("\n"))
        .colour(if all { GREY } else { GREEN });
    match pages.footer() {
        Some(footer) => card.footer(CreateEmbedFooter::new(footer)),
        None => card,
    }
}

fn line(endpoint: &Endpoint) -> String {
    let state = &endpoint.state;
    let aside = match (state.status, &state.failure, endpoint.latency) {
        (Status::Online, _, Some(latency)) => text::latency(latency),
        (Status::Warning | Status::Offline, Some(failure), _) => {
            text::cut(&failure.to_string(), 60)
        }
        _ => state.status.as_str().to_owned(),
    };
    format!(
        "{} **{}** {} · {aside} · {}",
        mark(state.status),
        text::cut(&text::escape(&endpoint.description.name), 80),
        target(&endpoint.description.target),
        relative_or(endpoint.last_check_at, texts::NEVER_CHECKED),
    )
}
