//! Servers: how each stands, and why.

use poise::serenity_prelude::CreateEmbed;

use super::{GREY, colour, mark, relative, relative_or};
use crate::actions::manage_server::Standing;
use crate::domain::text;

/// Servers on one card.
const LISTED: usize = 25;

pub(in crate::discord) fn list(standings: &[Standing]) -> CreateEmbed {
    if standings.is_empty() {
        return CreateEmbed::new()
            .title("No server is on the roll")
            .description("`/server add` puts one on it and shows the key for its agent.")
            .colour(GREY);
    }
    let line = |standing: &Standing| {
        format!(
            "{} **{}** {}",
            mark(standing.judgement.status),
            text::cut(&text::escape(&standing.server.name), 80),
            standing.judgement.reason
        )
    };
    let mut lines: Vec<String> = standings.iter().take(LISTED).map(line).collect();
    if standings.len() > LISTED {
        lines.push(format!("… and {} more", standings.len() - LISTED));
    }
    CreateEmbed::new()
        .title(text::count(standings.len() as u64, "server"))
        .description(lines.join("\n"))
        .colour(GREY)
}

pub(in crate::discord) fn one(standing: &Standing) -> CreateEmbed {
    let (server, judgement) = (&standing.server, &standing.judgement);
    let expected = text::duration(standing.expected_interval);
    let rhythm = if standing.should_alert {
        format!("every {expected}, and silent for more than twice that")
    } else {
        format!("every {expected}")
    };
    CreateEmbed::new()
        .title(format!(
            "{} {}",
            mark(judgement.status),
            text::cut(&text::escape(&server.name), 200)
        ))
        .description(format!("{}: {}", judgement.status.word(), judgement.reason))
        .colour(colour(judgement.status))
        .field(
            "Last report",
            relative_or(server.last_seen_at, "none yet"),
            true,
        )
        .field("Reports come", rhythm, true)
        .field("On the roll since", relative(server.created_at), true)
}
