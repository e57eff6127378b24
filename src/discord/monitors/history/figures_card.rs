//! The figures of one monitor in a range.

use poise::serenity_prelude::CreateEmbed;

use super::texts;
use crate::actions::history::uptime::MonitorUptime;
use crate::discord::ui::embed::{GREEN, GREY, RED, date_and_time};
use crate::domain::history::range::HistoryRange;
use crate::domain::text;

/// `heading`: the range as members read it.
pub(super) fn figures(one: &MonitorUptime, range: HistoryRange, heading: String) -> CreateEmbed {
    let (monitor, summary) = (&one.monitor, &one.summary);
    let times = summary.times;
    let mut embed = CreateEmbed::new()
        .title(text::cut(&text::escape(&monitor.name), 200))
        .description(heading)
        .colour(match times.uptime() {
            _ if !times.offline.is_zero() => RED,
            Some(_) => GREEN,
            None => GREY,
        });
    for (name, value) in texts::figures(summary) {
        embed = embed.field(name, value, true);
    }
    if let Some(latencies) = texts::latencies(&one.latencies) {
        embed = embed.field(texts::latency_title(monitor.kind), latencies, false);
    }
    if let Some(exact_from) = one.exact_from(range) {
        embed = embed.field(texts::EXACT, texts::exact_from(exact_from), false);
    }
    if let Some(at) = monitor.removed_at {
        embed = embed.field(texts::REMOVED, date_and_time(at), false);
    }
    embed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::monitors::history::testing;
    use crate::discord::monitors::history::testing::MONTH;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::history::latency::bucket::LatencyBucket;
    use crate::domain::history::uptime::ClassTimes;
    use crate::domain::monitor::MonitorKind;
    use crate::domain::silences::maintenance::Tz;

    fn shown(one: &MonitorUptime) -> CreateEmbed {
        figures(one, MONTH, texts::range(MONTH, Tz::Europe__Berlin))
    }

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    fn often_offline() -> MonitorUptime {
        let mut often = testing::figures("web *shop*", 1296);
        often.summary.outages = 3;
        often.summary.longest_outage = Duration::from_secs(900);
        often.summary.mean_time_to_recovery = Some(Duration::from_secs(432));
        often.summary.blips = 2;
        for milliseconds in 1..=100 {
            let latency = Duration::from_millis(milliseconds);
            often.latencies.record(LatencyBucket::of(latency));
        }
        often
    }

    fn device() -> MonitorUptime {
        let times = ClassTimes {
            online: hours(600),
            maintenance: hours(107),
            unknown: hours(13),
            ..ClassTimes::default()
        };
        let mut device = testing::with_times("pump", times);
        device.monitor.kind = MonitorKind::Device;
        device.monitor.exact_from = Some(NOW.minus(hours(240)));
        let run = LatencyBucket::of(Duration::from_secs(90));
        device.latencies.record(run);
        device
    }

    #[test]
    fn figures_of_a_monitor() {
        let mut removed = testing::without_figure("old", 60);
        removed.monitor.removed_at = Some(NOW.minus(hours(48)));
        let cards = [shown(&often_offline()), shown(&device()), shown(&removed)];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @r"
        [red] web \*shop\*
        2026-01-01 13:00 to 2026-01-31 13:00 (Europe/Berlin)
        Uptime: 99.95 %
        Downtime: 21 min 36 s
        Outages: 3
        Longest outage: 15 min
        Mean time to recovery: 7 min 12 s
        Mean time between outages: 9 d 23 h
        Blips: 2
        Watched: 100 %
        Maintenance: 0 s
        Checks that passed: p50 50 ms · p95 94 ms · p99 98 ms

        [green] pump
        2026-01-01 13:00 to 2026-01-31 13:00 (Europe/Berlin)
        Uptime: 100 %
        Downtime: 0 s
        Outages: 0
        Longest outage: 0 s
        Mean time to recovery: –
        Mean time between outages: –
        Blips: 0
        Watched: 98.1 %
        Maintenance: 4 d 11 h
        Runs that succeeded: p50 89.3 s · p95 89.3 s · p99 89.3 s
        Exact: Before <t:1768996800:f>, figures of whole days (UTC)

        [red] old
        2026-01-01 13:00 to 2026-01-31 13:00 (Europe/Berlin)
        Uptime: not enough data
        Downtime: 1 min
        Outages: 1
        Longest outage: 1 min
        Mean time to recovery: 1 min
        Mean time between outages: 0 s
        Blips: 0
        Watched: 0.0 %
        Maintenance: 0 s
        Removed: <t:1769688000:f>
        ");
    }

    #[test]
    fn the_figures_fit_with_the_longest_name() {
        let mut longest = testing::figures(&"*".repeat(100), 86_399);
        longest.monitor.exact_from = Some(NOW);
        longest.monitor.removed_at = Some(NOW);
        longest
            .latencies
            .record(LatencyBucket::of(Duration::from_secs(86_400 * 100)));
        fits(shown(&longest));
    }
}
