//! The list of maintenance windows.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::silences::texts;
use crate::discord::ui::embed::{AMBER, GREY};
use crate::domain::{Timestamp, text};
use crate::store::silences::silence::Silence;

/// Maximum characters of a list; an embed's description allows 4,096.
const LIST: usize = 4_000;

pub(in crate::discord) fn list(known: &[Silence], now: Timestamp) -> CreateEmbed {
    if known.is_empty() {
        return CreateEmbed::new()
            .title(texts::EMPTY_LIST_TITLE)
            .description(texts::EMPTY_LIST)
            .colour(GREY);
    }
    let running = known.iter().any(|one| one.window.is_open(now));
    let lines: Vec<String> = known.iter().map(|one| texts::window(one, now)).collect();
    CreateEmbed::new()
        .title(texts::LIST_TITLE)
        .description(text::cut(&lines.join("\n"), LIST))
        .colour(if running { AMBER } else { GREY })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::silences::maintenance::{TimeWindow, WeekDays, Weekly, parse_zone};
    use crate::domain::silences::silence::{SilenceId, SilenceKind, SilenceScope};

    const TWO_HOURS: Duration = Duration::from_secs(7_200);

    /// Maintenance of two hours: running since half an hour, or starting in a day.
    fn maintenance(title: &str, scope: SilenceScope, is_running: bool) -> Silence {
        let starts_at = match is_running {
            true => NOW.minus(Duration::from_secs(1_800)),
            false => NOW.plus(Duration::from_secs(86_400)),
        };
        Silence {
            kind: SilenceKind::Maintenance,
            id: SilenceId(1),
            guild_id: GuildId(1),
            title: title.to_owned(),
            scope,
            window: TimeWindow {
                starts_at,
                ends_at: starts_at.plus(TWO_HOURS),
            },
            weekly: None,
            is_started: is_running,
        }
    }

    fn weekly(days: &str, zone: &str, known: Silence) -> Silence {
        let weekly = Weekly {
            days: WeekDays::parse(days).unwrap(),
            minute: 22 * 60 + 30,
            length: TWO_HOURS,
            zone: parse_zone(zone).unwrap(),
        };
        Silence {
            weekly: Some(weekly),
            ..known
        }
    }

    fn group(name: &str) -> SilenceScope {
        SilenceScope::Group(name.to_owned())
    }

    #[test]
    fn the_list_says_what_each_window_covers_and_when_it_runs() {
        let known = [
            maintenance("updates", SilenceScope::All, true),
            weekly(
                "daily",
                "UTC",
                maintenance("backup", group("databases"), true),
            ),
            maintenance(
                "move",
                SilenceScope::Some(vec![MonitorId(1), MonitorId(2)]),
                false,
            ),
            weekly(
                "mon,thu",
                "Europe/Berlin",
                maintenance("patching", SilenceScope::Some(vec![MonitorId(1)]), false),
            ),
        ];
        insta::assert_snapshot!(card_text(list(&known, NOW)), @"
        [amber] Maintenance
        🟠 **updates** (all monitors): running until <t:1769866200:f>
        🟠 **backup** (group databases): running until <t:1769866200:f>, repeats daily at 22:30 (UTC)
        ⚪ **move** (2 monitors): starts <t:1769947200:R> (<t:1769947200:f>) and lasts 2 h
        ⚪ **patching** (1 monitor): starts <t:1769947200:R> (<t:1769947200:f>), lasts 2 h, repeats mon,thu at 22:30 (Europe/Berlin)
        ");
    }

    #[test]
    fn the_list_is_grey_without_running_maintenance() {
        let known = [maintenance("move", SilenceScope::All, false)];
        insta::assert_snapshot!(card_text(list(&known, NOW)), @"
        [grey] Maintenance
        ⚪ **move** (all monitors): starts <t:1769947200:R> (<t:1769947200:f>) and lasts 2 h
        ");
    }

    #[test]
    fn the_empty_list_says_how_to_add_maintenance() {
        insta::assert_snapshot!(card_text(list(&[], NOW)), @"
        [grey] No maintenance
        Start it now with `/maintenance start`, or plan it with `/maintenance schedule`.
        ");
    }

    #[test]
    fn the_longest_list_fits() {
        let long = "*".repeat(64);
        let one = maintenance(&long, group(&long), false);
        let known = vec![weekly("mon,tue,wed,thu,fri,sat", "Europe/Berlin", one); 50];
        fits(list(&known, NOW));
    }
}
