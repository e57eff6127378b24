//! Checks that the bot stays responsive during a failure: no timer of the scheduler or the jobs fires more than a second
//! late, and no core is kept busy. If the whole machine stalls, which a timer in the test process shows, a late timer of the
//! bot proves nothing.

use std::time::{Duration, Instant};

use crate::harness::Running;
use crate::harness::own_timer::stopwatch;

/// A delay of the test's own timer that shows a stall of the machine. Less than the bot's second, because that timer can
/// fire at any moment of the stall.
const STALL: Duration = Duration::from_millis(800);

/// Measures the bot's timers and processor time from the start of a failure.
pub struct LoadMeter<'a> {
    running: &'a Running<'a>,
    since: Instant,
    used: Duration,
}

impl<'a> LoadMeter<'a> {
    pub fn watch(running: &'a Running<'a>) -> Self {
        Self {
            running,
            since: stopwatch(),
            used: running.processor_time(),
        }
    }

    /// Fails if a timer was late, or if the bot used more processor time than a quarter of the elapsed time
    /// plus one second.
    pub fn assert_low(&self, when: &str) {
        assert_timers_on_time(self.running, when);
        let used = self.running.processor_time().saturating_sub(self.used);
        let length = self.since.elapsed();
        assert!(
            used < length / 4 + Duration::from_secs(1),
            "{when}: {used:?} of processor time in {length:?}"
        );
    }
}

/// Fails if a timer of the scheduler or the jobs was ever more than a second late although the machine did not stall, or if
/// no timer has fired.
pub fn assert_timers_on_time(running: &Running<'_>, when: &str) {
    // Both numbers from one response, so that no timer fires between them.
    let (_, page) = running.get("/metrics");
    let value = |name: &str| -> f64 {
        let found = page.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap().trim().parse().unwrap()
    };
    let all = value("rollcall_timer_delay_seconds_count");
    let on_time = value(r#"rollcall_timer_delay_seconds_bucket{le="1"}"#);
    let longest_delay = running.machine.longest_delay();
    assert!(all > 0.0, "{when}: no timer has fired");
    assert!(
        on_time == all || longest_delay >= STALL,
        "{when}: {on_time} of {all} timers fired within a second; the test's own timer was at most {longest_delay:?} late"
    );
}
