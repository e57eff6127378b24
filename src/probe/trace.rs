//! Records how far a check got and how long each phase took, outside the check's future so that a timeout cannot lose
//! it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::connection_limit::ConnectionTurn;
use super::{LastResponse, Stop};
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::certificate_expiry::Certificate;
use crate::domain::endpoints::check_result::{CheckResult, FailureClass, Timings, Verdict};
use crate::domain::endpoints::target::Host;

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
            Self::Resolving => Stop::NotResolved,
            _ => Stop::with(FailureClass::TimedOut, self.words()),
        }
    }
}

/// On whose account the connections of a check are counted.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) guild: GuildId,
    /// A turn that the check waited for before it started.
    pub(super) turn: Option<ConnectionTurn>,
    pub(super) has_connected: bool,
}

/// How far away a deadline is at least while it moves because the check waits.
const MOVING_DEADLINE_STEP: Duration = Duration::from_millis(10);

/// The time of a check, without its waits for a turn to connect.
#[derive(Clone, Debug)]
pub(super) struct CheckTime {
    started: Stopwatch,
    timeout: Duration,
    waits: Option<Arc<Waits>>,
}

#[derive(Debug, Default)]
struct Waits {
    /// Total of the waits that have ended, in µs.
    ended_us: AtomicU64,
    /// Start of the current wait, in µs since the start of the check.
    since_us: AtomicU64,
    is_waiting: AtomicBool,
}

impl CheckTime {
    /// Time since the start in which the check did not wait.
    fn elapsed(&self) -> Duration {
        let elapsed = self.started.elapsed();
        let Some(waits) = &self.waits else {
            return elapsed;
        };
        let until = match waits.is_waiting.load(Ordering::Acquire) {
            true => Duration::from_micros(waits.since_us.load(Ordering::Acquire)),
            false => elapsed,
        };
        until.saturating_sub(Duration::from_micros(
            waits.ended_us.load(Ordering::Acquire),
        ))
    }

    fn remaining(&self) -> Duration {
        self.timeout.saturating_sub(self.elapsed())
    }

    /// When `is_over` may be true at the earliest, as far as is known now.
    pub(super) fn deadline(&self) -> tokio::time::Instant {
        let is_waiting = self
            .waits
            .as_ref()
            .is_some_and(|waits| waits.is_waiting.load(Ordering::Acquire));
        let step = match is_waiting {
            true => self.remaining().max(MOVING_DEADLINE_STEP),
            false => self.remaining(),
        };
        self.started.after(self.started.elapsed() + step)
    }

    pub(super) fn is_over(&self) -> bool {
        self.remaining().is_zero()
    }
}

/// The progress of one check.
#[derive(Debug)]
pub(super) struct Trace {
    time: CheckTime,
    account: Option<Box<Account>>,
    lap: Stopwatch,
    phase: Phase,
    /// What is resolved now or was resolved last, by the name that the rule knows it by.
    lookup: Option<Box<str>>,
    /// The host of the target, once a redirect has led elsewhere.
    redirected_from: Option<Box<str>>,
    timings: Timings,
    certificate: Option<Certificate>,
    /// Where redirects have led, as it is shown; `None` without redirects.
    pub(super) final_target: Option<Box<str>>,
    /// The last response so far.
    pub(super) response: Option<LastResponse>,
}

impl Trace {
    pub(super) fn start(timeout: Duration) -> Self {
        let started = Stopwatch::start();
        Self {
            time: CheckTime {
                started,
                timeout,
                waits: None,
            },
            account: None,
            lap: started,
            phase: Phase::Queueing,
            lookup: None,
            redirected_from: None,
            timings: Timings::default(),
            certificate: None,
            final_target: None,
            response: None,
        }
    }

    /// The trace of a check whose connections are counted.
    pub(super) fn on_account(timeout: Duration, account: Account) -> Self {
        let mut trace = Self::start(timeout);
        trace.time.waits = Some(Arc::default());
        trace.account = Some(Box::new(account));
        trace
    }

    pub(super) fn account(&mut self) -> Option<&mut Account> {
        self.account.as_deref_mut()
    }

    pub(super) fn time(&self) -> CheckTime {
        self.time.clone()
    }

    pub(super) fn remaining(&self) -> Duration {
        self.time.remaining()
    }

    /// Starts a wait that counts neither for the timeout nor for a timing.
    pub(super) fn pause(&mut self) {
        self.close_lap();
        if let Some(waits) = &self.time.waits {
            let since = micros(self.time.started.elapsed());
            waits.since_us.store(since, Ordering::Release);
            waits.is_waiting.store(true, Ordering::Release);
        }
    }

    /// Ends a wait; the phase before it continues.
    pub(super) fn resume(&mut self) {
        if let Some(waits) = &self.time.waits {
            let since = waits.since_us.load(Ordering::Acquire);
            let waited = micros(self.time.started.elapsed()).saturating_sub(since);
            waits.ended_us.fetch_add(waited, Ordering::AcqRel);
            waits.is_waiting.store(false, Ordering::Release);
        }
        self.lap = Stopwatch::start();
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// The guild on whose account it is.
    pub(super) fn guild(&self) -> Option<GuildId> {
        self.account.as_ref().map(|account| account.guild)
    }

    /// Begins to wait for a slot to resolve a name. Servers choose the names of redirects, so those are known by the host of
    /// the target.
    pub(super) fn queue_lookup(&mut self, name: &str) -> Box<str> {
        self.enter(Phase::Queueing);
        let known_as: Box<str> = match &self.redirected_from {
            Some(host) => format!("redirect of {host}").into(),
            None => name.into(),
        };
        self.lookup = Some(known_as.clone());
        known_as
    }

    /// The lookup that has not ended.
    pub(super) fn pending_lookup(&self) -> Option<&str> {
        match self.phase {
            Phase::Resolving => self.lookup.as_deref(),
            _ => None,
        }
    }

    /// Records a response; each one after the first follows a redirect.
    pub(super) fn record_response(&mut self, status: u16, is_tls: bool) {
        let redirects = self.response.map_or(0, |last| last.redirects + 1);
        self.response = Some(LastResponse {
            status,
            is_tls,
            redirects,
        });
    }

    /// Records that a redirect leads away from this host.
    pub(super) fn redirect_from(&mut self, host: &Host) {
        self.redirected_from
            .get_or_insert_with(|| host.to_string().into());
    }

    /// Records the certificate of a host. Of several hops, the one that expires first counts.
    pub(super) fn record_certificate(&mut self, host: &Host, mut certificate: Certificate) {
        let is_first = self
            .certificate
            .as_ref()
            .is_none_or(|known| certificate.expires_at < known.expires_at);
        if !is_first {
            return;
        }
        let start = self.redirected_from.as_deref();
        let host = start.map(|start| (start, host.to_string()));
        certificate.host = host
            .filter(|(start, host)| start != host)
            .map(|(_, host)| host.into());
        self.certificate = Some(certificate);
    }

    /// Ends the current phase and starts the next. Phases of several hops add up.
    pub(super) fn enter(&mut self, next: Phase) {
        self.close_lap();
        self.lap = Stopwatch::start();
        self.phase = next;
    }

    pub(super) fn result(mut self, at: Timestamp, verdict: Verdict) -> CheckResult {
        self.close_lap();
        self.timings.total = self.time.elapsed();
        CheckResult {
            at,
            verdict,
            timings: self.timings,
            certificate: self.certificate,
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

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
