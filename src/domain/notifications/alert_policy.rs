//! A guild's alert settings: reminders, escalation, bulk alerts, and the changes that send notifications. Reminders,
//! escalation and bulk alerts are off by default.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::discord_id::{RoleId, UserId};
use crate::timestamp::Timestamp;

/// The shortest and the longest time until a reminder or an escalation.
pub const WAITS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);

/// The shortest and the longest window in which the changes of a bulk alert are counted, and the default.
pub const BULK_WINDOWS: RangeInclusive<Duration> =
    Duration::from_secs(5)..=Duration::from_secs(86_400);
pub const BULK_WINDOW: Duration = Duration::from_secs(60);

/// The responder to notify when an incident has not been acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Responder {
    /// Mentioned in the channel.
    Role(RoleId),
    /// Notified by direct message.
    User(UserId),
}

/// When to remind of an unacknowledged incident and when to escalate it. The time counts from when the incident became
/// notifiable: time under a silence does not count, because no responder was expected to acknowledge it then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EscalationPolicy {
    /// Mentions the same role again.
    pub remind_after: Option<Duration>,
    /// Notifies another responder.
    pub escalate: Option<(Duration, Responder)>,
}

/// The escalation progress of an unacknowledged incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EscalationState {
    /// When the incident became notifiable.
    pub escalation_starts_at: Timestamp,
    pub is_reminded: bool,
    pub is_escalated: bool,
}

/// The next step of an escalation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscalationStep {
    Remind,
    Escalate(Responder),
}

impl EscalationPolicy {
    /// Whether reminders are on, but there is neither an on-call role (`role`) nor anybody to escalate to.
    pub fn reminds_nobody(&self, role: Option<RoleId>) -> bool {
        self.remind_after.is_some() && self.escalate.is_none() && role.is_none()
    }

    /// Returns the step that is due. Each step is due once; if both are due, only the escalation is returned.
    pub fn next(&self, state: EscalationState, now: Timestamp) -> Option<EscalationStep> {
        let length = now.since(state.escalation_starts_at);
        let escalation = self
            .escalate
            .filter(|(after, _)| !state.is_escalated && length >= *after);
        if let Some((_, responder)) = escalation {
            return Some(EscalationStep::Escalate(responder));
        }
        self.remind_after
            .filter(|after| !state.is_reminded && !state.is_escalated && length >= *after)
            .map(|_| EscalationStep::Remind)
    }
}

/// How many endpoints must change the same way within a period for one bulk alert about all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkAlert {
    pub count: Option<u32>,
    /// Percentage of all the guild's endpoints.
    pub percent: Option<u8>,
    pub window: Duration,
}

impl BulkAlert {
    /// Whether `changed` endpoints out of `of` reach the count or the percentage.
    pub fn is_reached(&self, changed: u64, of: u64) -> bool {
        let by_count = self.count.is_some_and(|count| changed >= u64::from(count));
        let by_percent = self
            .percent
            .is_some_and(|percent| of > 0 && changed * 100 >= u64::from(percent) * of);
        changed > 0 && (by_count || by_percent)
    }
}

/// All of a guild's alert settings except the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertPreferences {
    /// Whether a recovery sends a notification. Messages that are already posted show the recovery in any case.
    pub notify_on_recovery: bool,
    /// Whether to notify about servers that are overdue but not yet offline by their thresholds.
    pub notify_on_warning: bool,
    pub policy: EscalationPolicy,
    pub bulk: Option<BulkAlert>,
}

impl Default for AlertPreferences {
    fn default() -> Self {
        Self {
            notify_on_recovery: true,
            notify_on_warning: true,
            policy: EscalationPolicy::default(),
            bulk: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_due_once_and_at_its_time() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let on_call = Responder::Role(RoleId(5));
        let both = EscalationPolicy {
            remind_after: Some(minutes(15)),
            escalate: Some((minutes(30), on_call)),
        };
        let only_later = EscalationPolicy {
            remind_after: None,
            ..both
        };
        for (policy, is_reminded, is_escalated, minute, expected) in [
            (EscalationPolicy::default(), false, false, 9_999, None),
            (both, false, false, 14, None),
            (both, false, false, 15, Some(EscalationStep::Remind)),
            (both, true, false, 29, None),
            (
                both,
                true,
                false,
                30,
                Some(EscalationStep::Escalate(on_call)),
            ),
            (
                both,
                false,
                false,
                30,
                Some(EscalationStep::Escalate(on_call)),
            ),
            (both, false, true, 31, None),
            (both, true, true, 9_999, None),
            (only_later, false, false, 29, None),
            (
                only_later,
                false,
                false,
                30,
                Some(EscalationStep::Escalate(on_call)),
            ),
        ] {
            let state = EscalationState {
                escalation_starts_at: Timestamp::from_millis(0),
                is_reminded,
                is_escalated,
            };
            let now = Timestamp::from_millis(minute * 60_000);
            assert_eq!(policy.next(state, now), expected, "minute {minute}");
        }
    }

    #[test]
    fn reminders_need_a_responder() {
        let (role, wait) = (RoleId(5), Duration::from_secs(900));
        let escalate = Some((wait, Responder::User(UserId(7))));
        for (remind_after, escalate, role, expected) in [
            (None, None, None, false),
            (Some(wait), None, None, true),
            (Some(wait), None, Some(role), false),
            (Some(wait), escalate, None, false),
            (None, escalate, None, false),
        ] {
            let policy = EscalationPolicy {
                remind_after,
                escalate,
            };
            assert_eq!(
                policy.reminds_nobody(role),
                expected,
                "{policy:?}, {role:?}"
            );
        }
    }

    #[test]
    fn bulk_alerts_are_reached_by_count_or_by_percentage() {
        for (count, percent, changed, of, expected) in [
            (None, None, 1_000, 1_000, false),
            (Some(10), None, 9, 10, false),
            (Some(10), None, 10, 10_000, true),
            (None, Some(20), 19, 100, false),
            (None, Some(20), 20, 100, true),
            (Some(10), Some(20), 3, 15, true),
            (Some(1), Some(1), 0, 0, false),
            (
                None,
                Some(100),
                u64::from(u32::MAX),
                u64::from(u32::MAX),
                true,
            ),
        ] {
            let bulk = BulkAlert {
                count,
                percent,
                window: Duration::from_secs(60),
            };
            assert_eq!(bulk.is_reached(changed, of), expected, "{changed} of {of}");
        }
    }
}
