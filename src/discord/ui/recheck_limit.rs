//! The rate limit of rechecks: one for each member and guild, for the command and for all buttons. A recheck opens
//! connections, so a member must not be able to start them as fast as buttons can be pressed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::CommandError;
use super::texts;
use crate::actions::Requester;
use crate::domain::Timestamp;
use crate::domain::discord_id::{GuildId, UserId};
use crate::domain::event::Actor;

/// Minimum time between two rechecks by a member.
const RECHECK_INTERVAL: Duration = Duration::from_secs(3);

/// Entries beyond which those that no longer matter are removed.
const CROWD: usize = 1024;

/// The last recheck of each member.
#[derive(Clone, Debug, Default)]
pub struct RecheckLimit(Arc<Mutex<HashMap<(GuildId, UserId), Timestamp>>>);

impl RecheckLimit {
    /// Counts a recheck, or refuses it because the last one was too recent.
    pub(in crate::discord) fn count(
        &self,
        requester: Requester,
        now: Timestamp,
    ) -> Result<(), CommandError> {
        let Actor::Member(user) = requester.actor else {
            return Ok(());
        };
        // A time in the future is from before the clock was set back.
        let is_recent = |last: Timestamp| last <= now && now.since(last) < RECHECK_INTERVAL;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CROWD {
            known.retain(|_, last| is_recent(*last));
        }
        let last = known
            .entry((requester.guild, user))
            .or_insert(now.minus(RECHECK_INTERVAL));
        if is_recent(*last) {
            let remaining = last.plus(RECHECK_INTERVAL).since(now);
            return Err(CommandError::Refused(texts::too_many_rechecks(
                RECHECK_INTERVAL,
                remaining,
            )));
        }
        *last = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(guild: u64, user: u64) -> Requester {
        Requester {
            guild: GuildId(guild),
            actor: Actor::Member(UserId(user)),
        }
    }

    #[test]
    fn a_member_can_start_one_recheck_per_interval_in_each_guild() {
        let limit = RecheckLimit::default();
        for (requester, millis, is_allowed) in [
            (by(1, 7), 10_000, true),
            (by(1, 7), 10_000, false),
            (by(1, 8), 10_000, true),
            (by(2, 7), 10_000, true),
            (by(1, 7), 12_999, false),
            (by(1, 7), 13_000, true),
            (by(1, 7), 13_001, false),
            // The clock was set back.
            (by(1, 7), 5_000, true),
            (by(1, 7), 7_999, false),
            (by(1, 7), 8_000, true),
        ] {
            let counted = limit.count(requester, Timestamp::from_millis(millis));
            assert_eq!(counted.is_ok(), is_allowed, "at {millis}");
        }
    }

    #[test]
    fn the_refusal_says_when_to_try_again() {
        let limit = RecheckLimit::default();
        limit.count(by(1, 7), Timestamp::from_millis(0)).unwrap();
        let refused = limit
            .count(by(1, 7), Timestamp::from_millis(1))
            .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "You can start one recheck every 3 s. Try again in 3 s."
        );
    }

    #[test]
    fn members_of_the_past_are_forgotten() {
        let limit = RecheckLimit::default();
        for user in 0..10 * CROWD as u64 {
            let now = Timestamp::from_millis(i64::try_from(user).unwrap() * 10);
            limit.count(by(1, user), now).unwrap();
            assert!(limit.0.lock().unwrap().len() <= CROWD);
        }
    }
}
