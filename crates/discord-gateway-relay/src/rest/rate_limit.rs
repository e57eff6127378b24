//! Rate limits for sending to Discord: they follow the limits in its responses, and stay below its published limits in any
//! case, so that Discord never blocks the bot. Times here are durations since an arbitrary start, on the monotonic clock.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// A number of requests in a period.
#[derive(Clone, Copy, Debug)]
struct Rate {
    most: usize,
    length: Duration,
}

impl Rate {
    const fn new(most: usize, length: Duration) -> Self {
        Self { most, length }
    }
}

/// Discord accepts 50 requests per second from a bot; some of them are not sent through this limit (interactions, command
/// registration).
const OVERALL: Rate = Rate::new(40, Duration::from_secs(1));

/// New messages and edits in one channel.
const CHANNEL: Rate = Rate::new(5, Duration::from_secs(5));

/// Discord blocks an IP address, with a day's worth of trouble, after 10,000 invalid requests in 10 minutes; half of that is
/// far more than a healthy bot ever sends.
const INVALID_REQUESTS: Rate = Rate::new(5_000, Duration::from_secs(600));

/// The requests that share a limit: those to one channel, where new messages and edits have a limit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    pub channel: u64,
    pub is_edit: bool,
}

/// The state of a route's limit, as reported in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteLimit {
    pub remaining: u32,
    pub reset_after: Duration,
}

/// The times of recent requests under one limit.
#[derive(Clone, Debug, Default)]
struct Window(VecDeque<Duration>);

impl Window {
    /// Returns how long to wait until one more request is allowed.
    fn wait(&self, rate: Rate, now: Duration) -> Duration {
        let Some(place) = self.0.len().checked_sub(rate.most) else {
            return Duration::ZERO;
        };
        let blocking = self.0.get(place).copied().unwrap_or_default();
        (blocking + rate.length).saturating_sub(now)
    }

    fn add(&mut self, rate: Rate, now: Duration) {
        self.0.push_back(now);
        if self.0.len() > rate.most {
            self.0.pop_front();
        }
    }

    fn is_over(&self, rate: Rate, now: Duration) -> bool {
        self.0.back().is_none_or(|last| *last + rate.length < now)
    }
}

/// Sent requests, and the limits that Discord has reported.
#[derive(Clone, Debug, Default)]
pub struct SendLimit {
    overall: Window,
    channels: HashMap<u64, Window>,
    /// Until when each route is used up.
    routes: HashMap<Route, Duration>,
    everything: Duration,
    refused: Window,
}

/// The number of channels to remember before idle ones are removed.
const CHANNELS: usize = 1_000;

impl SendLimit {
    /// How long the limits of a route alone do not allow a request.
    pub fn route_wait(&self, route: Route, now: Duration) -> Duration {
        let channel = self.channels.get(&route.channel);
        let channel = channel.map_or(Duration::ZERO, |sent| sent.wait(CHANNEL, now));
        let own = self.routes.get(&route);
        channel.max(own.map_or(Duration::ZERO, |until| until.saturating_sub(now)))
    }

    /// How long the limits that all routes share do not allow a request.
    pub fn shared_wait(&self, now: Duration) -> Duration {
        let everything = self.everything.saturating_sub(now);
        let refused = self.refused.wait(INVALID_REQUESTS, now);
        everything.max(self.overall.wait(OVERALL, now)).max(refused)
    }

    /// Reserves a request, or returns how long to wait before trying again.
    pub fn take(&mut self, route: Route, now: Duration) -> Result<(), Duration> {
        let wait = self.route_wait(route, now).max(self.shared_wait(now));
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

    /// Records how much of a route's limit is left, as reported by Discord.
    pub fn learn(&mut self, route: Route, limit: RouteLimit, now: Duration) {
        if limit.remaining == 0 {
            self.routes.insert(route, now + limit.reset_after);
        }
    }

    /// Records a request that Discord rejected because of a rate limit, either its route's or the global one.
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

    /// Records an invalid request, one that Discord rejected with 401, 403 or 429: it counts these against the bot.
    pub fn refused(&mut self, now: Duration) {
        self.refused.add(INVALID_REQUESTS, now);
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
    fn allows_five_requests_per_channel_in_five_seconds_and_forty_per_second() {
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
    fn follows_the_limits_that_discord_reports() {
        let mut limit = SendLimit::default();
        let used_up = RouteLimit {
            remaining: 0,
            reset_after: at(700),
        };
        limit.learn(WRITE, used_up, at(0));
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
            "the global limit covers every channel"
        );
    }

    #[test]
    fn invalid_requests_pause_sending_before_discord_blocks_the_bot() {
        let mut limit = SendLimit::default();
        for _ in 0..INVALID_REQUESTS.most {
            limit.refused(at(0));
        }
        assert_eq!(limit.take(WRITE, at(1_000)), Err(at(599_000)));
        assert_eq!(limit.take(WRITE, at(600_000)), Ok(()));
    }

    proptest! {
        #[test]
        fn limits_hold_for_any_sequence_of_requests(
            requests in proptest::collection::vec((0_u64..8, 0_u64..60), 1..400),
        ) {
            let mut limit = SendLimit::default();
            let (mut now, mut sent) = (Duration::ZERO, Vec::new());
            for (channel, pause) in requests {
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
                prop_assert!(within(OVERALL.length).count() <= OVERALL.most);
                let own = within(CHANNEL.length).filter(|(_, other)| other == channel);
                prop_assert!(own.count() <= CHANNEL.most);
            }
        }
    }
}
