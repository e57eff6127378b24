//! What the bot's presence says: how many are online, and the light beside its name.

use super::status::Status;
use super::text;

/// What Discord takes of an activity's name, in characters.
const LONGEST: usize = 128;

/// The light beside the bot's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusDot {
    Green,
    /// Something is in warning.
    Idle,
    /// Something is offline.
    DoNotDisturb,
}

impl StatusDot {
    /// The word in Discord's presence update.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Green => "online",
            Self::Idle => "idle",
            Self::DoNotDisturb => "dnd",
        }
    }
}

/// A presence before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    pub dot: StatusDot,
    /// Shown behind "Watching".
    pub text: String,
}

/// What Discord is to show, and how often that was to be sent anew although nothing had changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceUpdate {
    pub presence: Presence,
    /// Grows with every keep-alive.
    pub refreshes: u64,
}

/// The text where the setting says nothing else.
pub const DEFAULT_TEMPLATE: &str = "{online} of {total} online · {offline} offline";

/// The presence for these counts. Placeholders: `{online}`, `{total}`, `{offline}`, `{warning}`; paused ones are not
/// counted, and ` · 0 offline` is left out.
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
    let said = template
        .replace("{online}", &online.to_string())
        .replace("{total}", &total.to_string())
        .replace("{offline}", &offline.to_string())
        .replace("{warning}", &warning.to_string());
    Presence {
        dot,
        text: text::cut(&said, LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_light_follows_the_worst_and_the_text_the_counts() {
        use Status::{Offline, Online, Paused, Unknown, Warning};
        for (counts, dot, said) in [
            (vec![], StatusDot::Green, "0 of 0 online"),
            (vec![(Online, 45)], StatusDot::Green, "45 of 45 online"),
            (
                vec![(Online, 42), (Offline, 3)],
                StatusDot::DoNotDisturb,
                "42 of 45 online · 3 offline",
            ),
            (
                vec![(Online, 44), (Warning, 1)],
                StatusDot::Idle,
                "44 of 45 online",
            ),
            (
                vec![(Online, 1), (Warning, 1), (Offline, 1)],
                StatusDot::DoNotDisturb,
                "1 of 3 online · 1 offline",
            ),
            (
                vec![(Online, 1), (Unknown, 1), (Paused, 7)],
                StatusDot::Green,
                "1 of 2 online",
            ),
        ] {
            let shown = presence(&counts, DEFAULT_TEMPLATE);
            assert_eq!((shown.dot, shown.text.as_str()), (dot, said));
        }
    }

    #[test]
    fn a_template_of_ones_own_is_filled_and_cut() {
        let counts = [(Status::Warning, 2)];
        assert_eq!(presence(&counts, "{warning}/{total}!").text, "2/2!");
        assert_eq!(
            presence(&counts, &"x".repeat(200)).text.chars().count(),
            128
        );
    }
}
