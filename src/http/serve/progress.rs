//! The progress of one connection, and when it must end for lack of it. Pure: every method takes the time since the server
//! started.

use std::time::Duration;

/// The time a client has to send its headers, from the first byte or from the connection; no legitimate client needs longer.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(5);

/// The time in which at least one byte of a response must be sent. TCP itself would wait for minutes; a client that reads at
/// all reads something within seconds. (A body that does not arrive is refused by its handler, with 408 after 10 s.)
pub(super) const STALL_TIME: Duration = Duration::from_secs(10);

/// The time of a whole request, from the first byte of its head to the last byte of its response. A check on request may
/// take 2 minutes (`PROBE_TIMEOUT`), and 3 minutes are enough for 300 KB at 2 KB/s; a client that reads a byte at a time is
/// not served for longer.
pub(super) const REQUEST_TIME: Duration = Duration::from_secs(300);

/// The time a connection may wait for its next request: longer than the usual interval between heartbeats, so that clients
/// need no new connection for each.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(75);

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(super) enum CloseReason {
    /// Its head was not complete in time.
    SlowHead,
    /// Nothing of its response could be sent for too long.
    Stalled,
    /// Its request took too long as a whole.
    SlowRequest,
    /// It had no further request.
    Idle,
    /// It was idle, and its slot was needed.
    Replaced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionPhase {
    /// New, or in the middle of the head of a request.
    Head,
    /// Between the end of a head and the end of its response.
    Request,
    Idle,
    Replaced,
}

/// The progress of one connection.
#[derive(Debug)]
pub(super) struct ConnectionProgress {
    phase: ConnectionPhase,
    /// When the phase began; of a request, when its head began.
    since: Duration,
    /// Since when no byte could be written.
    blocked_since: Option<Duration>,
    response_is_complete: bool,
}

impl ConnectionProgress {
    pub fn new(now: Duration) -> Self {
        Self {
            phase: ConnectionPhase::Head,
            since: now,
            blocked_since: None,
            response_is_complete: false,
        }
    }

    /// Records that bytes arrived.
    pub fn read(&mut self, now: Duration) {
        if self.phase == ConnectionPhase::Idle {
            self.begin(ConnectionPhase::Head, now);
        }
    }

    /// Records that a head is complete. The head of a pipelined request may have arrived during the one before.
    pub fn begin_request(&mut self, now: Duration) {
        match self.phase {
            ConnectionPhase::Head => self.phase = ConnectionPhase::Request,
            ConnectionPhase::Request | ConnectionPhase::Idle | ConnectionPhase::Replaced => {
                self.begin(ConnectionPhase::Request, now);
            }
        }
        self.response_is_complete = false;
    }

    /// Records that the response has no further bytes; some may not be written yet.
    pub fn complete_response(&mut self) {
        self.response_is_complete = true;
    }

    /// Records that bytes were written.
    pub fn written(&mut self) {
        self.blocked_since = None;
    }

    /// Records that bytes are to be written and cannot be.
    pub fn blocked(&mut self, now: Duration) {
        self.blocked_since.get_or_insert(now);
    }

    /// Records that all bytes so far were written.
    pub fn flushed(&mut self, now: Duration) {
        if self.phase == ConnectionPhase::Request && self.response_is_complete {
            self.begin(ConnectionPhase::Idle, now);
        }
    }

    /// Gives up an idle connection for another one; returns whether it was idle.
    pub fn replace(&mut self) -> bool {
        let is_idle = self.phase == ConnectionPhase::Idle;
        if is_idle {
            self.phase = ConnectionPhase::Replaced;
        }
        is_idle
    }

    /// Whether bytes wait to be written.
    pub fn is_blocked(&self) -> bool {
        self.blocked_since.is_some()
    }

    /// Since when the connection has been idle; `None` if it is not.
    pub fn idle_since(&self) -> Option<Duration> {
        (self.phase == ConnectionPhase::Idle).then_some(self.since)
    }

    /// When the connection ends if nothing happens before, and why.
    pub fn deadline(&self) -> (Duration, CloseReason) {
        match (self.phase, self.blocked_since) {
            (ConnectionPhase::Head, _) => (self.since + HEAD_TIME, CloseReason::SlowHead),
            (ConnectionPhase::Idle, _) => (self.since + IDLE_TIME, CloseReason::Idle),
            (ConnectionPhase::Replaced, _) => (Duration::ZERO, CloseReason::Replaced),
            (ConnectionPhase::Request, Some(blocked))
                if blocked + STALL_TIME < self.since + REQUEST_TIME =>
            {
                (blocked + STALL_TIME, CloseReason::Stalled)
            }
            (ConnectionPhase::Request, _) => (self.since + REQUEST_TIME, CloseReason::SlowRequest),
        }
    }

    fn begin(&mut self, phase: ConnectionPhase, now: Duration) {
        self.phase = phase;
        self.since = now;
        self.blocked_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can happen to a connection.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Read,
        Begin,
        Complete,
        Written,
        Blocked,
        Flushed,
        Replace,
    }
    use Step::{Begin, Blocked, Complete, Flushed, Read, Replace, Written};

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn the_deadline_follows_the_phase() {
        for (steps, deadline, reason) in [
            (&[][..], 5, CloseReason::SlowHead),
            // Bytes of a head do not extend its time.
            (&[(1, Read), (4, Read)], 5, CloseReason::SlowHead),
            (&[(1, Read), (2, Begin)], 300, CloseReason::SlowRequest),
            (&[(2, Begin), (3, Blocked)], 13, CloseReason::Stalled),
            (
                &[(2, Begin), (3, Blocked), (9, Blocked)],
                13,
                CloseReason::Stalled,
            ),
            (
                &[(2, Begin), (3, Blocked), (9, Written), (9, Blocked)],
                19,
                CloseReason::Stalled,
            ),
            (
                &[(2, Begin), (3, Blocked), (9, Written)],
                300,
                CloseReason::SlowRequest,
            ),
            // A client that reads a little, again and again.
            (&[(2, Begin), (289, Blocked)], 299, CloseReason::Stalled),
            (&[(2, Begin), (290, Blocked)], 300, CloseReason::SlowRequest),
            (&[(2, Begin), (299, Blocked)], 300, CloseReason::SlowRequest),
            // A response ends when its last byte is written.
            (&[(2, Begin), (3, Complete)], 300, CloseReason::SlowRequest),
            (&[(2, Begin), (3, Flushed)], 300, CloseReason::SlowRequest),
            (
                &[(2, Begin), (3, Complete), (4, Flushed)],
                79,
                CloseReason::Idle,
            ),
            (
                &[(2, Begin), (3, Complete), (4, Flushed), (9, Flushed)],
                79,
                CloseReason::Idle,
            ),
            (
                &[
                    (2, Begin),
                    (3, Complete),
                    (4, Flushed),
                    (70, Read),
                    (71, Read),
                ],
                75,
                CloseReason::SlowHead,
            ),
            // The second request was pipelined.
            (
                &[(2, Begin), (3, Complete), (4, Flushed), (4, Begin)],
                304,
                CloseReason::SlowRequest,
            ),
            (
                &[
                    (2, Begin),
                    (3, Complete),
                    (4, Flushed),
                    (4, Begin),
                    (5, Flushed),
                ],
                304,
                CloseReason::SlowRequest,
            ),
            (
                &[(2, Begin), (3, Complete), (4, Flushed), (5, Replace)],
                0,
                CloseReason::Replaced,
            ),
            (&[(2, Begin), (3, Replace)], 300, CloseReason::SlowRequest),
            (&[(2, Replace)], 5, CloseReason::SlowHead),
        ] {
            let mut progress = ConnectionProgress::new(Duration::ZERO);
            for (second, step) in steps {
                let now = Duration::from_secs(*second);
                match step {
                    Read => progress.read(now),
                    Begin => progress.begin_request(now),
                    Complete => progress.complete_response(),
                    Written => progress.written(),
                    Blocked => progress.blocked(now),
                    Flushed => progress.flushed(now),
                    Replace => {
                        progress.replace();
                    }
                }
            }
            let expected = (Duration::from_secs(deadline), reason);
            assert_eq!(progress.deadline(), expected, "{steps:?}");
        }
    }
}
