//! Starts this program again in another role, as the target or as a baseline, and talks to it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::{Result, clock, process};

/// A command that starts `program` with as many file descriptors as the system allows.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\""])
        .arg(program);
    command
}

/// A child process that is killed on drop.
#[derive(Debug)]
pub struct Role {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Role {
    fn start(folder: &Path, words: &[&str]) -> Result<Self> {
        let mut child = command(&std::env::current_exe()?)
            .arg("--role")
            .arg(folder)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("the child has no stdin")?;
        let output = BufReader::new(child.stdout.take().ok_or("the child has no stdout")?);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    fn numbers<const N: usize>(&mut self) -> Result<[u64; N]> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let numbers: Vec<u64> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        Ok(numbers
            .try_into()
            .map_err(|_| format!("a child printed `{}`", line.trim()))?)
    }

    fn ask(&mut self) -> Result<Counts> {
        writeln!(self.input)?;
        let [checks, failures, in_flight, median_us] = self.numbers()?;
        Ok(Counts {
            checks,
            failures,
            in_flight,
            median_us,
        })
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Counts {
    checks: u64,
    failures: u64,
    in_flight: u64,
    median_us: u64,
}

/// The target process and its ports.
#[derive(Debug)]
pub struct Target {
    _role: Role,
    pub http: u16,
    pub tls: u16,
    pub tcp: u16,
    pub stall: u16,
    pub tls_stall: u16,
}

impl Target {
    pub fn start(folder: &Path) -> Result<Self> {
        let mut role = Role::start(folder, &["target"])?;
        let [http, tls, tcp, stall, tls_stall] = role.numbers::<5>()?;
        Ok(Self {
            _role: role,
            http: u16::try_from(http)?,
            tls: u16::try_from(tls)?,
            tcp: u16::try_from(tcp)?,
            stall: u16::try_from(stall)?,
            tls_stall: u16::try_from(tls_stall)?,
        })
    }
}

/// What a baseline did in a window of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct FloorWindow {
    pub checks: u64,
    pub seconds: f64,
    pub cpu_us: f64,
    pub median_us: u64,
}

pub struct Floor(Role);

impl Floor {
    /// See `floor::Plan` for the arguments.
    pub fn start(folder: &Path, kind: &str, port: u16, manner: (&str, u64)) -> Result<Self> {
        let (port, count) = (port.to_string(), manner.1.to_string());
        Ok(Self(Role::start(
            folder,
            &["floor", kind, &port, manner.0, &count],
        )?))
    }

    pub fn window(&mut self, length: Duration) -> Result<FloorWindow> {
        let pid = self.0.child.id();
        let before = self.0.ask()?;
        let (started, cpu) = (clock::now(), process::cpu(pid)?);
        std::thread::sleep(length);
        let (seconds, spent) = (started.elapsed().as_secs_f64(), process::cpu(pid)? - cpu);
        let after = self.0.ask()?;
        let checks = after.checks - before.checks;
        let failures = after.failures - before.failures;
        if failures * 100 > checks {
            return Err(format!("{failures} baseline checks failed, {checks} passed").into());
        }
        Ok(FloorWindow {
            checks,
            seconds,
            cpu_us: spent.as_secs_f64() * 1e6,
            median_us: after.median_us,
        })
    }

    /// Resident memory in bytes, and the number of checks in flight.
    pub fn memory(&mut self) -> Result<(u64, u64)> {
        Ok((process::memory(self.0.child.id())?, self.0.ask()?.in_flight))
    }
}
