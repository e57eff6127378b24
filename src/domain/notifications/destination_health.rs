//! Whether a destination works. Failures are counted for a destination and not for each delivery to it: they fail together,
//! are tried again together, and one success brings all of them forward.
//!
//! An answer that nothing can be sent there (a deleted channel, a missing permission) may be wrong once. The second one, two
//! minutes later, makes the destination broken. From then on it is tried once an hour until it works.

use std::fmt;
use std::time::Duration;

use super::backoff::backoff;
use super::destinations::DestinationKind;
use crate::timestamp::Timestamp;

/// The time between the first answer that nothing can be sent to a destination and the one that makes it broken.
pub const SUSPICION: Duration = Duration::from_secs(120);

/// The time between two attempts at a broken destination.
pub const BROKEN_RETRY: Duration = Duration::from_secs(3600);

/// The longest wait that a receiver can request.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// A webhook that fails for this long, in whichever way, is broken.
pub const GIVE_UP: Duration = Duration::from_secs(3 * 24 * 3600);

/// The shortest time between two messages to one webhook: Discord accepts 30 per minute, Slack 1 per second.
pub const WEBHOOK_GAP: Duration = Duration::from_secs(2);

/// The wait while it is checked whether Discord still accepts the token.
const TOKEN_CHECK: Duration = Duration::from_secs(2);

/// Why a delivery failed. Its texts contain no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryError {
    /// A later attempt may succeed, but not before `after`, if the receiver requested a delay. Without an answer (`is_unanswered`),
    /// the message may have arrived.
    Retry {
        after: Option<Duration>,
        reason: String,
        is_unanswered: bool,
    },
    /// The message can no longer be edited; a new one can be posted.
    MessageGone,
    /// Nothing can be sent there until a person fixes the cause, which the text describes.
    DestinationBroken(String),
    /// This message is not accepted, and would not be in another attempt. Others may be.
    Rejected(String),
    /// Discord does not accept the token.
    Unauthorized,
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry { reason, .. }
            | Self::DestinationBroken(reason)
            | Self::Rejected(reason) => out.write_str(reason),
            Self::MessageGone => out.write_str("the message was deleted"),
            Self::Unauthorized => out.write_str("Discord rejected the token"),
        }
    }
}

/// What is known of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationHealth {
    /// Consecutive failed attempts, and since when.
    pub attempts: u32,
    pub failing_since: Option<Timestamp>,
    /// When it first answered that nothing can be sent there.
    pub suspected_at: Option<Timestamp>,
    /// Why nothing can be sent there, and since when.
    pub broken: Option<(String, Timestamp)>,
    /// No attempt is made before this time.
    pub next_try_at: Timestamp,
}

impl Default for DestinationHealth {
    fn default() -> Self {
        Self {
            attempts: 0,
            failing_since: None,
            suspected_at: None,
            broken: None,
            next_try_at: Timestamp::from_millis(0),
        }
    }
}

impl DestinationHealth {
    /// After a success. The next message is not sent within `gap`.
    pub fn worked(now: Timestamp, gap: Duration) -> Self {
        Self {
            next_try_at: now.plus(gap),
            ..Self::default()
        }
    }

    /// After a failure. `jitter`: a random number from 0 to 1.
    #[must_use]
    pub fn failed(
        &self,
        error: &DeliveryError,
        kind: DestinationKind,
        jitter: f64,
        now: Timestamp,
    ) -> Self {
        match error {
            DeliveryError::Retry { after, reason, .. } => {
                let wait = backoff(self.attempts, jitter).max(after.unwrap_or_default());
                let next = self.counted(now, wait);
                let since = next.failing_since.unwrap_or(now);
                if kind == DestinationKind::Webhook && now.since(since) >= GIVE_UP {
                    return next.broke(format!("{reason} (all attempts for 3 days)"), now);
                }
                next
            }
            DeliveryError::DestinationBroken(reason) => self.answered_broken(reason, now),
            // A webhook that rejects everything is no use; Discord's channels reject a single message.
            DeliveryError::Rejected(reason) if kind == DestinationKind::Webhook => {
                let next = self.answered_broken(reason, now);
                match next.broken {
                    Some(_) => next,
                    None => Self {
                        next_try_at: now.plus(WEBHOOK_GAP),
                        ..next
                    },
                }
            }
            DeliveryError::Rejected(_) | DeliveryError::MessageGone => self.clone(),
            DeliveryError::Unauthorized => Self {
                next_try_at: now.plus(TOKEN_CHECK),
                ..self.clone()
            },
        }
    }

    /// Whether this failure made it broken.
    pub fn broke_after(&self, before: &Self) -> Option<&str> {
        match (&before.broken, &self.broken) {
            (None, Some((reason, _))) => Some(reason),
            _ => None,
        }
    }

    fn counted(&self, now: Timestamp, wait: Duration) -> Self {
        let wait = match self.broken {
            Some(_) => BROKEN_RETRY,
            None => wait.min(LONGEST_WAIT),
        };
        Self {
            attempts: self.attempts.saturating_add(1),
            failing_since: self.failing_since.or(Some(now)),
            next_try_at: now.plus(wait),
            ..self.clone()
        }
    }

