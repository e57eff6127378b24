//! Where the notifications of a guild go.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A destination's ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DestinationId(pub i64);

/// The kind of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum DestinationKind {
    /// The alert channel of a guild.
    Channel,
    Webhook,
    /// One person, whom an escalation names.
    DirectMessage,
    /// The channel with the board of a guild.
    Board,
    /// A channel that gets summaries. A guild may have several.
    Summary,
}

impl DestinationKind {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The form in storage, and in the labels of metrics.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether it is in Discord.
    pub const fn is_discord(self) -> bool {
        !matches!(self, Self::Webhook)
    }
}

/// The destinations of a guild's notifications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    pub channel: Option<DestinationId>,
    pub webhooks: Vec<DestinationId>,
}

impl Destinations {
    /// Whether there is no destination.
    pub fn is_empty(&self) -> bool {
        self.channel.is_none() && self.webhooks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_stay() {
        let names = DestinationKind::ALL.iter().map(|kind| kind.as_str());
        assert_eq!(
            names.collect::<Vec<_>>(),
            ["channel", "webhook", "direct_message", "board", "summary"]
        );
    }
}
