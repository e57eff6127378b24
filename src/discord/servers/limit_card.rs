//! The cards about limits on what a server reports: its limits with their states, and the first report with what it offers.

use poise::serenity_prelude::{Colour, CreateEmbed};

use crate::discord::servers::texts;
use crate::discord::ui::embed::{GREEN, GREY, colour};
use crate::domain::servers::metric_limit::Severity;
use crate::store::servers::metric_limit::StoredLimit;

/// Discord's limits for a field and for a description, in characters.
pub(super) const FIELD: usize = 1_024;
const DESCRIPTION: usize = 4_096;

/// Room for the line that counts the limits without a line of their own.
const LAST_LINE: usize = 30;

/// The limits of a server and how to set one. `figures`: the numbers of its latest report; `None` if none has arrived.
pub(super) fn one(
    name: &str,
    limits: &[StoredLimit],
    figures: Option<&[(String, f64)]>,
) -> CreateEmbed {
    let mut description = match limits {
        [] => texts::NO_LIMITS.to_owned(),
        limits => lines(
            limits,
            figures,
            DESCRIPTION - texts::NO_REPORT_YET.len() - 1,
        ),
    };
    if figures.is_none() {
        description = format!("{description}\n{}", texts::NO_REPORT_YET);
    }
    CreateEmbed::new()
        .title(texts::limits_title(name))
        .description(description)
        .colour(worst_colour(limits))
        .field(texts::SET_A_LIMIT, texts::HOW_TO_SET_A_LIMIT, false)
}

fn worst_colour(limits: &[StoredLimit]) -> Colour {
    let exceeded = limits.iter().filter(|one| one.progress.exceeded.is_some());
    let worst: Option<Severity> = exceeded.map(|one| one.limit.severity).max();
    match (worst, limits.is_empty()) {
        (Some(severity), _) => colour(severity.status()),
        (None, true) => GREY,
        (None, false) => GREEN,
    }
}

/// Limits in at most `length` characters, one line each. Those without room are counted in the last line.
pub(super) fn lines(
    limits: &[StoredLimit],
    figures: Option<&[(String, f64)]>,
    length: usize,
) -> String {
    let mut lines = Vec::new();
    let mut room = length.saturating_sub(LAST_LINE);
    for stored in limits {
        let line = texts::limit(stored, figures);
        let Some(rest) = room.checked_sub(line.chars().count() + 1) else {
            lines.push(texts::more_limits(limits.len() - lines.len()));
            break;
        };
        room = rest;
        lines.push(line);
    }
    lines.join("\n")
}

/// The first report of a new server.
pub(super) fn first_report(name: &str, figures: &[(String, f64)]) -> CreateEmbed {
    CreateEmbed::new()
        .title(texts::first_report_title(name))
        .description(texts::numbers(figures))
        .colour(GREEN)
}

#[cfg(test)]
#[path = "limit_card_tests.rs"]
mod tests;