    fn answered_broken(&self, reason: &str, now: Timestamp) -> Self {
        // A time ahead comes from a clock that has been set back since.
        let suspected_at = self.suspected_at.filter(|at| *at <= now);
        let next = Self {
            suspected_at: suspected_at.or(Some(now)),
            ..self.counted(now, SUSPICION)
        };
        let Some(at) = suspected_at else { return next };
        if now.since(at) >= SUSPICION {
            return next.broke(reason.to_owned(), now);
        }
        Self {
            next_try_at: at.plus(SUSPICION).max(now),
            ..next
        }
    }

    fn broke(self, reason: String, now: Timestamp) -> Self {
        Self {
            next_try_at: now.plus(BROKEN_RETRY),
            broken: self.broken.or(Some((reason, now))),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn error(text: &str) -> DeliveryError {
        let reason = "because".to_owned();
        match text {
            "retry" => DeliveryError::Retry {
                after: None,
                is_unanswered: false,
                reason,
            },
            "gone" => DeliveryError::MessageGone,
            "broken" => DeliveryError::DestinationBroken(reason),
            "rejected" => DeliveryError::Rejected(reason),
            "401" => DeliveryError::Unauthorized,
            seconds => DeliveryError::Retry {
                is_unanswered: false,
                after: Some(Duration::from_secs(seconds.parse().unwrap())),
                reason,
            },
        }
    }

    /// Answers of a destination by second; then its failed attempts in a row, whether it is broken, and the second of the next
    /// attempt. Jitter is at its longest.
    const ANSWERS: &str = "
        channel | 10 retry                                | 1 -      11    | the first failure
        channel | 10 retry, 11 retry, 13 retry            | 3 -      17    | the wait doubles
        channel | 10 retry, 11 ok                         | 0 -      11    | one success brings everything forward
        channel | 10 40                                   | 1 -      50    | as long as the receiver requests
        channel | 10 broken                               | 1 -      130   | once is not enough
        channel | 10 broken, 129 broken                   | 2 -      130   | nor is too early
        channel | 10 broken, 130 broken                   | 2 broken 3730  | twice, two minutes apart
        channel | 10 broken, 130 ok, 140 broken           | 1 -      260   | it worked in between
        channel | 10 broken, 130 retry, 131 broken        | 3 broken 3731  | unreachable in between
        channel | 10 broken, 130 broken, 3730 retry       | 3 broken 7330  | broken, and unreachable
        channel | 10 broken, 130 broken, 3730 broken      | 3 broken 7330  | once an hour
        channel | 10 broken, 130 broken, 3730 ok          | 0 -      3730  | it works again
        channel | 10 broken, 5 broken                     | 2 -      125   | the clock was set back
        channel | 10 rejected                             | 0 -      0     | the message is at fault
        channel | 10 gone                                 | 0 -      0     | the message is at fault
        channel | 10 401                                  | 0 -      12    | the token is at fault
        channel | 10 retry, 259210 retry                  | 2 -      259212 | Discord was away for three days
        webhook | 10 retry, 259209 retry                  | 2 -      259211 | just below three days
        webhook | 10 retry, 259210 retry                  | 2 broken 262810 | three days
        webhook | 10 rejected                             | 1 -      12    | other messages are tried at once
        webhook | 10 rejected, 130 rejected               | 2 broken 3730  | it accepts nothing
        webhook | 10 rejected, 60 ok, 130 rejected        | 1 -      132   | it accepts other messages
        webhook | 10 broken, 130 broken                   | 2 broken 3730  | deleted
    ";

    #[test]
    fn the_answers_of_a_destination_decide_when_it_is_tried_again() {
        assert_eq!(GIVE_UP.as_secs(), 3 * DAY.unsigned_abs());
        for line in ANSWERS.lines().filter(|line| line.contains('|')) {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let kind = parts[0].parse().unwrap();
            let mut health = DestinationHealth::default();
            for answer in parts[1].split(", ") {
                let (second, what) = answer.split_once(' ').unwrap();
                let now = at(second.parse().unwrap());
                health = match what {
                    "ok" => DestinationHealth::worked(now, Duration::ZERO),
                    what => health.failed(&error(what), kind, 1.0, now),
                };
            }
            let broken = if health.broken.is_some() {
                "broken"
            } else {
                "-"
            };
            let next = health.next_try_at.millis() / 1000;
            let found = format!("{} {broken} {next}", health.attempts);
            let expected: Vec<&str> = parts[2].split_whitespace().collect();
            assert_eq!(found, expected.join(" "), "{line}");
        }
    }

    #[test]
    fn a_destination_breaks_once() {
        let broken = error("broken");
        let fail = |health: &DestinationHealth, second| {
            health.failed(&broken, DestinationKind::Channel, 1.0, at(second))
        };
        let first = fail(&DestinationHealth::default(), 10);
        let second = fail(&first, 130);
        let third = fail(&second, 3_730);
        assert_eq!(first.broke_after(&DestinationHealth::default()), None);
        assert_eq!(second.broke_after(&first), Some("because"));
        assert_eq!(third.broke_after(&second), None);
        assert_eq!(third.broken, Some(("because".into(), at(130))));
    }
}
