//! One run of a job with its pings: start, exit status, and a failure if it takes too long.

use std::ffi::OsString;
use std::time::Duration;

use tokio::signal::unix::{self, SignalKind, signal};
use tokio::task::JoinHandle;

use super::delivery::{PingMessage, PingSender};
use super::job::{ForwardedSignal, JobProcess};
use super::ping_address::PingAddress;
use crate::app::AppError;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::text;

/// How long the end of a run waits for pings that are still being delivered.
const EARLIER_PINGS: Duration = Duration::from_secs(2);

/// How long the ping at the end waits for output of processes that the job has left.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// Sends the pings of one run, in their order.
pub(super) struct RunReporter {
    sender: PingSender,
    address: PingAddress,
    /// So that runs may overlap; `None` without random numbers.
    run: Option<String>,
    earlier: Option<JoinHandle<()>>,
}

impl RunReporter {
    pub(super) fn new(sender: PingSender, address: PingAddress) -> Self {
        let mut bytes = [0; 16];
        let run = getrandom::fill(&mut bytes).ok();
        Self {
            sender,
            address,
            run: run.map(|()| DeviceUuid::from_random(bytes).to_string()),
            earlier: None,
        }
    }

    fn message(&self, signal: &str, body: Vec<u8>) -> PingMessage {
        PingMessage {
            url: self.address.signal(signal, self.run.as_deref()),
            body,
        }
    }

    /// Sends a ping while the job runs, after those before it.
    fn send(&mut self, signal: &str, body: Vec<u8>) {
        let (sender, message) = (self.sender.clone(), self.message(signal, body));
        let earlier = self.earlier.take();
        self.earlier = Some(tokio::spawn(async move {
            if let Some(earlier) = earlier {
                // It does not panic.
                let _ = earlier.await;
            }
            // The ping at the end says whether Rollcall can be reached.
            let _ = sender.deliver(message).await;
        }));
    }

    /// Delivers the last ping. Earlier ones that are still on their way are given up after a moment.
    async fn end(&mut self, signal: &str, body: Vec<u8>) -> Result<(), String> {
        if let Some(mut earlier) = self.earlier.take()
            && tokio::time::timeout(EARLIER_PINGS, &mut earlier)
                .await
                .is_err()
        {
            earlier.abort();
        }
        self.sender.deliver(self.message(signal, body)).await
    }
}

/// The signals that are forwarded to the job.
struct ForwardedSignals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl ForwardedSignals {
    fn new() -> Result<Self, AppError> {
        let refused = |error| AppError::Other(format!("cannot wait for signals: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(refused)?,
            interrupt: signal(SignalKind::interrupt()).map_err(refused)?,
        })
    }

    async fn next(&mut self) -> ForwardedSignal {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return ForwardedSignal::Terminate,
                _ = self.interrupt.recv() => {
                    if !is_in_foreground() {
                        return ForwardedSignal::Interrupt;
                    }
                }
            }
        }
    }

    /// Any of the signals: it ends the wait for a ping or for output, once the job has ended.
    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Whether this process is in the foreground of a terminal. Ctrl-C reaches all processes there, so the job has the signal.
fn is_in_foreground() -> bool {
    let foreground = std::fs::File::open("/dev/tty")
        .ok()
        .and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
    foreground == Some(rustix::process::getpgrp())
}

/// A job to run.
pub(super) struct ReportedRun<'a> {
    pub command: &'a [OsString],
    pub timeout: Option<Duration>,
    /// `None`: no pings.
    pub reporter: Option<RunReporter>,
    /// Prints a line of `rollcall ping` itself.
    pub note: fn(&str),
}

impl ReportedRun<'_> {
    /// Runs the job and returns its exit status.
    pub(super) async fn finish(mut self) -> Result<u8, AppError> {
        let mut signals = ForwardedSignals::new()?;
        if let Some(reporter) = &mut self.reporter {
            reporter.send("start", Vec::new());
        }
        let mut job = match JobProcess::start(self.command) {
            Ok(job) => job,
            Err(error) => {
                (self.note)(&error.sentence);
                self.end(error.status, error.sentence.into_bytes(), &mut signals)
                    .await;
                return Ok(error.status);
            }
        };
        let status = self.wait(&mut job, &mut signals).await;
        let _ = tokio::time::timeout(LAST_OUTPUT, job.output_ended()).await;
        self.end(status, job.tail(), &mut signals).await;
        tokio::select! {
            () = job.output_ended() => {}
            () = signals.any() => {}
        }
        Ok(status)
    }

    /// Waits for the end of the job and returns its exit status.
    async fn wait(&mut self, job: &mut JobProcess, signals: &mut ForwardedSignals) -> u8 {
        let late = tokio::time::sleep(self.timeout.unwrap_or(Duration::MAX));
        tokio::pin!(late);
        let mut is_late = self.timeout.is_none();
        loop {
            let signal = tokio::select! {
                // A signal to both must not be taken for a second one, which would give up the ping at the end.
                biased;
                signal = signals.next() => Some(signal),
                status = job.ended() => return status,
                () = &mut late, if !is_late => None,
            };
            match signal {
                Some(signal) => job.forward(signal),
                None => {
                    is_late = true;
                    self.report_late(job);
                }
            }
        }
    }

    fn report_late(&mut self, job: &JobProcess) {
        let length = text::duration(self.timeout.unwrap_or_default());
        let sentence = format!("the job still runs after {length}");
        (self.note)(&sentence);
        let mut body = job.tail();
        if !body.is_empty() && !body.ends_with(b"\n") {
            body.push(b'\n');
        }
        body.extend_from_slice(sentence.as_bytes());
        if let Some(reporter) = &mut self.reporter {
            reporter.send("fail", body);
        }
    }

    /// Delivers the ping at the end, unless a signal arrives.
    async fn end(&mut self, status: u8, body: Vec<u8>, signals: &mut ForwardedSignals) {
        let Some(reporter) = &mut self.reporter else {
            return;
        };
        let signal = status.to_string();
        let delivered = tokio::select! {
            delivered = reporter.end(&signal, body) => delivered,
            () = signals.any() => Err("stopped by a signal".to_owned()),
        };
        if let Err(reason) = delivered {
            (self.note)(&format!("the end of the job was not reported: {reason}"));
        }
    }
}
