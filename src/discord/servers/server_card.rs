//! The cards of servers: status and reason, last samples, threshold suggestion.

use poise::serenity_prelude::CreateEmbed;

use crate::actions::servers::figures;
use crate::actions::servers::manage_server::Standing;
use crate::actions::servers::suggest_thresholds::Suggestion;
use crate::discord::servers::{limit_card, texts};
use crate::discord::ui::embed::{GREY, colour, mark, relative, relative_or};
use crate::domain::text;
use crate::store::servers::server::{Sample, Server};

/// Maximum servers on one card.
const LISTED: usize = 25;

pub(in crate::discord) fn list(standings: &[Standing]) -> CreateEmbed {
    if standings.is_empty() {
        return CreateEmbed::new()
            .title(texts::NO_SERVERS)
            .description(texts::HOW_TO_ADD)
            .colour(GREY);
    }
    let line = |standing: &Standing| {
        let Server { id, name, .. } = &standing.server;
        texts::listed(*id, name, &standing.judgement)
    };
    let mut lines: Vec<String> = standings.iter().take(LISTED).map(line).collect();
    if standings.len() > LISTED {
        lines.push(texts::more(standings.len() - LISTED));
    }
    CreateEmbed::new()
        .title(texts::list_title(standings.len()))
        .description(lines.join("\n"))
        .colour(GREY)
}

/// Maximum samples on the card of a server.
pub(in crate::discord) const SAMPLES: u32 = 3;

/// A server with its last samples, newest first, each a JSON object.
pub(in crate::discord) fn one(standing: &Standing, samples: &[Sample]) -> CreateEmbed {
    let (server, judgement) = (&standing.server, &standing.judgement);
    let figures = samples.first().map(|sample| figures::of(&sample.stats));
    let intervals = texts::report_interval(standing.expected_interval, standing.should_alert);
    let thresholds = texts::thresholds(
        &standing.thresholds,
        server.thresholds.is_none(),
        server.auto_thresholds,
    );
    let card = CreateEmbed::new()
        .title(format!(
            "{} {}",
            mark(judgement.shown_status()),
            text::cut(&text::escape(&server.name), 200)
        ))
        .description(texts::status(judgement))
        .colour(colour(judgement.shown_status()))
        .field(
            "Last report",
            relative_or(server.last_seen_at, "never"),
            true,
        )
        .field("Report interval", intervals, true)
        .field("Added", relative(server.created_at), true)
        .field("Thresholds", thresholds, false);
    let card = match standing.limits.as_slice() {
        [] => card,
        limits => card.field(
            texts::LIMITS,
            limit_card::lines(limits, figures.as_deref(), limit_card::FIELD),
            false,
        ),
    };
    if samples.is_empty() {
        return card;
    }
    let line = |sample: &Sample| texts::sample(sample.at, &figures::of(&sample.stats));
    let lines: Vec<String> = samples.iter().map(line).collect();
    card.field("Latest metrics", lines.join("\n"), false)
}

