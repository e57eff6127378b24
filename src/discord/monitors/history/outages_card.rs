//! The list of outages, one line for each.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use super::texts;
use crate::discord::ui::embed::{AMBER, GREEN, RED};
use crate::discord::ui::view::Pages;
use crate::domain::Timestamp;
use crate::store::incidents::outage_history::ListedOutage;

/// Ten outages with the longest names and reasons stay within an embed's 4,096 characters.
pub(super) const PER_PAGE: u32 = 10;

/// A page of outages, newest first.
pub(super) struct OutageList<'list> {
    /// The range, with the group or the monitor if there is one.
    pub heading: String,
    pub page: &'list [ListedOutage],
    /// Whether each line has the name of its monitor.
    pub has_names: bool,
}

pub(super) fn list(list: &OutageList<'_>, pages: Pages, now: Timestamp) -> CreateEmbed {
    let mut lines = vec![list.heading.clone(), String::new()];
    let line = |one| texts::outage(one, list.has_names, now);
    lines.extend(list.page.iter().map(line));
    if list.page.is_empty() {
        lines.push(texts::NO_OUTAGES.to_owned());
    }
    let has_open = list.page.iter().any(|one| one.ended.is_none());
    let embed = CreateEmbed::new()
        .title(texts::outage_count(pages.total))
        .description(lines.join("\n"))
        .colour(match list.page {
            [] => GREEN,
            _ if has_open => RED,
            _ => AMBER,
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
    use crate::discord::monitors::history::testing::MONTH;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::incidents::grouping::IncidentId;
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::domain::monitor::MonitorId;
    use crate::domain::silences::maintenance::Tz;
    use crate::domain::status::transition::OutageEnd;

    fn open(name: &str) -> ListedOutage {
        ListedOutage {
            monitor_id: MonitorId(7),
            name: Some(name.to_owned()),
            reason: OutageReason::UnexpectedStatus,
            detail: Some("503".to_owned()),
            started_at: NOW.minus(Duration::from_secs(420)),
            ended: None,
            is_in_maintenance: false,
            incident: Some(IncidentId(12)),
        }
    }

    fn ended(name: &str, end: OutageEnd) -> ListedOutage {
        ListedOutage {
            detail: None,
            ended: Some((NOW.minus(Duration::from_secs(300)), end)),
            incident: None,
            ..open(name)
        }
    }

    fn shown(page: &[ListedOutage], has_names: bool, total: u64) -> CreateEmbed {
        let range = texts::range(MONTH, Tz::UTC);
        let heading = match has_names {
            true => range,
            false => texts::of_monitor("shop", &range),
        };
        let of_page = OutageList {
            heading,
            page,
            has_names,
        };
        list(&of_page, Pages::new(1, total, PER_PAGE), NOW)
    }

    #[test]
    fn lists_of_outages() {
        let mut in_maintenance = ended("blog", OutageEnd::Recovered);
        in_maintenance.is_in_maintenance = true;
        let mut of_unknown = ended("", OutageEnd::Removed);
        of_unknown.name = None;
        let many = [
            open("web *shop*"),
            in_maintenance,
            ended("api", OutageEnd::Paused),
            ended("mail", OutageEnd::Retargeted),
            of_unknown,
        ];
        let cards = [
            shown(&many, true, 21),
            shown(&many[1..2], false, 1),
            shown(&[], true, 0),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @r"
        [red] 21 outages
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        🔴 **web \*shop\*** <t:1769860380:f> · 7 min so far · unexpected status (503) · incident #12
        🟢 **blog** <t:1769860380:f> · 2 min · unexpected status · in maintenance
        ⏸️ **api** <t:1769860380:f> · 2 min, then paused · unexpected status
        ⚪ **mail** <t:1769860380:f> · 2 min, then a new target · unexpected status
        ⚪ **a removed monitor** <t:1769860380:f> · 2 min, then removed · unexpected status
        — Page 1 of 3 · 21 in total

        [amber] 1 outage
        **shop** · 2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        🟢 <t:1769860380:f> · 2 min · unexpected status · in maintenance

        [green] 0 outages
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        There were no outages.
        ");
    }

    #[test]
    fn a_page_fits_with_the_longest_names_and_reasons() {
        let mut longest = open(&"*".repeat(100));
        longest.detail = Some("*".repeat(500));
        longest.reason = OutageReason::LimitOutage;
        longest.started_at = NOW.minus(Duration::from_secs(86_400 * 1825));
        longest.is_in_maintenance = true;
        longest.incident = Some(IncidentId(i64::MAX));
        let page = vec![longest; PER_PAGE as usize];
        let of_page = OutageList {
            heading: texts::of_group(
                &"*".repeat(64),
                &texts::range(MONTH, Tz::America__Argentina__ComodRivadavia),
            ),
            page: &page,
            has_names: true,
        };
        let pages = Pages::new(u32::MAX, u64::MAX, PER_PAGE);
        fits(list(&of_page, pages, NOW));
    }
}
