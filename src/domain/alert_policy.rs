//! How a guild wants to be told: when somebody is called again, whom else, and from how many on all of them are worth a
//! word of their own. Everything is off until somebody asks for it.

use std::time::Duration;

use super::timestamp::Timestamp;

/// Whom to call when nobody has taken care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Responder {
    /// In the channel.
    Role(u64),
    /// By direct message.
    User(u64),
}

/// When somebody is called again for an outage of which nobody has taken care, counted from when people were to know of it:
/// what was muted before was nobody's to take care of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The same role.
    pub remind_after: Option<Duration>,
    /// Somebody else.
    pub escalate: Option<(Duration, Responder)>,
}

/// What has been done about an outage of which nobody has taken care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// Since when people are to know of it.
    pub escalation_starts_at: Timestamp,
    pub is_reminded: bool,
    pub is_escalated: bool,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Remind,
    Escalate(Responder),
}

impl Policy {
    /// The step whose time has come: each once, and where both times have passed the one that reaches further.
    pub fn next(&self, waited: Waited, now: Timestamp) -> Option<Step> {
        let length = now.since(waited.escalation_starts_at);
        let escalation = self
            .escalate
            .filter(|(after, _)| !waited.is_escalated && length >= *after);
        if let Some((_, responder)) = escalation {
            return Some(Step::Escalate(responder));
        }
        self.remind_after
            .filter(|after| !waited.is_reminded && !waited.is_escalated && length >= *after)
            .map(|_| Step::Remind)
    }
}

/// From how many endpoints on, changing the same way within a time, there is a word about all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkAlert {
    pub count: Option<u32>,
    /// Of all the guild's endpoints.
    pub percent: Option<u8>,
    pub window: Duration,
}

impl BulkAlert {
    /// Whether so many of so many are that.
    pub fn is_reached(&self, changed: u64, of: u64) -> bool {
        let by_count = self.count.is_some_and(|count| changed >= u64::from(count));
        let by_percent = self
            .percent
            .is_some_and(|percent| of > 0 && changed * 100 >= u64::from(percent) * of);
        changed > 0 && (by_count || by_percent)
    }
}

/// Everything that a guild can choose about alerts beside their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Whether an end is told. A message that was posted says so all the same.
    pub notify_on_recovery: bool,
    /// Whether servers are told of that are silent, and not offline by their thresholds yet.
    pub notify_on_warning: bool,
    pub policy: Policy,
    pub bulk: Option<BulkAlert>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            notify_on_recovery: true,
            notify_on_warning: true,
            policy: Policy::default(),
            bulk: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_comes_once_and_at_its_time() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let lead = Responder::Role(5);
        let both = Policy {
            remind_after: Some(minutes(15)),
            escalate: Some((minutes(30), lead)),
        };
        let only_later = Policy {
            remind_after: None,
            ..both
        };
        for (policy, is_reminded, is_escalated, minute, expected) in [
            (Policy::default(), false, false, 9_999, None),
            (both, false, false, 14, None),
            (both, false, false, 15, Some(Step::Remind)),
            (both, true, false, 29, None),
            (both, true, false, 30, Some(Step::Escalate(lead))),
            (both, false, false, 30, Some(Step::Escalate(lead))),
            (both, false, true, 31, None),
            (both, true, true, 9_999, None),
            (only_later, false, false, 29, None),
            (only_later, false, false, 30, Some(Step::Escalate(lead))),
        ] {
            let waited = Waited {
                escalation_starts_at: Timestamp::from_millis(0),
                is_reminded,
                is_escalated,
            };
            let now = Timestamp::from_millis(minute * 60_000);
            assert_eq!(policy.next(waited, now), expected, "minute {minute}");
        }
    }

    #[test]
    fn many_are_many_by_number_or_by_share() {
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
