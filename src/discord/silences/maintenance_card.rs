//! The list of maintenance windows.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{AMBER, GREY, bold, relative};
use crate::domain::text;
use crate::store::silences::maintenance::{Maintenance, MaintenanceScope};

/// Maximum characters of a list; an embed's description allows 4,096.
const LIST: usize = 4_000;

pub(in crate::discord) fn list(known: &[Maintenance]) -> CreateEmbed {
    if known.is_empty() {
        return CreateEmbed::new()
            .title("No maintenance")
            .description(
                "Start it now with `/maintenance start`, or plan it with `/maintenance schedule`.",
            )
            .colour(GREY);
    }
    let running = known.iter().any(|one| one.is_running);
    let lines: Vec<String> = known.iter().map(line).collect();
    CreateEmbed::new()
        .title("Maintenance")
        .description(text::cut(&lines.join("\n"), LIST))
        .colour(if running { AMBER } else { GREY })
}

fn line(one: &Maintenance) -> String {
    let of = match &one.scope {
        MaintenanceScope::All => "everything".to_owned(),
        MaintenanceScope::Group(name) => format!("the group {}", text::escape(name)),
        MaintenanceScope::Some(monitors) => text::count(monitors.len() as u64, "monitor"),
    };
    let when = match one.is_running {
        true => format!("🟠 until {}", relative(one.window.ends_at)),
        false => format!(
            "⚪ <t:{}:f> ({}) for {}",
            one.window.starts_at.seconds(),
            relative(one.window.starts_at),
            text::duration(one.window.ends_at.since(one.window.starts_at))
        ),
    };
    let weekly = one.weekly.map_or(String::new(), |weekly| {
        let (hour, minute) = (weekly.minute / 60, weekly.minute % 60);
        format!(
            ", {} at {hour:02}:{minute:02} {}",
            weekly.days,
            weekly.zone.name()
        )
    });
    format!("{when} {} of {of}{weekly}", bold(&one.title))
}
