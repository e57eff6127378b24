//! The steps of the setup of a guild, and the custom ids of its buttons and menus.

use crate::domain::endpoints::target::Target;

/// Discord's limit for a custom id, in characters.
pub(super) const CUSTOM_ID_LENGTH: usize = 100;

/// A step of the setup. Each is a screen of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetupStep {
    /// Choosing the alert channel. All others need it.
    Channel,
    /// Choosing the on-call role.
    Role,
    /// Adding an endpoint.
    Endpoint,
    /// Sending a test alert.
    Test,
}

impl SetupStep {
    /// All steps, in their order.
    pub(in crate::discord) const ALL: [Self; 4] =
        [Self::Channel, Self::Role, Self::Endpoint, Self::Test];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Role => "role",
            Self::Endpoint => "endpoint",
            Self::Test => "test",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }
}

/// What a member has typed into the form of an endpoint, so that the form can be opened with it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypedEndpoint {
    pub target: String,
    pub name: String,
}

/// A button or a menu of the setup. What is chosen in a menu is in the interaction, not in the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SetupButton {
    /// Starts or resumes the setup in a message of its own.
    Start,
    /// Shows the screen of a step.
    Show(SetupStep),
    /// The menu of channels.
    Channel,
    /// The menu of roles.
    Role,
    /// Opens the form of an endpoint, filled in.
    Form(TypedEndpoint),
    /// Adds an endpoint with default options.
    Add(Target),
    /// Sends a test alert.
    Test,
}

impl SetupButton {
    /// Opens the form with what was typed, as far as that fits into a custom id. A text with `@` may contain a password, which
    /// no message keeps.
    pub(in crate::discord) fn form(typed: &TypedEndpoint) -> Self {
        if typed.target.contains('@') {
            return Self::Form(TypedEndpoint::default());
        }
        let without_name = TypedEndpoint {
            target: typed.target.clone(),
            name: String::new(),
        };
        let forms = [typed.clone(), without_name].map(Self::Form);
        let fitting = forms.into_iter().find(Self::fits);
        fitting.unwrap_or_else(|| Self::Form(TypedEndpoint::default()))
    }

    /// Adds an endpoint; `None` if the target does not fit into a custom id.
    pub(in crate::discord) fn add(target: &Target) -> Option<Self> {
        Some(Self::Add(target.clone())).filter(Self::fits)
    }

    fn fits(&self) -> bool {
        self.custom_id().len() <= CUSTOM_ID_LENGTH
    }

    /// The custom id. Its format is stable, because old messages keep it.
    pub(super) fn custom_id(&self) -> String {
        match self {
            Self::Start => "setup".to_owned(),
            Self::Show(step) => format!("setup|show|{}", step.as_str()),
            Self::Channel => "setup|channel".to_owned(),
            Self::Role => "setup|role".to_owned(),
            Self::Form(typed) if *typed == TypedEndpoint::default() => "setup|form".to_owned(),
            Self::Form(TypedEndpoint { target, name }) => {
                // Both may contain any character, so the length tells where the target ends.
                format!("setup|form|{}|{target}{name}", target.len())
            }
            Self::Add(target) => format!("setup|add|{target}"),
            Self::Test => "setup|test".to_owned(),
        }
    }

    /// Parses what follows `setup|` in a custom id.
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (keyword, rest) = rest.split_once('|').unwrap_or((rest, ""));
        match keyword {
            "show" => SetupStep::parse(rest).map(Self::Show),
            "form" if rest.is_empty() => Some(Self::Form(TypedEndpoint::default())),
            "form" => {
                let (length, typed) = rest.split_once('|')?;
                let (target, name) = typed.split_at_checked(length.parse().ok()?)?;
                Some(Self::Form(TypedEndpoint {
                    target: target.to_owned(),
                    name: name.to_owned(),
                }))
            }
            "add" => Some(Self::Add(rest.parse().ok()?)),
            _ if !rest.is_empty() => None,
            "" => Some(Self::Start),
            "channel" => Some(Self::Channel),
            "role" => Some(Self::Role),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::custom_id::Button;

    fn typed(target: &str, name: &str) -> TypedEndpoint {
        TypedEndpoint {
            target: target.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn every_button_fits_into_a_custom_id_and_parses_back() {
        let show = SetupStep::ALL.map(SetupButton::Show);
        let others = [
            SetupButton::Start,
            SetupButton::Channel,
            SetupButton::Role,
            SetupButton::Test,
            SetupButton::add(&"https://example.org/".parse().unwrap()).unwrap(),
            SetupButton::form(&typed("", "")),
            SetupButton::form(&typed("my shop|3|", "a|b")),
            SetupButton::form(&typed("", "name")),
            SetupButton::form(&typed("münchen", "ä")),
        ];
        for button in show.into_iter().chain(others) {
            let button = Button::Setup(button);
            let id = button.custom_id();
            assert!(id.len() <= CUSTOM_ID_LENGTH, "{id}");
            assert_eq!(Button::parse(&id), Some(button));
        }
    }

    #[test]
    fn the_form_keeps_what_fits_and_no_password() {
        // "setup|form|86|" has 14 bytes.
        let (fits, name) = ("x".repeat(86), "shop");
        let too_long = "x".repeat(87);
        let empty = SetupButton::Form(TypedEndpoint::default());
        for (target, name, kept) in [
            (
                &fits[..82],
                name,
                SetupButton::Form(typed(&fits[..82], name)),
            ),
            (&fits[..83], name, SetupButton::Form(typed(&fits[..83], ""))),
            (fits.as_str(), "", SetupButton::Form(typed(&fits, ""))),
            (too_long.as_str(), "", empty.clone()),
            ("https://user:secret@x.org", "", empty.clone()),
        ] {
            assert_eq!(SetupButton::form(&typed(target, name)), kept, "{target}");
        }
    }

    #[test]
    fn invalid_custom_ids_are_rejected() {
        for forged in [
            "setup|show",
            "setup|show|end",
            "setup|channel|5",
            "setup|form|x",
            "setup|form|9|abc",
            "setup|form|1|ä",
            "setup|form|-1|a",
            "setup|add|nonsense",
            "setup|remove",
        ] {
            assert_eq!(Button::parse(forged), None, "{forged}");
        }
    }
}
