//! The rate limit of pictures: one for each member and guild. A picture costs queries over a long range and milliseconds of a CPU, so
//! a member must not get them as fast as commands can be sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::actions::Requester;
use crate::domain::Timestamp;
use crate::domain::discord_id::{GuildId, UserId};
use crate::domain::event::Actor;

/// How many pictures a member gets within `PERIOD`.
pub(super) const MOST: usize = 10;

const PERIOD: Duration = Duration::from_secs(60);

/// Entries beyond which those that no longer matter are removed.
const CROWD: usize = 1024;

/// The times of the last pictures of each member.
#[derive(Clone, Debug, Default)]
pub struct PictureLimit(Arc<Mutex<HashMap<(GuildId, UserId), PictureTimes>>>);

type PictureTimes = VecDeque<Timestamp>;

impl PictureLimit {
    /// Counts a picture; or says how long it takes until the member gets the next one.
    pub(super) fn count(&self, requester: Requester, now: Timestamp) -> Result<(), Duration> {
        let Actor::Member(user) = requester.actor else {
            return Ok(());
        };
        // A time in the future is from before the clock was set back.
        let is_recent = |at: Timestamp| at <= now && now.since(at) < PERIOD;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CROWD {
            known.retain(|_, times| times.back().copied().is_some_and(is_recent));
        }
        let times = known.entry((requester.guild, user)).or_default();
        times.retain(|at| is_recent(*at));
        match times.front() {
            Some(first) if times.len() >= MOST => Err(first.plus(PERIOD).since(now)),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
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

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    #[test]
    fn a_member_gets_ten_pictures_a_minute_in_each_guild() {
        let limit = PictureLimit::default();
        for second in 100..110 {
            assert_eq!(limit.count(by(1, 7), at(second)), Ok(()), "{second}");
        }
        let seconds = |number| Err(Duration::from_secs(number));
        assert_eq!(limit.count(by(1, 7), at(110)), seconds(50));
        assert_eq!(limit.count(by(1, 8), at(110)), Ok(()), "another member");
        assert_eq!(limit.count(by(2, 7), at(110)), Ok(()), "another guild");
        assert_eq!(limit.count(by(1, 7), at(159)), seconds(1));
        assert_eq!(limit.count(by(1, 7), at(160)), Ok(()));
        assert_eq!(limit.count(by(1, 7), at(160)), seconds(1));
        // The clock was set back.
        assert_eq!(limit.count(by(1, 7), at(50)), Ok(()));
    }

    #[test]
    fn what_rollcall_itself_does_is_not_limited() {
        let limit = PictureLimit::default();
        for _ in 0..2 * MOST {
            let counted = limit.count(Requester::system(GuildId(1)), at(1));
            assert_eq!(counted, Ok(()));
        }
    }

    #[test]
    fn members_of_the_past_are_forgotten() {
        let limit = PictureLimit::default();
        for user in 0..10 * CROWD as u64 {
            let now = at(i64::try_from(user).unwrap());
            limit.count(by(1, user), now).unwrap();
            assert!(limit.0.lock().unwrap().len() <= CROWD);
        }
    }
}
