//! The result of a recheck in one line, then the duration of each phase; and the summary of a recheck run.

use std::time::Duration;

use poise::serenity_prelude::CreateEmbed;

use crate::actions::endpoints::completed_check::Recorded;
use crate::actions::endpoints::recheck::Summary;
use crate::discord::ui::embed::{GREEN, RED, colour, mark, mention};
use crate::domain::endpoints::check_result::{Timings, Verdict};
use crate::domain::endpoints::status_rule::StatusChange;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::endpoints::endpoint::Description;

/// The result of one endpoint's recheck.
pub(in crate::discord) fn result(description: &Description, recorded: &Recorded) -> CreateEmbed {
    let status = recorded.state.status;
    let title = match (&recorded.result.verdict, &recorded.change) {
        (_, Some(StatusChange::Recovered { down_for })) => {
            format!("Back online after {}", text::duration(*down_for))
        }
        (Verdict::Up, _) => "Online".to_owned(),
        (Verdict::Unknown(_), _) => "Could not be checked".to_owned(),
        (Verdict::Down(_), _) if recorded.status_before == Status::Offline => {
            "Still offline".to_owned()
        }
        (Verdict::Down(_), _) if status == Status::Offline => "Offline".to_owned(),
        (Verdict::Down(_), _) => "Failing".to_owned(),
    };
    let detail = match &recorded.result.verdict {
        Verdict::Up => "The check passed.".to_owned(),
        Verdict::Down(failure) => format!("Reason: {failure}"),
        Verdict::Unknown(why) => format!("Problem on Rollcall's side: {why}"),
    };
    let card = CreateEmbed::new()
        .title(format!("{} {title}", mark(status)))
        .description(format!("{}\n{detail}", mention(description)))
        .colour(colour(status));
    phases(card, &recorded.result.timings)
}

fn phases(mut card: CreateEmbed, timings: &Timings) -> CreateEmbed {
    let named = [
        ("Resolve", timings.resolve),
        ("Connect", timings.connect),
        ("TLS", timings.tls),
        ("First byte", timings.first_byte),
    ];
    for (name, length) in named {
        if let Some(length) = length {
            card = card.field(name, text::latency(length), true);
        }
    }
    if timings.total > Duration::ZERO {
        card = card.field("Total", text::latency(timings.total), true);
    }
    card
}

/// The summary of a recheck of all inactive endpoints of a guild.
pub(in crate::discord) fn run(summary: &Summary, took: Duration) -> CreateEmbed {
    let title = match (summary.found, summary.reactivated) {
        (0, _) => "No endpoints are offline".to_owned(),
        (_, 0) => "No endpoint recovered".to_owned(),
        (found, back) if found == back => format!("All {back} endpoints recovered"),
        (_, back) => format!("{back} endpoints recovered"),
    };
    CreateEmbed::new()
        .title(title)
        .colour(if summary.still_offline == 0 {
            GREEN
        } else {
            RED
        })
        .field("Checked", summary.found.to_string(), true)
        .field("Reactivated", summary.reactivated.to_string(), true)
        .field("Still offline", summary.still_offline.to_string(), true)
        .field("Took", text::duration(took), true)
}
