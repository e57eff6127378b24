//! The card of a guild's endpoint statistics.

use std::time::Duration;

use poise::serenity_prelude::CreateEmbed;

use crate::actions::endpoints::summarize::Statistics;
use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED, mark, mention, relative, relative_or};
use crate::domain::endpoints::schedule::next_run;
use crate::domain::status::Status;
use crate::domain::{Timestamp, text};

pub(in crate::discord) fn statistics(
    statistics: &Statistics,
    recheck_interval: Duration,
    now: Timestamp,
) -> CreateEmbed {
    let total = statistics.total();
    let colour = match (
        statistics.count(Status::Offline),
        statistics.count(Status::Warning),
    ) {
        _ if total == 0 => GREY,
        (0, 0) => GREEN,
        (0, _) => AMBER,
        _ => RED,
    };
    let card = CreateEmbed::new()
        .title(text::count(total, "endpoint"))
        .description(counts(statistics))
        .colour(colour)
        .field("Why", reasons(statistics), false)
        .field("Longest outage", longest(statistics), false)
        .field(
            "Reactivated",
            format!(
                "{} in 24 h · {} in 7 d",
                statistics.reactivated_24h, statistics.reactivated_7d
            ),
            false,
        );
    rechecks(card, statistics, recheck_interval, now)
}

fn counts(statistics: &Statistics) -> String {
    let active =
        statistics.total() - statistics.count(Status::Offline) - statistics.count(Status::Paused);
    let mut lines = vec![
        format!("Active **{active}**{}", share(active, statistics.total())),
        format!(
            "Inactive **{}**{}",
            statistics.count(Status::Offline),
            share(statistics.count(Status::Offline), statistics.total())
        ),
    ];
    let each: Vec<String> = statistics
        .counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| {
            format!(
                "{} {count} {}{}",
                mark(*status),
                status.as_str(),
                share(*count, statistics.total())
            )
        })
        .collect();
    lines.push(each.join(" · "));
    lines.join("\n")
}

/// A share such as ` (12.5 %)`; empty if the total is 0.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share is shown with one decimal"
)]
fn share(count: u64, total: u64) -> String {
    if total == 0 {
        String::new()
    } else {
        format!(" ({:.1} %)", count as f64 * 100.0 / total as f64)
    }
}

fn reasons(statistics: &Statistics) -> String {
    if statistics.reasons.is_empty() {
        return "no endpoints are offline".to_owned();
    }
    let each: Vec<String> = statistics
        .reasons
        .iter()
        .map(|(class, count)| format!("{} × {count}", class.text()))
        .collect();
    each.join(" · ")
}

fn longest(statistics: &Statistics) -> String {
    match &statistics.longest_offline {
        Some(endpoint) => text::cut(
            &format!(
                "{} since {}",
                mention(&endpoint.description),
                relative(endpoint.state.since)
            ),
            1024,
        ),
        None => "no endpoints are offline".to_owned(),
    }
}

fn rechecks(
    card: CreateEmbed,
    statistics: &Statistics,
    interval: Duration,
    now: Timestamp,
) -> CreateEmbed {
    let last_at = statistics.last_recheck.as_ref().map(|run| run.started_at);
    card.field("Last recheck run", relative_or(last_at, "never"), true)
        .field(
            "Next recheck run",
            relative(next_run(last_at, interval, now)),
            true,
        )
}
