//! Whether the bot kept calm through a trouble: the timers of looks and jobs fired in time, and no core was kept busy.
//! What a busy machine does to it is not held against the bot: Linux tells how long its threads waited for a core.

use std::time::{Duration, Instant};

use crate::harness::{Running, stopwatch};

/// What is measured from now on.
pub struct Calm<'a> {
    running: &'a Running<'a>,
    since: Instant,
    used: Duration,
    waited: Duration,
    late: f64,
}

impl<'a> Calm<'a> {
    pub fn watch(running: &'a Running<'a>) -> Self {
        Self {
            running,
            since: stopwatch(),
            used: running.processor_time(),
            waited: waited(running),
            late: late_timers(running),
        }
    }

    /// Fails where a timer was late or a core was kept busy.
    pub fn was_kept(&self, when: &str) {
        self.timers_were_in_time(when);
        let used = self.running.processor_time().saturating_sub(self.used);
        let length = self.since.elapsed();
        assert!(
            used < length / 4 + Duration::from_secs(1),
            "{when}: {used:?} of processor time in {length:?}"
        );
    }

    /// Fails where a timer was more than a second late and no core was waited for that long.
    pub fn timers_were_in_time(&self, when: &str) {
        let late = late_timers(self.running) - self.late;
        let waited = waited(self.running).saturating_sub(self.waited);
        assert!(
            late <= waited.as_secs_f64(),
            "{when}: {late} timers fired over a second late, a core was waited for during {waited:?}"
        );
    }
}

/// How many timers of looks and jobs fired more than a second late so far.
fn late_timers(running: &Running<'_>) -> f64 {
    // One reading, so that no timer fires between the two numbers.
    let (_, page) = running.get("/metrics");
    let value = |name: &str| -> f64 {
        let found = page.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap().trim().parse().unwrap()
    };
    let in_time = value(r#"rollcall_timer_lateness_seconds_bucket{le="1"}"#);
    value("rollcall_timer_lateness_seconds_count") - in_time
}

/// How long the bot's threads have waited for a core so far, and the cores for the machine that this one is a guest of.
fn waited(running: &Running<'_>) -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    // The first line sums the cores up, in hundredths of a second; what the host took is the eighth number.
    let held: u64 = stat.split_whitespace().nth(8).unwrap().parse().unwrap();
    running.waited_for_a_core() + Duration::from_millis(held * 10)
}
