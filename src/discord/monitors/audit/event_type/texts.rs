//! The types of events in words, for the option `type` of `/audit`.

use crate::discord::ui::error::CommandError;
use crate::domain::event::EventKind;
use crate::domain::text;

pub(super) fn unknown_event_type(word: &str) -> CommandError {
    CommandError::Refused(format!(
        "Unknown event type {}. Choose one from the list.",
        text::code(&text::cut(word, 64))
    ))
}

/// The type of an event as members read it.
pub(super) const fn words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::EndpointAdded => "endpoint added",
        EventKind::EndpointEdited => "endpoint changed",
        EventKind::EndpointRemoved => "endpoint removed",
        EventKind::EndpointPaused => "endpoint paused",
        EventKind::EndpointResumed => "endpoint resumed",
        EventKind::EndpointUp => "endpoint online for the first time",
        EventKind::EndpointWarning => "endpoint in warning",
        EventKind::EndpointWarningCleared => "endpoint online after a warning",
        EventKind::EndpointOffline => "endpoint offline",
        EventKind::EndpointOnline => "endpoint online again",
        EventKind::EndpointUnknown => "endpoint unknown",
        EventKind::DeviceRegistered => "device added",
        EventKind::DeviceOnline => "device online",
        EventKind::DeviceOffline => "device offline",
        EventKind::DeviceEdited => "device changed",
        EventKind::DeviceRemoved => "device removed",
        EventKind::ServerAdded => "server added",
        EventKind::ServerEdited => "server changed",
        EventKind::ServerThresholdsChanged => "server thresholds changed",
        EventKind::ServerLimitsChanged => "server limits changed",
        EventKind::ServerLimitExceeded => "server limit exceeded",
        EventKind::ServerLimitMet => "server limit met again",
        EventKind::ServerRemoved => "server removed",
        EventKind::ServerOnline => "server online",
        EventKind::ServerWarning => "server in warning",
        EventKind::ServerOffline => "server offline",
        EventKind::ServerOverdue => "server overdue",
        EventKind::KeyCreated => "key created",
        EventKind::KeyRotated => "key replaced",
        EventKind::KeyRevoked => "key revoked",
        other => words_of_settings(other),
    }
}

/// The words of what people set, and of what happens to the whole guild.
const fn words_of_settings(kind: EventKind) -> &'static str {
    match kind {
        EventKind::AlertsSet => "alerts changed",
        EventKind::AlertsRemoved => "alerts turned off",
        EventKind::AlertsBroken => "alert channel broken",
        EventKind::IncidentAcknowledged => "incident acknowledged",
        EventKind::IncidentNoted => "note added",
        EventKind::IncidentNoteEdited => "note changed",
        EventKind::IncidentNoteRemoved => "note removed",
        EventKind::MonitorMuted => "monitor muted",
        EventKind::MonitorUnmuted => "monitor unmuted",
        EventKind::WebhookAdded => "webhook added",
        EventKind::WebhookEdited => "webhook changed",
        EventKind::WebhookRemoved => "webhook removed",
        EventKind::WebhookBroken => "webhook broken",
        EventKind::MaintenanceScheduled => "maintenance scheduled",
        EventKind::MaintenanceStarted => "maintenance started",
        EventKind::MaintenanceEnded => "maintenance ended",
        EventKind::SilenceEdited => "mute or maintenance changed",
        EventKind::MonitorGrouped => "group of a monitor changed",
        EventKind::StatusPageCreated => "status page created",
        EventKind::StatusPageChanged => "status page changed",
        EventKind::StatusPageRemoved => "status page removed",
        EventKind::ObjectiveSet => "objective set",
        EventKind::ObjectiveRemoved => "objective removed",
        EventKind::SummaryScheduled => "summaries scheduled",
        EventKind::SummaryStopped => "summaries stopped",
        EventKind::SettingsChanged => "settings changed",
        EventKind::BoardSet => "board set",
        EventKind::BoardRemoved => "board removed",
        EventKind::StorageLimitReached => "storage limit reached",
        EventKind::GuildLeft => "Rollcall removed from this Discord server",
        EventKind::MonitorsMoved => "local monitors moved into this Discord server",
        EventKind::GuildRejoined => "Rollcall added to this Discord server again",
        // A test asserts that every type has words.
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_has_words_of_its_own_that_fit_into_a_choice() {
        let all: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| words(*kind)).collect();
        assert_eq!(all.len(), EventKind::ALL.len());
        let fits = |words: &&str| (1..=100).contains(&words.chars().count());
        assert!(all.iter().all(fits));
    }

    #[test]
    fn texts_of_event_types() {
        assert_eq!(
            unknown_event_type("endpoint lost").to_string(),
            "Unknown event type `endpoint lost`. Choose one from the list."
        );
    }
}
