//! The data of the audit log: the kinds of event, and the actors that cause them.

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::key::KeyId;
use crate::discord_id::UserId;

/// The kind of an event. Its name is stored and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum EventKind {
    EndpointAdded,
    EndpointEdited,
    EndpointRemoved,
    EndpointPaused,
    EndpointResumed,
    /// The first pass, or the first since Rollcall could not check.
    EndpointUp,
    EndpointWarning,
    EndpointWarningCleared,
    EndpointOffline,
    /// The endpoint was offline and answers again.
    EndpointOnline,
    EndpointUnknown,
    DeviceRegistered,
    /// The device was offline, or had never sent anything, and has sent a heartbeat.
    DeviceOnline,
    DeviceOffline,
    DeviceEdited,
    DeviceRemoved,
    ServerAdded,
    ServerEdited,
    ServerThresholdsChanged,
    /// A limit on what the server reports was set or removed.
    ServerLimitsChanged,
    /// A number that the server reports is beyond a limit.
    ServerLimitExceeded,
    /// It is within the limit again.
    ServerLimitMet,
    ServerRemoved,
    ServerOnline,
    ServerWarning,
    ServerOffline,
    /// No report for longer than the server's own report interval explains, but not yet as long as its thresholds.
    ServerOverdue,
    KeyCreated,
    KeyRotated,
    KeyRevoked,
    AlertsSet,
    AlertsRemoved,
    /// Rollcall cannot post to the alert channel.
    AlertsBroken,
    /// A person or an API key acknowledged an incident.
    IncidentAcknowledged,
    /// A note was added to an incident.
    IncidentNoted,
    IncidentNoteEdited,
    IncidentNoteRemoved,
    /// Notifications about the monitor are off for a while.
    MonitorMuted,
    MonitorUnmuted,
    WebhookAdded,
    WebhookEdited,
    WebhookRemoved,
    /// Deliveries kept failing; Rollcall tries again once an hour.
    WebhookBroken,
    MaintenanceScheduled,
    MaintenanceStarted,
    MaintenanceEnded,
    /// The title or the end of a mute or of maintenance.
    SilenceEdited,
    /// Added to a user-defined group, or removed from it.
    MonitorGrouped,
    /// How much of a window a monitor or a group is to be online.
    ObjectiveSet,
    ObjectiveRemoved,
    StatusPageCreated,
    /// An item was added or removed.
    StatusPageChanged,
    StatusPageRemoved,
    SummaryScheduled,
    SummaryStopped,
    /// A setting of the guild, such as its time zone.
    SettingsChanged,
    BoardSet,
    BoardRemoved,
    /// The guild has as many rows of a kind as it may have; the oldest are deleted from now on.
    StorageLimitReached,
    /// The bot was removed from the guild: its checks stopped, and its keys ended.
    GuildLeft,
    /// The bot was added to the guild again.
    GuildRejoined,
    /// The operator moved the local monitors into the guild.
    MonitorsMoved,
}

impl EventKind {
    pub const ALL: &[Self] = Self::VARIANTS;

    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The events of a change of status, which a monitor causes by itself, and may cause at every check.
    pub const STATUSES: &[Self] = &[
        Self::EndpointUp,
        Self::EndpointWarning,
        Self::EndpointWarningCleared,
        Self::EndpointOffline,
        Self::EndpointOnline,
        Self::EndpointUnknown,
        Self::DeviceOnline,
        Self::DeviceOffline,
        Self::ServerOnline,
        Self::ServerWarning,
        Self::ServerOffline,
        Self::ServerOverdue,
        Self::ServerLimitExceeded,
        Self::ServerLimitMet,
    ];

    /// How serious it is: `error`, `warning` or `info`. The view `audit_logs` says the same.
    pub const fn severity(self) -> &'static str {
        match self {
            Self::EndpointOffline
            | Self::ServerOffline
            | Self::AlertsBroken
            | Self::WebhookBroken => "error",
            Self::EndpointWarning
            | Self::EndpointUnknown
            | Self::DeviceOffline
            | Self::ServerWarning
            | Self::ServerOverdue
            | Self::ServerLimitExceeded => "warning",
            _ => "info",
        }
    }
}

/// The actor that caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Rollcall itself, by a check or a background job.
    System,
    /// A person at the command line of the machine.
    CommandLine,
    /// A Discord user, by ID.
    Member(UserId),
    /// The holder of an API key, by the key's ID.
    Key(KeyId),
}

impl Actor {
    /// Reads the form in storage.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "system" => Some(Self::System),
            None if text == "cli" => Some(Self::CommandLine),
            Some(("discord", id)) => id.parse().ok().map(UserId).map(Self::Member),
            Some(("key", id)) => KeyId::parse(id).map(Self::Key),
            _ => None,
        }
    }
}

impl fmt::Display for Actor {
    /// The form in storage: `system`, `cli`, `discord:<user id>`, `key:<key id>`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => out.write_str("system"),
            Self::CommandLine => out.write_str("cli"),
            Self::Member(id) => write!(out, "discord:{id}"),
            Self::Key(id) => write!(out, "key:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_round_trip() {
        for actor in [
            Actor::System,
            Actor::CommandLine,
            Actor::Member(UserId(u64::MAX)),
        ] {
            assert_eq!(Actor::parse(&actor.to_string()), Some(actor));
        }
        for invalid in ["", "discord:", "discord:x", "weather"] {
            assert_eq!(Actor::parse(invalid), None, "{invalid}");
        }
    }
}
