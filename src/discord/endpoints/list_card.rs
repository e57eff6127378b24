//! The endpoint list: one line per endpoint.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use crate::discord::ui::embed::{GREEN, GREY, mark, relative_or, target};
use crate::discord::ui::view::Pages;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::endpoints::endpoint::Endpoint;

/// Fifteen lines with the longest names stay within an embed's 4,096 characters.
pub(in crate::discord) const PER_PAGE: u32 = 15;

pub(in crate::discord) const NO_ENDPOINTS: &str = "The roll of this server is empty. `/endpoint add target:https://example.org/` puts the first endpoint on it.";

pub(in crate::discord) const NONE_ACTIVE: &str = "No endpoint is active here. `/endpoints list all:True` shows the whole roll, with what is offline or paused.";

pub(in crate::discord) fn list(page: &[Endpoint], pages: Pages, all: bool) -> CreateEmbed {
    let title = if all {
        format!("{} on the roll", pages.total)
    } else {
        format!("{} active", pages.total)
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
        (Status::Unknown, _) => "not looked at yet".to_owned(),
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
