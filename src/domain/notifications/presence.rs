//! The bot's presence: its activity text with the counts, and the status dot beside its name.

use std::fmt;

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

/// The placeholders of a template.
const PLACEHOLDERS: [&str; 4] = ["{online}", "{total}", "{offline}", "{warning}"];

/// Why a template of the presence is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceTemplateError {
    /// The text of the placeholder, with its braces.
    Unknown(String),
    /// A brace without its counterpart.
    Unbalanced(char),
}

impl fmt::Display for PresenceTemplateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(found) => write!(out, "{} is not a placeholder", text::code(found))?,
            Self::Unbalanced('{') => write!(out, "a `{{` has no `}}` behind it")?,
            Self::Unbalanced(_) => write!(out, "a `}}` has no `{{` before it")?,
        }
        write!(out, "; the placeholders are {}", PLACEHOLDERS.join(", "))
    }
}

/// Checks that every brace of a template belongs to a known placeholder.
///
/// # Errors
/// The first brace for which that does not hold.
pub fn check_template(template: &str) -> Result<(), PresenceTemplateError> {
    let mut rest = template;
    while let Some(start) = rest.find(['{', '}']) {
        rest = &rest[start..];
        if rest.starts_with('}') {
            return Err(PresenceTemplateError::Unbalanced('}'));
        }
        let end = rest[1..].find(['{', '}']).map(|end| end + 1);
        let Some(end) = end.filter(|end| rest[*end..].starts_with('}')) else {
            return Err(PresenceTemplateError::Unbalanced('{'));
        };
        let placeholder = &rest[..=end];
        if !PLACEHOLDERS.contains(&placeholder) {
            return Err(PresenceTemplateError::Unknown(text::cut(placeholder, 32)));
        }
        rest = &rest[end + 1..];
    }
    Ok(())
}

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
    fn a_brace_must_belong_to_a_known_placeholder() {
        assert_eq!(check_template(DEFAULT_TEMPLATE), Ok(()));
        assert_eq!(check_template("all fine"), Ok(()));
        assert_eq!(check_template("{warning}{total}"), Ok(()));
        let wrong = [
            "{foo} of {total}",
            "{}",
            "{Online}",
            "{online",
            "{online of {total}",
            "online} of {total}",
            "{total}}",
            "{{total}}",
            "`{a`b}",
        ];
        let sentences = wrong.map(|template| {
            let error = check_template(template).unwrap_err();
            format!("{template} -> {error}")
        });
        let list = "the placeholders are {online}, {total}, {offline}, {warning}";
        assert!(sentences.iter().all(|sentence| sentence.ends_with(list)));
        let starts = sentences.map(|sentence| sentence.replace(&format!("; {list}"), ""));
        assert_eq!(
            starts,
            [
                "{foo} of {total} -> `{foo}` is not a placeholder",
                "{} -> `{}` is not a placeholder",
                "{Online} -> `{Online}` is not a placeholder",
                "{online -> a `{` has no `}` behind it",
                "{online of {total} -> a `{` has no `}` behind it",
                "online} of {total} -> a `}` has no `{` before it",
                "{total}} -> a `}` has no `{` before it",
                "{{total}} -> a `{` has no `}` behind it",
                "`{a`b} -> `{a'b}` is not a placeholder",
            ]
        );
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
