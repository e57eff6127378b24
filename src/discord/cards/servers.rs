//! The cards of servers: status and reason, last samples, threshold suggestion.

use poise::serenity_prelude::CreateEmbed;

use super::{GREY, colour, mark, relative, relative_or};
use crate::actions::servers::manage_server::Standing;
use crate::actions::servers::server_stats;
use crate::actions::servers::suggest_thresholds::Suggestion;
use crate::domain::servers::threshold::Thresholds;
use crate::domain::servers::threshold_proposal::Replay;
use crate::domain::{Timestamp, text};
use crate::store::servers::server::Server;

/// Maximum servers on one card.
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

/// Maximum samples on the card of a server.
pub(in crate::discord) const SAMPLES: u32 = 3;

/// A server with its last samples, newest first, each a JSON object.
pub(in crate::discord) fn one(standing: &Standing, samples: &[(Timestamp, String)]) -> CreateEmbed {
    let (server, judgement) = (&standing.server, &standing.judgement);
    let expected = text::duration(standing.expected_interval);
    let intervals = if standing.should_alert {
        format!("every {expected}, and silent for more than twice that")
    } else {
        format!("every {expected}")
    };
    let note = match (server.thresholds, server.auto_thresholds) {
        (None, false) => " (the bot's own)",
        (None, true) => " (the bot's own), following its rhythm",
        (Some(_), false) => "",
        (Some(_), true) => ", following its rhythm",
    };
    let thresholds = format!("{}{note}", lengths(&standing.thresholds));
    let card = CreateEmbed::new()
        .title(format!(
            "{} {}",
            mark(judgement.status),
            text::cut(&text::escape(&server.name), 200)
        ))
        .description(format!(
            "{}: {}",
            judgement.status.as_str(),
            judgement.reason
        ))
        .colour(colour(judgement.status))
        .field(
            "Last report",
            relative_or(server.last_seen_at, "none yet"),
            true,
        )
        .field("Reports come", intervals, true)
        .field("On the roll since", relative(server.created_at), true)
        .field("Thresholds", thresholds, false);
    if samples.is_empty() {
        return card;
    }
    let lines: Vec<String> = samples.iter().map(sample).collect();
    card.field("Last samples", lines.join("\n"), false)
}

/// One sample in at most 300 characters, so that three fit into a field.
fn sample((at, stats): &(Timestamp, String)) -> String {
    let numbers: Vec<String> = server_stats::numbers(stats)
        .into_iter()
        .map(|(name, number)| format!("{name} {number}"))
        .collect();
    let figures = match numbers.is_empty() {
        true => "no figures".to_owned(),
        false => numbers.join(" · "),
    };
    format!(
        "{} {}",
        relative(*at),
        text::cut(&text::escape(&figures), 250)
    )
}

fn lengths(thresholds: &Thresholds) -> String {
    format!(
        "online {} · warning {} · offline {}",
        text::duration(thresholds.online()),
        text::duration(thresholds.warning()),
        text::duration(thresholds.offline())
    )
}

/// The thresholds suggested from a server's report interval, next to its current ones.
pub(in crate::discord) fn suggestion(server: &Server, found: &Suggestion) -> CreateEmbed {
    let described = |replay: Replay| {
        format!(
            "{} in the last 7 days, {} of them offline",
            text::count(replay.warnings as u64, "warning"),
            replay.offline
        )
    };
    let intervals = found.intervals;
    let title = format!(
        "Thresholds for {}",
        text::cut(&text::escape(&server.name), 200)
    );
    CreateEmbed::new()
        .title(title)
        .description(format!(
            "It reports every {}; of a hundred gaps, ninety-nine are no longer than {} ({} in 7 days).",
            text::duration(intervals.median),
            text::duration(intervals.percentile_99),
            text::count(intervals.gaps as u64, "gap")
        ))
        .colour(GREY)
        .field(
            "Today",
            format!("{}\n{}", lengths(&found.current), described(found.with_current)),
            false,
        )
        .field(
            "Proposed",
            format!("{}\n{}", lengths(&found.proposed), described(found.with_proposed)),
            false,
        )
}
