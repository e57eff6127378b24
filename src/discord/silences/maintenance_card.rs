//! The list of maintenance windows.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::silences::texts;
use crate::discord::ui::embed::{AMBER, GREY};
use crate::domain::text;
use crate::store::silences::maintenance::Maintenance;

/// Maximum characters of a list; an embed's description allows 4,096.
const LIST: usize = 4_000;

pub(in crate::discord) fn list(known: &[Maintenance]) -> CreateEmbed {
    if known.is_empty() {
        return CreateEmbed::new()
            .title(texts::EMPTY_LIST_TITLE)
            .description(texts::EMPTY_LIST)
            .colour(GREY);
    }
    let running = known.iter().any(|one| one.is_running);
    let lines: Vec<String> = known.iter().map(texts::window).collect();
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
    use crate::store::silences::maintenance::{MaintenanceId, MaintenanceScope};

    const TWO_HOURS: Duration = Duration::from_secs(7_200);

    /// Maintenance of two hours: running since half an hour, or starting in a day.
    fn maintenance(title: &str, scope: MaintenanceScope, is_running: bool) -> Maintenance {
        let starts_at = match is_running {
            true => NOW.minus(Duration::from_secs(1_800)),
            false => NOW.plus(Duration::from_secs(86_400)),
        };
        Maintenance {
            id: MaintenanceId(1),
            guild_id: GuildId(1),
            title: title.to_owned(),
            scope,
            window: TimeWindow {
                starts_at,
                ends_at: starts_at.plus(TWO_HOURS),
            },
            weekly: None,
            is_running,
            discord_event: None,
        }
    }

    fn weekly(days: &str, zone: &str, known: Maintenance) -> Maintenance {
        let weekly = Weekly {
            days: WeekDays::parse(days).unwrap(),
            minute: 22 * 60 + 30,
            length: TWO_HOURS,
            zone: parse_zone(zone).unwrap(),
        };
        Maintenance {
            weekly: Some(weekly),
            ..known
        }
    }

    fn group(name: &str) -> MaintenanceScope {
        MaintenanceScope::Group(name.to_owned())
    }

    #[test]
    fn the_list_says_what_each_window_covers_and_when_it_runs() {
        let known = [
            maintenance("updates", MaintenanceScope::All, true),
            weekly(
                "daily",
                "UTC",
                maintenance("backup", group("databases"), true),
            ),
            maintenance(
                "move",
                MaintenanceScope::Some(vec![MonitorId(1), MonitorId(2)]),
                false,
            ),
            weekly(
                "mon,thu",
                "Europe/Berlin",
                maintenance(
                    "patching",
                    MaintenanceScope::Some(vec![MonitorId(1)]),
                    false,
                ),
            ),
        ];
        insta::assert_snapshot!(card_text(list(&known)), @"
        [amber] Maintenance
        🟠 **updates** (all monitors): running until <t:1769866200:f>
        🟠 **backup** (group databases): running until <t:1769866200:f>, repeats daily at 22:30 (UTC)
        ⚪ **move** (2 monitors): starts <t:1769947200:R> (<t:1769947200:f>) and lasts 2 h
        ⚪ **patching** (1 monitor): starts <t:1769947200:R> (<t:1769947200:f>), lasts 2 h, repeats mon,thu at 22:30 (Europe/Berlin)
        ");
    }

    #[test]
    fn the_list_is_grey_without_running_maintenance() {
        let known = [maintenance("move", MaintenanceScope::All, false)];
        insta::assert_snapshot!(card_text(list(&known)), @"
        [grey] Maintenance
        ⚪ **move** (all monitors): starts <t:1769947200:R> (<t:1769947200:f>) and lasts 2 h
        ");
    }

    #[test]
    fn the_empty_list_says_how_to_add_maintenance() {
        insta::assert_snapshot!(card_text(list(&[])), @"
        [grey] No maintenance
        Start it now with `/maintenance start`, or plan it with `/maintenance schedule`.
        ");
    }

    #[test]
    fn the_longest_list_fits() {
        let long = "*".repeat(64);
        let one = maintenance(&long, group(&long), false);
        let known = vec![weekly("mon,tue,wed,thu,fri,sat", "Europe/Berlin", one); 50];
        fits(list(&known));
    }
}
