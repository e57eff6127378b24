//! The presence that the relay keeps up to date.

use strum::IntoStaticStr;

/// The status dot beside the bot's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum OnlineStatus {
    Online,
    Idle,
    #[strum(serialize = "dnd")]
    DoNotDisturb,
}

impl OnlineStatus {
    /// The name in Discord's presence update.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// A presence before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    pub status: OnlineStatus,
    /// Shown after "Watching"; Discord's limit is 128 characters.
    pub text: String,
}

/// A presence to send to Discord. A new count of refreshes sends it again even if the presence has not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceUpdate {
    pub presence: Presence,
    pub refreshes: u64,
}
