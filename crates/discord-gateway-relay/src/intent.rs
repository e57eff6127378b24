//! Discord's privileged intents that an operator may request. Each must also be enabled in the developer portal.

use strum::{IntoStaticStr, VariantArray};

/// A privileged intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum PrivilegedIntent {
    Members,
    Presences,
    MessageContent,
}

impl PrivilegedIntent {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its name in a setting.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The switch in the developer portal, on the application's page *Bot*.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Members => "Server Members Intent",
            Self::Presences => "Presence Intent",
            Self::MessageContent => "Message Content Intent",
        }
    }

    /// Reads a comma-separated list of names; `None` if one is unknown. Duplicates count once.
    pub fn parse_list(text: &str) -> Option<Vec<Self>> {
        let mut intents = Vec::new();
        for word in text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let intent = Self::ALL
                .iter()
                .copied()
                .find(|known| known.as_str() == word)?;
            if !intents.contains(&intent) {
                intents.push(intent);
            }
        }
        Some(intents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intent_lists_are_parsed_and_deduplicated() {
        use PrivilegedIntent::{Members, MessageContent, Presences};
        for (text, intents) in [
            ("", Some(vec![])),
            ("members", Some(vec![Members])),
            (
                "presences, message_content ,presences",
                Some(vec![Presences, MessageContent]),
            ),
            ("members,everything", None),
            ("Members", None),
        ] {
            assert_eq!(PrivilegedIntent::parse_list(text), intents, "{text}");
        }
    }
}
