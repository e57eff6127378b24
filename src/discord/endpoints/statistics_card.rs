//! The card of a guild's endpoint statistics.

use std::time::Duration;

use poise::serenity_prelude::CreateEmbed;

use crate::actions::endpoints::summarize::Statistics;
use crate::discord::endpoints::texts;
use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED, relative, relative_or};
use crate::domain::Timestamp;
use crate::domain::endpoints::schedule::next_run;
use crate::domain::status::Status;

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
        .title(texts::endpoint_count(total))
        .description(counts(statistics))
        .colour(colour)
        .field("Reasons", reasons(statistics), false)
        .field("Longest outage", longest(statistics), false)
        .field(
            "Reactivated",
            texts::reactivated(statistics.reactivated_24h, statistics.reactivated_7d),
            false,
        );
    rechecks(card, statistics, recheck_interval, now)
}

fn counts(statistics: &Statistics) -> String {
    let total = statistics.total();
    let offline = statistics.count(Status::Offline);
    let active = total - offline - statistics.count(Status::Paused);
    let each = statistics
        .counts
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(status, number)| texts::with_status(*status, *number, total));
    let each: Vec<String> = each.collect();
    let lines = [
        texts::active(active, total),
        texts::inactive(offline, total),
        each.join(" · "),
    ];
    lines.join("\n")
}

fn reasons(statistics: &Statistics) -> String {
    if statistics.reasons.is_empty() {
        return texts::NONE.to_owned();
    }
    let each = statistics.reasons.iter();
    let each = each.map(|(reason, number)| texts::with_reason(*reason, *number));
    each.collect::<Vec<_>>().join(" · ")
}

fn longest(statistics: &Statistics) -> String {
    match &statistics.longest_offline {
        Some(endpoint) => texts::longest_outage(&endpoint.description, endpoint.state.since),
        None => texts::NONE.to_owned(),
    }
}

fn rechecks(
    card: CreateEmbed,
    statistics: &Statistics,
    interval: Duration,
    now: Timestamp,
) -> CreateEmbed {
    let last_at = statistics.last_recheck.as_ref().map(|run| run.started_at);
    card.field(
        texts::LAST_RECHECK_RUN,
        relative_or(last_at, texts::NEVER),
        true,
    )
    .field(
        texts::NEXT_RECHECK_RUN,
        relative(next_run(last_at, interval, now)),
        true,
    )
}
