//! The bot's presence: its activity text with the counts, and the status dot beside its name.

use strum::IntoStaticStr;

use crate::status::Status;
use crate::text;

/// The maximum length of an activity's name in Discord, in characters.
const LONGEST: usize = 128;

/// The status dot beside the bot's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum StatusDot {
    #[strum(serialize = "online")]
    Green,
    /// A monitor is in warning, and none is offline.
    Idle,
    /// A monitor is offline.
    #[strum(serialize = "dnd")]
    DoNotDisturb,
}

impl StatusDot {
    /// The name in Discord's presence update.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// A presence before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    pub dot: StatusDot,
    /// Shown after "Watching".
    pub text: String,
}

/// A presence to send to Discord. A new count of refreshes sends it again even if the presence has not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceUpdate {
    pub presence: Presence,
    /// Grows with every keep-alive.
    pub refreshes: u64,
}

/// The default of the setting for the text.
pub const DEFAULT_TEMPLATE: &str = "{online} of {total} monitors online · {offline} offline";

/// Returns the presence for these counts. Placeholders: `{online}`, `{total}`, `{offline}`, `{warning}`; paused monitors do
/// not count, and ` · 0 offline` is omitted.
pub fn presence(counts: &[(Status, u64)], template: &str) -> Presence {
    let count = |status| {
        counts
            .iter()
            .find(|(known, _)| *known == status)
            .map_or(0, |(_, count)| *count)
    };
    let (online, warning, offline) = (
        count(Status::Online),
        count(Status::Warning),
        count(Status::Offline),
    );
    let total = online + warning + offline + count(Status::Unknown);
    let dot = match (offline, warning) {
        (0, 0) => StatusDot::Green,
        (0, _) => StatusDot::Idle,
        _ => StatusDot::DoNotDisturb,
    };
    let template = if offline == 0 {
        template.replace(" · {offline} offline", "")
    } else {
        template.to_owned()
    };
    let filled = template
        .replace("{online}", &online.to_string())
        .replace("{total}", &total.to_string())
        .replace("{offline}", &offline.to_string())
        .replace("{warning}", &warning.to_string());
    Presence {
        dot,
        text: text::cut(&filled, LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dot_shows_the_worst_status_and_the_text_the_counts() {
        use Status::{Offline, Online, Paused, Unknown, Warning};
        for (counts, dot, text) in [
            (vec![], StatusDot::Green, "0 of 0 monitors online"),
            (
                vec![(Online, 45)],
                StatusDot::Green,
                "45 of 45 monitors online",
            ),
            (
                vec![(Online, 42), (Offline, 3)],
                StatusDot::DoNotDisturb,
                "42 of 45 monitors online · 3 offline",
            ),
            (
                vec![(Online, 44), (Warning, 1)],
                StatusDot::Idle,
                "44 of 45 monitors online",
            ),
            (
                vec![(Online, 1), (Warning, 1), (Offline, 1)],
                StatusDot::DoNotDisturb,
                "1 of 3 monitors online · 1 offline",
            ),
            (
                vec![(Online, 1), (Unknown, 1), (Paused, 7)],
                StatusDot::Green,
                "1 of 2 monitors online",
            ),
        ] {
            let shown = presence(&counts, DEFAULT_TEMPLATE);
            assert_eq!((shown.dot, shown.text.as_str()), (dot, text));
        }
    }

    #[test]
    fn a_custom_template_is_filled_and_truncated() {
        let counts = [(Status::Warning, 2)];
        assert_eq!(presence(&counts, "{warning}/{total}!").text, "2/2!");
        assert_eq!(
            presence(&counts, &"x".repeat(200)).text.chars().count(),
            128
        );
    }
}
