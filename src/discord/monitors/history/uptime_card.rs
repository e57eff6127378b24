//! The list of monitors with their uptime, one line for each.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use super::texts;
use crate::actions::history::uptime::MonitorUptime;
use crate::discord::ui::embed::{GREEN, GREY, RED};
use crate::discord::ui::view::Pages;
use crate::domain::history::range::HistoryRange;

/// Ten monitors with the longest names stay within an embed's 4,096 characters.
pub(super) const PER_PAGE: u32 = 10;

/// A page of monitors, the worst first.
pub(super) struct UptimeList<'list> {
    /// The range, and the group if there is one.
    pub heading: String,
    pub page: &'list [MonitorUptime],
    /// How many monitors of all pages had downtime.
    pub with_downtime: usize,
    pub range: HistoryRange,
}

pub(super) fn list(list: &UptimeList<'_>, pages: Pages) -> CreateEmbed {
    let has_figure = |one: &MonitorUptime| one.summary.times.uptime().is_some();
    let mut lines = vec![list.heading.clone(), String::new()];
    lines.extend(list.page.iter().map(|one| texts::uptime(one, list.range)));
    let embed = CreateEmbed::new()
        .title(texts::with_downtime(list.with_downtime, pages.total))
        .description(lines.join("\n"))
        .colour(match list.with_downtime {
            0 if list.page.iter().any(has_figure) => GREEN,
            0 => GREY,
            _ => RED,
        });
    match pages.footer() {
        Some(footer) => embed.footer(CreateEmbedFooter::new(footer)),
        None => embed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::monitors::history::testing::{MONTH, figures, with_times, without_figure};
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::history::uptime::ClassTimes;
    use crate::domain::silences::maintenance::Tz;

    fn shown(page: &[MonitorUptime], with_downtime: usize, total: u64) -> CreateEmbed {
        let of_page = UptimeList {
            heading: texts::range(MONTH, Tz::UTC),
            page,
            with_downtime,
            range: MONTH,
        };
        list(&of_page, Pages::new(1, total, PER_PAGE))
    }

    #[test]
    fn lists_of_uptime() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let mut removed = without_figure("old *box*", 60);
        removed.monitor.removed_at = Some(NOW.minus(hours(48)));
        let mut busy = with_times(
            "busy",
            ClassTimes {
                online: hours(600),
                maintenance: hours(107),
                unknown: hours(13),
                ..ClassTimes::default()
            },
        );
        busy.monitor.exact_from = Some(NOW.minus(hours(240)));
        let mut often = figures("shop", 1296);
        often.summary.outages = 3;
        let many = [
            often,
            figures("blog", 0),
            busy,
            removed,
            without_figure("new", 0),
        ];
        let all_down = [figures("shop", 30 * 86_400)];
        let cards = [
            shown(&many, 2, 45),
            shown(&many[1..2], 0, 1),
            shown(&many[4..], 0, 1),
            shown(&all_down, 1, 1),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @r"
        [red] 2 of 45 monitors had downtime
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        🔴 **shop** 99.95 % · 21 min 36 s of downtime in 3 outages
        🟢 **blog** 100 %
        🟢 **busy** 100 % · watched 98.1 % · 4 d 11 h of maintenance · figures of whole days (UTC) before <t:1768996800:f>
        🔴 **old \*box\*** not enough data · 1 min of downtime in 1 outage · watched 0.0 % · removed <t:1769688000:f>
        ⚪ **new** not enough data · watched 0.0 %
        — Page 1 of 5 · 45 in total

        [green] 0 of 1 monitor had downtime
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        🟢 **blog** 100 %

        [grey] 0 of 1 monitor had downtime
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        ⚪ **new** not enough data · watched 0.0 %

        [red] 1 of 1 monitor had downtime
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        🔴 **shop** 0.00 % · 30 d of downtime in 1 outage
        ");
    }

    #[test]
    fn a_page_fits_with_the_longest_names_and_figures() {
        for name in ["*".repeat(100), "\u{1F4A9}".repeat(100)] {
            let mut longest = with_times(
                &name,
                ClassTimes {
                    online: Duration::from_secs(86_400 * 1000 + 86_399),
                    offline: Duration::from_secs(86_400 * 300 + 86_399),
                    maintenance: Duration::from_secs(86_400 * 300 + 86_399),
                    unknown: Duration::from_secs(86_400 * 100),
                    ..ClassTimes::default()
                },
            );
            longest.summary.outages = u32::MAX;
            longest.monitor.exact_from = Some(NOW);
            longest.monitor.removed_at = Some(NOW);
            let page = vec![longest; PER_PAGE as usize];
            let of_page = UptimeList {
                heading: texts::of_group(
                    &"*".repeat(64),
                    &texts::range(MONTH, Tz::America__Argentina__ComodRivadavia),
                ),
                page: &page,
                with_downtime: usize::MAX,
                range: MONTH,
            };
            fits(list(&of_page, Pages::new(u32::MAX, u64::MAX, PER_PAGE)));
        }
    }
}
