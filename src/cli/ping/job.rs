//! The process of a job: its output passes through unchanged, signals are forwarded to it, and its exit status becomes that of
//! `rollcall ping`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use super::output_tail::OutputTail;
use crate::private_files;

/// Bytes that are read of the output at once: the size of a pipe.
const PIECE: usize = 64 * 1024;

/// The pause before another attempt to write to an output that does not wait by itself.
const FULL_OUTPUT: Duration = Duration::from_millis(10);

/// The exit status for a command that cannot be run, and for one that does not exist, as in a shell.
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// A running job.
pub(super) struct JobProcess {
    child: Child,
    outputs: Vec<oneshot::Receiver<()>>,
    tail: Arc<Mutex<OutputTail>>,
}

/// Why a job did not start, and the exit status for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StartError {
    pub sentence: String,
    pub status: u8,
}

impl JobProcess {
    /// Starts a command with its arguments.
    pub(super) fn start(command: &[OsString]) -> Result<Self, StartError> {
        let (program, arguments) = command.split_first().ok_or_else(|| StartError {
            sentence: "there is no command".into(),
            status: NOT_FOUND,
        })?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| start_error(&program.to_string_lossy(), &error))?;
        let tail = Arc::default();
        let out = child.stdout.take().map(|pipe| pipe.into_owned_fd());
        let err = child.stderr.take().map(|pipe| pipe.into_owned_fd());
        let outputs = [
            pass(out, io::stdout(), &tail),
            pass(err, io::stderr(), &tail),
        ];
        Ok(Self {
            child,
            outputs: outputs.into(),
            tail,
        })
    }

    /// Waits for the end of the job and returns its exit status.
    pub(super) async fn ended(&mut self) -> u8 {
        match self.child.wait().await {
            Ok(status) => exit_status(status),
            // Not possible: nobody else waits for this process.
            Err(_) => CANNOT_RUN,
        }
    }

    /// Waits until everything that the job has started has closed its output. Call it again if it was canceled.
    pub(super) async fn output_ended(&mut self) {
        while let Some(output) = self.outputs.last_mut() {
            // An error means that the thread has ended, too.
            let _ = output.await;
            self.outputs.pop();
        }
    }

    /// Sends a signal to the job, unless it has ended.
    pub(super) fn forward(&self, signal: ForwardedSignal) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(process) = id.and_then(Pid::from_raw) {
            let signal = match signal {
                ForwardedSignal::Terminate => Signal::TERM,
                ForwardedSignal::Interrupt => Signal::INT,
            };
            // It has just ended if this fails.
            let _ = kill_process(process, signal);
        }
    }

    /// The end of the output so far.
    pub(super) fn tail(&self) -> Vec<u8> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.bytes()
    }
}

/// A signal that is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForwardedSignal {
    Terminate,
    Interrupt,
}

/// As a shell says it: 128 and the number of the signal that has ended the process.
fn exit_status(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

fn start_error(program: &str, error: &io::Error) -> StartError {
    let (reason, status) = match error.kind() {
        ErrorKind::NotFound => ("there is no such command".to_owned(), NOT_FOUND),
        ErrorKind::PermissionDenied => ("it is not executable".to_owned(), CANNOT_RUN),
        _ => (private_files::reason(error), CANNOT_RUN),
    };
    StartError {
        sentence: format!("cannot run {program}: {reason}"),
        status,
    }
}

/// Passes an output through in a thread of its own, so that it never waits for a ping. The receiver gets a message, or an
/// error, at its end.
fn pass(
    from: Option<io::Result<OwnedFd>>,
    to: impl Write + Send + 'static,
    tail: &Arc<Mutex<OutputTail>>,
) -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    let tail = Arc::clone(tail);
    if let Some(Ok(from)) = from {
        std::thread::spawn(move || {
            copy(File::from(from), to, &tail);
            // Nobody waits any longer if this fails.
            let _ = sender.send(());
        });
    }
    receiver
}

/// Copies until the end of the output. If the receiver of `to` is gone, the job gets the same error as without Rollcall: the
/// pipe that it writes to is closed.
fn copy(mut from: impl Read, mut to: impl Write, tail: &Mutex<OutputTail>) {
    let mut piece = vec![0; PIECE];
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => &piece[..read],
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        tail.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(read);
        if write(&mut to, read).is_err() {
            return;
        }
    }
}

fn write(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) => wait_or_fail(error)?,
        }
    }
    while let Err(error) = to.flush() {
        wait_or_fail(error)?;
    }
    Ok(())
}

/// An output that Rollcall shares with another program may be set not to wait.
fn wait_or_fail(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock => {
            std::thread::sleep(FULL_OUTPUT);
            Ok(())
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output that takes a byte at a time, and is full before each.
    #[derive(Default)]
    struct SlowOutput {
        taken: Vec<u8>,
        is_ready: bool,
    }

    impl Write for SlowOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_ready = !self.is_ready;
            if self.is_ready {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.taken.push(bytes[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output that nobody reads.
    struct ClosedOutput;

    impl Write for ClosedOutput {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_is_full_for_a_moment_loses_nothing() {
        let (mut to, tail) = (SlowOutput::default(), Mutex::default());
        copy(&b"all of it"[..], &mut to, &tail);
        assert_eq!(to.taken, b"all of it");
        assert_eq!(tail.lock().unwrap().bytes(), b"all of it");
    }

    #[test]
    fn nothing_more_is_read_if_the_output_is_closed() {
        let tail = Mutex::default();
        let mut from = io::repeat(b'x');
        copy(&mut from, ClosedOutput, &tail);
        assert!(!tail.lock().unwrap().bytes().is_empty());
    }

    #[test]
    fn the_exit_status_is_that_of_a_shell() {
        for (wait_status, expected) in [(0, 0), (3 << 8, 3), (255 << 8, 255), (15, 143), (9, 137)] {
            let status = ExitStatus::from_raw(wait_status);
            assert_eq!(exit_status(status), expected, "{wait_status}");
        }
        for (kind, status, sentence) in [
            (
                ErrorKind::NotFound,
                127,
                "cannot run backup: there is no such command",
            ),
            (
                ErrorKind::PermissionDenied,
                126,
                "cannot run backup: it is not executable",
            ),
            (ErrorKind::TimedOut, 126, "cannot run backup: timed out"),
        ] {
            let found = start_error("backup", &kind.into());
            assert_eq!((found.status, found.sentence.as_str()), (status, sentence));
        }
    }
}
