//! The status overview of a guild.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::monitors::texts;
use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED, colour, mark};
use crate::domain::status::Status;
use crate::store::monitors::monitor::Monitor;

/// Maximum monitors listed by name.
pub(in crate::discord) const LISTED: u32 = 25;

/// `not_set_up`: devices and servers that have not sent anything yet. They are unknown, but apart from endpoints that could
/// not be checked.
pub(in crate::discord) fn status(
    counts: &[(Status, u64)],
    not_set_up: u64,
    troubled: &[Monitor],
) -> CreateEmbed {
    let count = |status| {
        counts
            .iter()
            .find(|(known, _)| *known == status)
            .map_or(0, |(_, count)| *count)
    };
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return CreateEmbed::new()
            .title(texts::NO_MONITORS_TITLE)
            .description(texts::NO_MONITORS)
            .colour(GREY);
    }
    let (offline, warning) = (count(Status::Offline), count(Status::Warning));
    let worst = match (offline, warning) {
        (0, 0) => GREEN,
        (0, _) => AMBER,
        _ => RED,
    };
    let shown = |status| match status {
        Status::Unknown => count(status).saturating_sub(not_set_up),
        _ => count(status),
    };
    let mut each: Vec<String> = Status::ALL
        .iter()
        .copied()
        .filter(|status| shown(*status) > 0)
        .map(|status| format!("{} {} {}", mark(status), shown(status), status.as_str()))
        .collect();
    if not_set_up > 0 {
        each.push(texts::not_set_up(not_set_up));
    }
    let mut lines = vec![each.join(" · "), String::new()];
    lines.extend(troubled.iter().map(texts::monitor));
    let more = (offline + warning).saturating_sub(troubled.len() as u64);
    if more > 0 {
        lines.push(texts::more_monitors(more));
    }
    CreateEmbed::new()
        .title(texts::online_count(count(Status::Online), total))
        .description(lines.join("\n").trim_end().to_owned())
        .colour(worst)
}

/// One monitor with its status only.
pub(in crate::discord) fn one(monitor: &Monitor) -> CreateEmbed {
    CreateEmbed::new()
        .description(texts::monitor(monitor))
        .colour(colour(monitor.status))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::monitor::{MonitorId, MonitorKind};

    fn monitor(name: &str, kind: MonitorKind, status: Status) -> Monitor {
        Monitor {
            id: MonitorId(7),
            kind,
            name: name.to_owned(),
            status,
            since: NOW.minus(Duration::from_secs(420)),
        }
    }

    #[test]
    fn the_status_fits_with_the_longest_names() {
        let name = "*".repeat(64);
        let longest = monitor(&name, MonitorKind::Endpoint, Status::Offline);
        let troubled = vec![longest; LISTED as usize];
        fits(status(&[(Status::Offline, u64::MAX)], 0, &troubled));
    }

    #[test]
    fn cards_of_the_status() {
        let shop = || monitor("web *shop*", MonitorKind::Endpoint, Status::Offline);
        let server = || monitor("db-1", MonitorKind::Server, Status::Warning);
        let all = [
            (Status::Unknown, 1),
            (Status::Online, 40),
            (Status::Warning, 2),
            (Status::Offline, 3),
            (Status::Paused, 4),
        ];
        let cards = [
            status(&all, 1, &[shop(), server()]),
            status(&[(Status::Online, 1), (Status::Warning, 1)], 0, &[server()]),
            status(&[(Status::Online, 2)], 0, &[]),
            status(&[], 0, &[]),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @r"
        [red] 40 of 50 monitors online
        🟢 40 online · 🟡 2 warning · 🔴 3 offline · ⏸️ 4 paused · ⚪ 1 not set up yet

        🔴 **web \*shop\*** endpoint · went offline <t:1769860380:R>
        🟡 **db-1** server · in warning, changed <t:1769860380:R>
        … and 3 more monitors

        [amber] 1 of 2 monitors online
        🟢 1 online · 🟡 1 warning

        🟡 **db-1** server · in warning, changed <t:1769860380:R>

        [green] 2 of 2 monitors online
        🟢 2 online

        [grey] No monitors yet
        Add an endpoint with `/endpoint add`, a device with `/device add` or a server with `/server add`.
        ");
    }

    #[test]
    fn cards_of_one_monitor() {
        let cards = [
            one(&monitor("pump", MonitorKind::Device, Status::Online)),
            one(&monitor("db-1", MonitorKind::Server, Status::Offline)),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @"
        [green] 
        🟢 **pump** device · online, changed <t:1769860380:R>

        [red] 
        🔴 **db-1** server · went offline <t:1769860380:R>
        ");
    }
}
