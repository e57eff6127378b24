//! The cards of servers: status and reason, last samples, threshold suggestion.

use poise::serenity_prelude::CreateEmbed;

use crate::actions::servers::manage_server::Standing;
use crate::actions::servers::server_stats;
use crate::actions::servers::suggest_thresholds::Suggestion;
use crate::discord::ui::embed::{GREY, colour, mark, relative, relative_or};
use crate::domain::servers::threshold::Thresholds;
use crate::domain::servers::threshold_proposal::Replay;
use crate::domain::text;
use crate::store::servers::server::{Sample, Server};

/// Maximum servers on one card.
const LISTED: usize = 25;

pub(in crate::discord) fn list(standings: &[Standing]) -> CreateEmbed {
    if standings.is_empty() {
        return CreateEmbed::new()
            .title("No servers yet")
            .description("Add one with `/server add`, which shows the key for its agent.")
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
pub(in crate::discord) fn one(standing: &Standing, samples: &[Sample]) -> CreateEmbed {
    let (server, judgement) = (&standing.server, &standing.judgement);
    let expected = text::duration(standing.expected_interval);
    let intervals = if standing.should_alert {
        format!("every {expected}, overdue now")
    } else {
        format!("every {expected}")
    };
    let note = match (server.thresholds, server.auto_thresholds) {
        (None, false) => " (default)",
        (None, true) => " (default), adjusted automatically",
        (Some(_), false) => "",
        (Some(_), true) => ", adjusted automatically",
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
            relative_or(server.last_seen_at, "never"),
            true,
        )
        .field("Report interval", intervals, true)
        .field("Added", relative(server.created_at), true)
        .field("Thresholds", thresholds, false);
    if samples.is_empty() {
        return card;
    }
    let lines: Vec<String> = samples.iter().map(sample).collect();
    card.field("Last samples", lines.join("\n"), false)
}

/// One sample in at most 300 characters, so that three fit into a field.
fn sample(sample: &Sample) -> String {
    let numbers: Vec<String> = server_stats::numbers(&sample.stats)
        .into_iter()
        .map(|(name, number)| format!("{name} {number}"))
        .collect();
    let figures = match numbers.is_empty() {
        true => "no figures".to_owned(),
        false => numbers.join(" · "),
    };
    format!(
        "{} {}",
        relative(sample.at),
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
            "It reports every {}, and 99 % of the intervals are at most {} ({} in 7 days).",
            text::duration(intervals.median),
            text::duration(intervals.percentile_99),
            text::count(intervals.gaps as u64, "gap")
        ))
        .colour(GREY)
        .field(
            "Today",
            format!(
                "{}\n{}",
                lengths(&found.current),
                described(found.with_current)
            ),
            false,
        )
        .field(
            "Proposed",
            format!(
                "{}\n{}",
                lengths(&found.proposed),
                described(found.with_proposed)
            ),
            false,
        )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::actions::servers::manage_server::Standing;
    use crate::actions::servers::suggest_thresholds::Suggestion;
    use crate::discord::ui::embed_testing::NOW;
    use crate::discord::ui::embed_testing::fits;
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::servers::threshold::Reports;
    use crate::domain::servers::threshold::Thresholds;
    use crate::domain::servers::threshold::judge;
    use crate::domain::servers::threshold_proposal::Replay;
    use crate::domain::servers::threshold_proposal::ReportIntervals;
    use crate::domain::status::Status;
    use crate::store::servers::server::Server;

    #[test]
    fn cards_of_servers_fit_with_the_longest_texts() {
        let sample = Sample {
            at: NOW,
            stats: format!(r#"{{"metrics":{{"{}":1}}}}"#, "*".repeat(1_000)),
        };
        let standing = longest_standing();
        fits(one(&standing, &vec![sample; SAMPLES as usize]));
        fits(suggestion(&standing.server, &longest_suggestion()));
        fits(list(&vec![longest_standing(); 1_000]));
    }

    fn longest_suggestion() -> Suggestion {
        let longest = Duration::from_secs(30 * 24 * 3600 - 1);
        let replay = Replay {
            warnings: usize::MAX,
            offline: usize::MAX,
        };
        Suggestion {
            intervals: ReportIntervals {
                gaps: usize::MAX,
                median: longest,
                percentile_99: longest,
            },
            current: Thresholds::DEFAULT,
            proposed: Thresholds::DEFAULT,
            with_current: replay,
            with_proposed: replay,
        }
    }

    fn longest_standing() -> Standing {
        let reports = Reports {
            last_seen: Some(NOW),
            is_active: true,
        };
        let later = NOW.plus(Duration::from_secs(999_999));
        Standing {
            thresholds: Thresholds::DEFAULT,
            server: Server {
                id: MonitorId(i64::MAX),
                guild_id: GuildId(1),
                name: "*".repeat(64),
                status: Status::Online,
                since: NOW,
                is_active: true,
                last_seen_at: Some(NOW),
                auto_thresholds: true,
                thresholds_followed_at: Some(NOW),
                thresholds: None,
                created_at: NOW,
            },
            judgement: judge(reports, &Thresholds::DEFAULT, later),
            expected_interval: Duration::from_secs(3_600),
            should_alert: true,
        }
    }
}
