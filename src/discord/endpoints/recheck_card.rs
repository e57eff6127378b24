//! The result of a recheck in one line, then the duration of each phase; and the summary of a recheck run.

use std::time::Duration;

use poise::serenity_prelude::CreateEmbed;

use crate::actions::endpoints::completed_check::Recorded;
use crate::actions::endpoints::recheck::Summary;
use crate::discord::endpoints::texts;
use crate::discord::ui::embed::{GREEN, RED, colour, mark, mention};
use crate::domain::endpoints::check_result::{Timings, Verdict};
use crate::domain::status::Status;
use crate::domain::status::transition::Transition;
use crate::domain::text;
use crate::store::endpoints::endpoint::Description;

/// The result of one endpoint's recheck.
pub(in crate::discord) fn result(description: &Description, recorded: &Recorded) -> CreateEmbed {
    let status = recorded.state.status;
    let transition = recorded.transition.as_ref();
    let recovered_after = transition.and_then(Transition::recovered_after);
    let title = match (&recorded.result.verdict, recovered_after) {
        (_, Some(length)) => texts::back_online_after(length),
        (Verdict::Up, _) => texts::ONLINE.to_owned(),
        (Verdict::Unknown(_), _) => texts::COULD_NOT_BE_CHECKED.to_owned(),
        (Verdict::Down(_), _) if recorded.status_before == Status::Offline => {
            texts::STILL_OFFLINE.to_owned()
        }
        (Verdict::Down(_), _) if status == Status::Offline => texts::OFFLINE.to_owned(),
        (Verdict::Down(_), _) => texts::WARNING.to_owned(),
    };
    let detail = match &recorded.result.verdict {
        Verdict::Up => texts::CHECK_PASSED.to_owned(),
        Verdict::Down(failure) => texts::reason(failure),
        Verdict::Unknown(problem) => texts::own_problem(&problem.to_string()),
    };
    // The last known status says nothing about a check that could not be run.
    let shown = match &recorded.result.verdict {
        Verdict::Unknown(_) => Status::Unknown,
        Verdict::Up | Verdict::Down(_) => status,
    };
    let card = CreateEmbed::new()
        .title(format!("{} {title}", mark(shown)))
        .description(format!("{}\n{detail}", mention(description)))
        .colour(colour(shown));
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
    CreateEmbed::new()
        .title(texts::recovered(summary.found, summary.reactivated))
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
