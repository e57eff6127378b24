//! The topics of `/help`, and which commands belong to each.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A page of the guide. Its name is the value of an option in a menu, which old messages keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(in crate::discord) enum HelpTopic {
    /// The first steps.
    Start,
    Checks,
    Devices,
    Servers,
    Alerts,
    Silences,
    Keys,
    Bot,
}

impl HelpTopic {
    pub(super) const ALL: &[Self] = Self::VARIANTS;

    /// The value in a menu.
    pub(super) const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Its root commands. Every root command belongs to one topic.
    pub(super) const fn roots(self) -> &'static [&'static str] {
        match self {
            Self::Start => &["setup", "settings"],
            Self::Checks => &[
                "status",
                "endpoints",
                "offline_endpoints",
                "endpoint",
                "group",
                "uptime",
                "history",
                "objectives",
                "objective",
                "summaries",
                "summary",
            ],
            Self::Devices => &["devices", "device"],
            Self::Servers => &["servers", "server"],
            Self::Alerts => &["alerts", "incidents", "ack", "board"],
            Self::Silences => &["mute", "unmute", "maintenance"],
            Self::Keys => &["keys"],
            Self::Bot => &["help", "ping", "bot", "audit"],
        }
    }
}
