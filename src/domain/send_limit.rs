//! How fast we may write to Discord: its own answers obeyed, and below its published limits in any case, so that the bot is
//! never shut out. Instants here are lengths since some beginning, on the monotonic clock.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Discord takes 50 calls a second of a bot; some of them are not ours to spend (interactions, registration).
const OVERALL: (usize, Duration) = (40, Duration::from_secs(1));

/// Messages and edits in one channel.
const CHANNEL: (usize, Duration) = (5, Duration::from_secs(5));

/// Discord shuts an address out for a day's worth of trouble after 10,000 refused calls in ten minutes; half of that is far
/// more than anything healthy comes to.
const REFUSED: (usize, Duration) = (5_000, Duration::from_secs(600));

/// What shares a limit: a channel, and what is done there (writing and changing have one each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    pub channel: u64,
    pub is_edit: bool,
}

/// What Discord said of a route's limit in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteLimit {
    pub remaining: u32,
    pub reset_after: Duration,
}

/// Calls within a length of time.
#[derive(Clone, Debug, Default)]
struct Window(VecDeque<Duration>);

impl Window {
    /// How long to wait until one more fits.
    fn wait(&self, (most, length): (usize, Duration), now: Duration) -> Duration {
        let Some(place) = self.0.len().checked_sub(most) else {
            return Duration::ZERO;
        };
        let blocking = self.0.get(place).copied().unwrap_or_default();
        (blocking + length).saturating_sub(now)
    }

    fn add(&mut self, (most, _): (usize, Duration), now: Duration) {
        self.0.push_back(now);
        if self.0.len() > most {
            self.0.pop_front();
        }
    }

    fn is_over(&self, (_, length): (usize, Duration), now: Duration) -> bool {
        self.0.back().is_none_or(|last| *last + length < now)
    }
}

/// What has been sent, and what Discord said to it.
#[derive(Clone, Debug, Default)]
pub struct SendLimit {
    overall: Window,
    channels: HashMap<u64, Window>,
    /// Until when each route has nothing left.
    routes: HashMap<Route, Duration>,
    everything: Duration,
    refused: Window,
}

/// Channels that are remembered before those that have long been quiet are forgotten.
const CHANNELS: usize = 1_000;

impl SendLimit {
    /// Books a call, or says how long to wait before asking again.
    pub fn take(&mut self, route: Route, now: Duration) -> Result<(), Duration> {
        let channel = self.channels.get(&route.channel);
        let waits = [
            self.everything.saturating_sub(now),
            self.routes
                .get(&route)
                .map_or(Duration::ZERO, |until| until.saturating_sub(now)),
            self.overall.wait(OVERALL, now),
            channel.map_or(Duration::ZERO, |sent| sent.wait(CHANNEL, now)),
            self.refused.wait(REFUSED, now),
        ];
        let wait = waits.into_iter().max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        if self.channels.len() >= CHANNELS {
            self.channels.retain(|_, sent| !sent.is_over(CHANNEL, now));
            self.routes.retain(|_, until| *until > now);
        }
        self.overall.add(OVERALL, now);
        let channel = self.channels.entry(route.channel).or_default();
        channel.add(CHANNEL, now);
        Ok(())
    }

    /// Discord told how much of a route's limit is left.
    pub fn learn(&mut self, route: Route, limit: RouteLimit, now: Duration) {
        if limit.remaining == 0 {
            self.routes.insert(route, now + limit.reset_after);
        }
    }

    /// Discord refused a call because of a limit: of its route, or of everything.
    pub fn limited(&mut self, route: Route, retry_after: Duration, is_global: bool, now: Duration) {
        let until = now + retry_after;
        match is_global {
            true => self.everything = self.everything.max(until),
            false => {
                self.routes.insert(route, until);
            }
        }
        self.refused(now);
    }

    /// Discord refused a call (401, 403, 429): such calls are counted against us.
    pub fn refused(&mut self, now: Duration) {
        self.refused.add(REFUSED, now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRITE: Route = Route {
        channel: 1,
        is_edit: false,
    };
    const EDIT: Route = Route {
        channel: 1,
        is_edit: true,
    };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn five_in_five_seconds_for_a_channel_and_forty_a_second_for_all() {
        let mut limit = SendLimit::default();
        for number in 0..5 {
            assert_eq!(limit.take(WRITE, at(number * 100)), Ok(()));
        }
        assert_eq!(limit.take(EDIT, at(1_000)), Err(at(4_000)));
        assert_eq!(limit.take(EDIT, at(5_000)), Ok(()));
        let other = |channel| Route {
            channel,
            is_edit: false,
        };
        let taken = (2..100).filter(|channel| limit.take(other(*channel), at(9_000)).is_ok());
        assert_eq!(taken.count(), 40);
        assert_eq!(limit.take(other(100), at(9_400)), Err(at(600)));
    }

    #[test]
    fn what_discord_says_is_obeyed() {
        let mut limit = SendLimit::default();
        let learn = RouteLimit {
            remaining: 0,
            reset_after: at(700),
        };
        limit.learn(WRITE, learn, at(0));
        assert_eq!(limit.take(WRITE, at(100)), Err(at(600)));
        assert_eq!(limit.take(EDIT, at(100)), Ok(()), "a limit of its own");
        limit.limited(EDIT, at(2_000), false, at(200));
        assert_eq!(limit.take(EDIT, at(700)), Err(at(1_500)));
        assert_eq!(limit.take(WRITE, at(700)), Ok(()));
        limit.limited(EDIT, at(10_000), true, at(700));
        let elsewhere = Route {
            channel: 2,
            is_edit: false,
        };
        assert_eq!(
            limit.take(elsewhere, at(800)),
            Err(at(9_900)),
            "everything waits"
        );
    }

    #[test]
    fn refusals_stop_us_long_before_discord_does() {
        let mut limit = SendLimit::default();
        for _ in 0..REFUSED.0 {
            limit.refused(at(0));
        }
        assert_eq!(limit.take(WRITE, at(1_000)), Err(at(599_000)));
        assert_eq!(limit.take(WRITE, at(600_000)), Ok(()));
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_forty_and_no_channel_more_than_five_in_five(
            asks in proptest::collection::vec((0_u64..8, 0_u64..60), 1..400),
        ) {
            let mut limit = SendLimit::default();
            let (mut now, mut sent) = (Duration::ZERO, Vec::new());
            for (channel, pause) in asks {
                now += at(pause);
                let route = Route { channel, is_edit: pause % 2 == 0 };
                if limit.take(route, now).is_ok() {
                    sent.push((now, channel));
                }
            }
            for (begin, channel) in &sent {
                let within = |length: Duration| {
                    sent.iter().filter(move |(at, _)| at >= begin && *at < *begin + length)
                };
                prop_assert!(within(OVERALL.1).count() <= OVERALL.0);
                let own = within(CHANNEL.1).filter(|(_, other)| other == channel);
                prop_assert!(own.count() <= CHANNEL.0);
            }
        }
    }
}
