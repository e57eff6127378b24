//! The endpoint list: one line per endpoint.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use crate::discord::ui::embed::{GREEN, GREY, mark, relative_or, target};
use crate::discord::ui::view::Pages;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::endpoints::endpoint::Endpoint;

/// Fifteen lines with the longest names stay within an embed's 4,096 characters.
pub(in crate::discord) const PER_PAGE: u32 = 15;

pub(in crate::discord) const NO_ENDPOINTS: &str = "There are no endpoints yet. Add the first one with `/endpoint add target:https://example.org/`.";

pub(in crate::discord) const NONE_ACTIVE: &str = "There are no active endpoints. `/endpoints list all:True` also lists offline and paused endpoints.";

pub(in crate::discord) fn list(page: &[Endpoint], pages: Pages, all: bool) -> CreateEmbed {
    let title = if all {
        text::count(pages.total, "endpoint")
    } else {
        text::count(pages.total, "active endpoint")
    };
    let lines: Vec<String> = page.iter().map(line).collect();
    CreateEmbed::new()
        .title(title)
        .description(lines.join("\n"))
        .colour(if all { GREY } else { GREEN })
        .footer(CreateEmbedFooter::new(pages.footer()))
}

fn line(endpoint: &Endpoint) -> String {
    let state = &endpoint.state;
    let aside = match (state.status, &state.failure) {
        (Status::Online, _) => endpoint.latency.map(text::latency).unwrap_or_default(),
        (Status::Paused, _) => "paused".to_owned(),
        (Status::Unknown, _) => "not checked yet".to_owned(),
        (_, Some(failure)) => text::cut(&failure.to_string(), 60),
        (status, None) => status.as_str().to_owned(),
    };
    format!(
        "{} **{}** {} · {aside} · {}",
        mark(state.status),
        text::cut(&text::escape(&endpoint.description.name), 80),
        target(&endpoint.description.target),
        relative_or(endpoint.last_check_at, "never checked"),
    )
}
