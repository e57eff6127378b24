//! Whether the bot kept calm through a trouble: no timer of looks and jobs fired more than a second late, and no core was
//! kept busy. Only where the whole machine stood still, as a timer of our own beside the bot shows, a late one says nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::harness::{Running, stopwatch};

/// How often our own timer fires.
const TICK: Duration = Duration::from_millis(50);

/// Our own timer that late: nothing could run. Less than the bot's second, because it fires at any moment of a stand-still.
const STOOD_STILL: Duration = Duration::from_millis(800);

/// The processor time of a trouble, from now on.
pub struct Calm<'a> {
    running: &'a Running<'a>,
    since: Instant,
    used: Duration,
}

impl<'a> Calm<'a> {
    pub fn watch(running: &'a Running<'a>) -> Self {
        Self {
            running,
            since: stopwatch(),
            used: running.processor_time(),
        }
    }

    /// Fails where a timer was late or a core was kept busy.
    pub fn was_kept(&self, when: &str) {
        timers_were_in_time(self.running, when);
        let used = self.running.processor_time().saturating_sub(self.used);
        let length = self.since.elapsed();
        assert!(
            used < length / 4 + Duration::from_secs(1),
            "{when}: {used:?} of processor time in {length:?}"
        );
    }
}

/// Fails where a timer of looks and jobs was ever more than a second late while the machine ran, or where none fires.
pub fn timers_were_in_time(running: &Running<'_>, when: &str) {
    // One reading, so that no timer fires between the two numbers.
    let (_, page) = running.get("/metrics");
    let value = |name: &str| -> f64 {
        let found = page.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap().trim().parse().unwrap()
    };
    let all = value("rollcall_timer_delay_seconds_count");
    let in_time = value(r#"rollcall_timer_delay_seconds_bucket{le="1"}"#);
    let held_up = running.machine.held_up();
    assert!(all > 0.0, "{when}: no timer has fired");
    assert!(
        in_time == all || held_up >= STOOD_STILL,
        "{when}: {in_time} of {all} timers fired within a second, and beside the bot one was at most {held_up:?} late"
    );
}

/// A timer in this process, which has as little to do as the bot's should have.
pub struct Machine {
    longest_ms: Arc<AtomicU64>,
    /// Gone with the watch, which ends the thread.
    _stop: Sender<()>,
}

impl Machine {
    pub fn watch() -> Self {
        let (stop, stopped) = mpsc::channel();
        let longest_ms = Arc::new(AtomicU64::new(0));
        let noted = Arc::clone(&longest_ms);
        std::thread::spawn(move || {
            let mut since = stopwatch();
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let late = since.elapsed().saturating_sub(TICK);
                noted.fetch_max(u64::try_from(late.as_millis()).unwrap(), Ordering::Relaxed);
                since = stopwatch();
            }
        });
        Self {
            longest_ms,
            _stop: stop,
        }
    }

    /// The latest that it ever was.
    fn held_up(&self) -> Duration {
        Duration::from_millis(self.longest_ms.load(Ordering::Relaxed))
    }
}
