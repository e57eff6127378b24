//! Records how far a check got and how long each phase took, outside the check's future so that a timeout cannot lose
//! it.

use std::time::Duration;

use super::Stop;
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{CheckResult, FailureClass, Timings, Verdict};

/// Detail of a check that failed without any DNS answer, as opposed to the answer that the name does not exist.
pub(super) const NO_ANSWER: &str = "the resolver did not respond";

/// The phase of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waiting for one of our own lookup slots, not for the network.
    Queueing,
    Resolving,
    Connecting,
    Handshaking,
    Sending,
    Waiting,
    Reading,
}

impl Phase {
    /// The phase in words, as the end of "timed out …".
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Queueing => "waiting for a free slot",
            Self::Resolving => "while resolving the name",
            Self::Connecting => "while connecting",
            Self::Handshaking => "in the TLS handshake",
            Self::Sending => "while sending the request",
            Self::Waiting => "waiting for the response",
            Self::Reading => "reading the response",
        }
    }

    /// How a check ends if the deadline passes in this phase.
    pub(super) fn out_of_time(self) -> Stop {
        match self {
            Self::Queueing => Stop::NotChecked("too many names are being resolved at once"),
            Self::Resolving => Stop::with(FailureClass::NameFailed, NO_ANSWER),
            _ => Stop::with(FailureClass::TimedOut, self.words()),
        }
    }
}

/// The progress of one check.
#[derive(Debug)]
pub(super) struct Trace {
    started: Stopwatch,
    timeout: Duration,
    lap: Stopwatch,
    phase: Phase,
    timings: Timings,
    pub(super) certificate_expires_at: Option<Timestamp>,
}

impl Trace {
    pub(super) fn start(timeout: Duration) -> Self {
        let started = Stopwatch::start();
        Self {
            started,
            timeout,
            lap: started,
            phase: Phase::Queueing,
            timings: Timings::default(),
            certificate_expires_at: None,
        }
    }

    pub(super) fn deadline(&self) -> tokio::time::Instant {
        self.started.after(self.timeout)
    }

    pub(super) fn remaining(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Ends the current phase and starts the next. Phases of several hops add up.
    pub(super) fn enter(&mut self, next: Phase) {
        self.close_lap();
        self.lap = Stopwatch::start();
        self.phase = next;
    }

    pub(super) fn result(mut self, at: Timestamp, verdict: Verdict) -> CheckResult {
        self.close_lap();
        self.timings.total = self.started.elapsed();
        CheckResult {
            at,
            verdict,
            timings: self.timings,
            certificate_expires_at: self.certificate_expires_at,
        }
    }

    fn close_lap(&mut self) {
        let field = match self.phase {
            Phase::Resolving => &mut self.timings.resolve,
            Phase::Connecting => &mut self.timings.connect,
            Phase::Handshaking => &mut self.timings.tls,
            Phase::Waiting => &mut self.timings.first_byte,
            Phase::Queueing | Phase::Sending | Phase::Reading => return,
        };
        *field = Some(field.unwrap_or_default() + self.lap.elapsed());
    }
}