/// The thresholds suggested from a server's report interval, next to its current ones.
pub(in crate::discord) fn suggestion(server: &Server, found: &Suggestion) -> CreateEmbed {
    CreateEmbed::new()
        .title(texts::suggestion_title(&server.name))
        .description(texts::report_intervals(&found.intervals))
        .colour(GREY)
        .field(
            "Current",
            texts::replayed(&found.current, found.with_current),
            false,
        )
        .field(
            "Proposed",
            texts::replayed(&found.proposed, found.with_proposed),
            false,
        )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::servers::metric_limit::{
        Condition, LimitId, LimitProgress, MOST_LIMITS, MetricLimit, Severity,
    };
    use crate::domain::servers::report_interval;
    use crate::domain::servers::threshold::{Reports, Thresholds, judge};
    use crate::domain::servers::threshold_proposal::{Replay, ReportIntervals};
    use crate::domain::status::Status;
    use crate::store::servers::metric_limit::StoredLimit;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn cards_of_servers_fit_with_the_longest_texts() {
        let sample = Sample {
            at: NOW,
            stats: format!(r#"{{"metrics":{{"{}":1}}}}"#, "*".repeat(1_000)),
        };
        let server = Server {
            id: MonitorId(i64::MAX),
            name: "*".repeat(64),
            auto_thresholds: true,
            ..reported(Duration::from_secs(999_999))
        };
        let standing = standing(server);
        fits(one(&standing, &vec![sample.clone(); SAMPLES as usize]));
        let metric = "_".repeat(128);
        let standing = with_limits(standing, &vec![metric.as_str(); MOST_LIMITS]);
        fits(one(&standing, &vec![sample; SAMPLES as usize]));
        fits(suggestion(&standing.server, &longest_suggestion()));
        fits(list(&vec![standing; 1_000]));
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

    /// A server with the default thresholds that reported this long ago.
    fn reported(ago: Duration) -> Server {
        Server {
            id: MonitorId(7),
            guild_id: GuildId(1),
            name: "db-1".into(),
            status: Status::Online,
            since: NOW.minus(MINUTE * 600),
            is_active: true,
            last_seen_at: Some(NOW.minus(ago)),
            thresholds: None,
            auto_thresholds: false,
            thresholds_followed_at: None,
            created_at: NOW.minus(MINUTE * 6_000),
            exceeded: None,
        }
    }

    fn not_set_up() -> Server {
        Server {
            name: "db-2".into(),
            last_seen_at: None,
            ..reported(MINUTE)
        }
    }

    fn inactive() -> Server {
        Server {
            name: "db-3".into(),
            is_active: false,
            ..reported(MINUTE)
        }
    }

    /// A server that reports every minute, as it is judged at `NOW`.
    fn standing(server: Server) -> Standing {
        let reports = Reports {
            last_seen: server.last_seen_at,
            is_active: server.is_active,
        };
        let thresholds = server.thresholds.unwrap_or(Thresholds::DEFAULT);
        Standing {
            thresholds,
            judgement: judge(reports, &thresholds, NOW),
            expected_interval: Some(MINUTE),
            should_alert: report_interval::should_alert(reports, MINUTE, NOW),
            limits: Vec::new(),
            server,
        }
    }

    /// A server with limits that are exceeded.
    fn with_limits(standing: Standing, metrics: &[&str]) -> Standing {
        let limits = metrics.iter().map(|metric| StoredLimit {
            id: LimitId(1),
            limit: MetricLimit {
                metric: metric.parse().unwrap(),
                condition: Condition::Above(90.0),
                hold: MINUTE * 5,
                severity: Severity::Outage,
            },
            progress: LimitProgress {
                beyond_since: Some(NOW.minus(MINUTE)),
                exceeded: Some("beyond it".to_owned()),
                last_value: None,
            },
        });
        let limits = limits.collect();
        Standing { limits, ..standing }
    }

    #[test]
    fn the_card_of_a_server_with_limits_shows_each() {
        let standing = with_limits(standing(reported(MINUTE / 2)), &["cpu", "disk"]);
        let sample = Sample {
            at: NOW.minus(MINUTE / 2),
            stats: r#"{"cpu":95}"#.to_owned(),
        };
        let card = card_text(one(&standing, &[sample]));
        let lines: Vec<&str> = card.lines().skip(5).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        Thresholds: online 5 min · warning 1 h · offline 2 h (default)
        Limits: 🔴 **cpu above 90 for 5 min** (outage): exceeded since <t:1769860740:f> · now cpu at 95
        🔴 **disk above 90 for 5 min** (outage): exceeded since <t:1769860740:f> · not in the latest report
        Latest metrics: <t:1769860770:R> · cpu 95
        ");
    }

    #[test]
    fn lists_of_servers() {
        insta::assert_snapshot!(card_text(list(&[])), @"
        [grey] No servers yet
        Add one with `/server add`, which shows the key for its agent.
        ");
        let servers = [
            reported(MINUTE / 2),
            reported(MINUTE * 10),
            reported(MINUTE * 180),
            not_set_up(),
            inactive(),
        ];
        insta::assert_snapshot!(card_text(list(&servers.map(standing))), @"
        [grey] 5 servers
        🟢 **db-1** · `#7` · last report 30 s ago, within 5 min
        🟡 **db-1** · `#7` · last report 10 min ago, more than 5 min
        🔴 **db-1** · `#7` · last report 3 h ago, more than 2 h
        ⚪ **db-2** · `#7` · not set up yet: its agent has not sent a report
        ⏸️ **db-3** · `#7` · paused, so no reports are expected
        ");
        let long = card_text(list(&vec![standing(reported(MINUTE)); LISTED + 2]));
        insta::assert_snapshot!(long.lines().next_back().unwrap(), @"… and 2 more servers");
    }

    #[test]
    fn cards_of_servers() {
        let samples = [r#"{"cpu":12.5,"load":[0.5,1]}"#, r#"{"os":"Linux"}"#];
        let samples = samples.map(|stats| Sample {
            at: NOW.minus(MINUTE / 2),
            stats: stats.to_owned(),
        });
        let online = standing(reported(MINUTE / 2));
        insta::assert_snapshot!(card_text(one(&online, &samples)), @"
        [green] 🟢 db-1
        online: last report 30 s ago, within 5 min
        Last report: <t:1769860770:R>
        Report interval: every 1 min
        Added: <t:1769500800:R>
        Thresholds: online 5 min · warning 1 h · offline 2 h (default)
        Latest metrics: <t:1769860770:R> · cpu 12.5 · load.0 0.5 · load.1 1
        <t:1769860770:R> · no metrics
        ");
        let overdue = standing(Server {
            thresholds: Thresholds::new(MINUTE * 2, MINUTE * 24, MINUTE * 48).ok(),
            auto_thresholds: true,
            ..reported(MINUTE * 10)
        });
        insta::assert_snapshot!(card_text(one(&overdue, &[])), @"
        [amber] 🟡 db-1
        warning: last report 10 min ago, more than 2 min
        Last report: <t:1769860200:R>
        Report interval: every 1 min, overdue now
        Added: <t:1769500800:R>
        Thresholds: online 2 min · warning 24 min · offline 48 min, adjusted automatically
        ");
        let new = standing(not_set_up());
        insta::assert_snapshot!(card_text(one(&new, &[])), @"
        [grey] ⚪ db-2
        not set up yet: its agent has not sent a report
        Last report: never
        Report interval: every 1 min
        Added: <t:1769500800:R>
        Thresholds: online 5 min · warning 1 h · offline 2 h (default)
        ");
        let inactive = standing(inactive());
        insta::assert_snapshot!(card_text(one(&inactive, &[])), @"
        [grey] ⏸️ db-3
        paused, so no reports are expected
        Last report: <t:1769860740:R>
        Report interval: every 1 min
        Added: <t:1769500800:R>
        Thresholds: online 5 min · warning 1 h · offline 2 h (default)
        ");
    }

    #[test]
    fn cards_of_suggestions() {
        let found = Suggestion {
            intervals: ReportIntervals {
                gaps: 10_051,
                median: MINUTE,
                percentile_99: MINUTE * 2,
            },
            current: Thresholds::DEFAULT,
            proposed: Thresholds::new(MINUTE * 2, MINUTE * 24, MINUTE * 48).unwrap(),
            with_current: Replay {
                warnings: 1,
                offline: 0,
            },
            with_proposed: Replay {
                warnings: 4,
                offline: 1,
            },
        };
        let card = suggestion(&reported(MINUTE), &found);
        insta::assert_snapshot!(card_text(card), @"
        [grey] Thresholds for db-1
        This server reports every 1 min. In the last 7 days, 99% of its 10051 report intervals were at most 2 min.
        Current: online 5 min · warning 1 h · offline 2 h
        With these thresholds, the server would have had 1 warning in the last 7 days and never been offline.
        Proposed: online 2 min · warning 24 min · offline 48 min
        With these thresholds, the server would have had 4 warnings in the last 7 days and been offline 1 time.
        ");
    }
}
