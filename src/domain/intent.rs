//! The privileged events of Discord that an operator may ask for. Each must be switched on in the developer portal, too.

use strum::VariantArray;

/// A privileged intent, as `DISCORD_PRIVILEGED_INTENTS` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum PrivilegedIntent {
    Members,
    Presences,
    MessageContent,
}

impl PrivilegedIntent {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The word in the setting.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Presences => "presences",
            Self::MessageContent => "message_content",
        }
    }

    /// The switch in the developer portal, on the application's page *Bot*.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Members => "Server Members Intent",
            Self::Presences => "Presence Intent",
            Self::MessageContent => "Message Content Intent",
        }
    }

    /// Reads a list of words parted by commas; `None` where one is not known. Each counts once.
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
                .find(|known| known.word() == word)?;
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
    fn a_list_is_read_word_by_word() {
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
