//! The list of offline endpoints: target, reason, start, last check and next recheck.

use std::time::Duration;

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use crate::discord::endpoints::texts;
use crate::discord::ui::embed::{RED, target};
use crate::discord::ui::view::Pages;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::schedule::next_recheck;
use crate::domain::{Timestamp, text};
use crate::store::endpoints::endpoint::Endpoint;

/// Ten entries with the longest names stay within an embed's 4,096 characters.
pub(in crate::discord) const PER_PAGE: u32 = 10;

/// The data from which the next recheck of an endpoint is computed.
#[derive(Clone, Copy, Debug)]
pub(in crate::discord) struct Rechecks {
    pub min_age: Duration,
    pub interval: Duration,
    pub last_run_at: Option<Timestamp>,
    pub now: Timestamp,
}

impl Rechecks {
    /// The endpoint's own next check if it has one, otherwise its turn in the recheck job.
    fn next(&self, endpoint: &Endpoint) -> Timestamp {
        let by_job = next_recheck(
            endpoint.recheck_counts_from,
            self.min_age,
            self.last_run_at,
            self.interval,
            self.now,
        );
        endpoint
            .next_check_at
            .map_or(by_job, |due| due.max(self.now))
    }
}

pub(in crate::discord) fn list(
    page: &[Endpoint],
    pages: Pages,
    reason: Option<FailureClass>,
    rechecks: &Rechecks,
) -> CreateEmbed {
    let entries: Vec<String> = page
        .iter()
        .map(|endpoint| entry(endpoint, rechecks))
        .collect();
    let card = CreateEmbed::new()
        .title(texts::offline_endpoint_count(pages.total, reason))
        .description(entries.join("\n"))
        .colour(RED);
    match pages.footer() {
        Some(footer) => card.footer(CreateEmbedFooter::new(footer)),
        None => card,
    }
}

fn entry(endpoint: &Endpoint, rechecks: &Rechecks) -> String {
    let state = &endpoint.state;
    format!(
        "🔴 **{}** {}\n{}",
        text::cut(&text::escape(&endpoint.description.name), 100),
        target(&endpoint.description.target),
        texts::outage(
            state.failure.as_ref(),
            state.since,
            endpoint.last_check_at,
            rechecks.next(endpoint),
        ),
    )
}
