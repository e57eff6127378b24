//! What changed, as data for the audit log: the kinds of event and who caused them.

use std::fmt;

use strum::VariantArray;

use super::key::KeyId;
use super::status::Change;

/// What happened. The word is stored and never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum EventKind {
    EndpointAdded,
    EndpointEdited,
    EndpointRemoved,
    EndpointPaused,
    EndpointResumed,
    /// First pass, or first after we could not look.
    EndpointFound,
    EndpointWarning,
    EndpointRecovered,
    EndpointOffline,
    /// Was offline and answers again.
    EndpointOnline,
    EndpointUnknown,
    DeviceRegistered,
    /// Was offline and has called again.
    DeviceOnline,
    DeviceOffline,
    DeviceEdited,
    DeviceRemoved,
    ServerAdded,
    ServerEdited,
    ServerThresholdsChanged,
    ServerRemoved,
    ServerOnline,
    ServerWarning,
    ServerOffline,
    /// For longer than its own rhythm explains, and before its thresholds say anything.
    ServerOverdue,
    KeyMade,
    KeyRotated,
    KeyRevoked,
    AlertsSet,
    AlertsRemoved,
    /// The channel cannot be written to.
    AlertsBroken,
    /// Somebody takes care of what is on a card.
    IncidentAcknowledged,
    /// People want to hear nothing of it for a while.
    MonitorMuted,
    MonitorUnmuted,
    WebhookAdded,
    WebhookRemoved,
    /// It can be reached no more, and is told nothing any more.
    WebhookDisabled,
    MaintenanceScheduled,
    MaintenanceStarted,
    MaintenanceEnded,
    /// Put into a group, or taken out of it.
    MonitorGrouped,
    BoardSet,
    BoardRemoved,
}

impl EventKind {
    pub const ALL: &[Self] = Self::VARIANTS;

    pub const fn word(self) -> &'static str {
        match self {
            Self::EndpointAdded => "endpoint_added",
            Self::EndpointEdited => "endpoint_edited",
            Self::EndpointRemoved => "endpoint_removed",
            Self::EndpointPaused => "endpoint_paused",
            Self::EndpointResumed => "endpoint_resumed",
            Self::EndpointFound => "endpoint_found",
            Self::EndpointWarning => "endpoint_warning",
            Self::EndpointRecovered => "endpoint_recovered",
            Self::EndpointOffline => "endpoint_offline",
            Self::EndpointOnline => "endpoint_online",
            Self::EndpointUnknown => "endpoint_unknown",
            Self::DeviceRegistered => "device_registered",
            Self::DeviceOnline => "device_online",
            Self::DeviceOffline => "device_offline",
            Self::DeviceEdited => "device_edited",
            Self::DeviceRemoved => "device_removed",
            Self::ServerAdded => "server_added",
            Self::ServerEdited => "server_edited",
            Self::ServerThresholdsChanged => "server_thresholds_changed",
            Self::ServerRemoved => "server_removed",
            Self::ServerOnline => "server_online",
            Self::ServerWarning => "server_warning",
            Self::ServerOffline => "server_offline",
            Self::ServerOverdue => "server_silent",
            Self::KeyMade => "key_made",
            Self::KeyRotated => "key_rotated",
            Self::KeyRevoked => "key_revoked",
            Self::AlertsSet => "alerts_set",
            Self::AlertsRemoved => "alerts_removed",
            Self::AlertsBroken => "alerts_broken",
            Self::IncidentAcknowledged => "incident_acknowledged",
            Self::MonitorMuted => "monitor_muted",
            Self::MonitorUnmuted => "monitor_unmuted",
            Self::WebhookAdded => "webhook_added",
            Self::WebhookRemoved => "webhook_removed",
            Self::WebhookDisabled => "webhook_disabled",
            Self::MaintenanceScheduled => "maintenance_declared",
            Self::MaintenanceStarted => "maintenance_began",
            Self::MaintenanceEnded => "maintenance_ended",
            Self::MonitorGrouped => "monitor_grouped",
            Self::BoardSet => "board_set",
            Self::BoardRemoved => "board_removed",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

impl From<&Change> for EventKind {
    fn from(change: &Change) -> Self {
        match change {
            Change::Found => Self::EndpointFound,
            Change::Warned => Self::EndpointWarning,
            Change::Recovered => Self::EndpointRecovered,
            Change::WentOffline => Self::EndpointOffline,
            Change::CameBack { .. } => Self::EndpointOnline,
            Change::BecameUnknown => Self::EndpointUnknown,
        }
    }
}

/// Who caused a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Rollcall itself, by looking or by a job.
    System,
    /// Somebody at the command line of the machine.
    CommandLine,
    /// A Discord user, by id.
    Member(u64),
    /// Whoever has this API key.
    Key(KeyId),
}

impl Actor {
    /// Reads the form in storage back.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "system" => Some(Self::System),
            None if text == "cli" => Some(Self::CommandLine),
            Some(("discord", id)) => id.parse().ok().map(Self::Member),
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
    fn an_actor_reads_back() {
        for actor in [Actor::System, Actor::CommandLine, Actor::Member(u64::MAX)] {
            assert_eq!(Actor::parse(&actor.to_string()), Some(actor));
        }
        for nobody in ["", "discord:", "discord:x", "weather"] {
            assert_eq!(Actor::parse(nobody), None, "{nobody}");
        }
    }
}
