//! Runs the product as a user does: the real program in its own directory, with settings from the environment.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::{Result, clock, command, process, seed};

/// The name that sqlx gives to the threads that run SQLite, as truncated by Linux.
const SQLITE_THREADS: &str = "sqlx-sqlite-wor";

const START: Duration = Duration::from_secs(60);

/// What the product did in a window of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    pub checks: u64,
    pub seconds: f64,
    pub cpu_us: f64,
    /// CPU time of the threads that run SQLite.
    pub storage_us: f64,
    /// Bytes written to the write-ahead log and from there to the file.
    pub written: u64,
    /// The share of checks that started within 5 ms of being due.
    pub on_time: f64,
}

/// Counters of `/metrics`.
#[derive(Clone, Copy, Default)]
struct Counts {
    up: u64,
    others: u64,
    on_time: u64,
    started: u64,
    in_flight: u64,
}

pub struct Product {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Product {
    pub fn start(folder: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let file = folder.join("address");
        let _ = fs::remove_file(&file);
        let child = command::program(folder)
            .arg("run")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .spawn()?;
        let mut product = Self {
            child,
            folder: folder.to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let started = clock::now();
        loop {
            if let Ok(text) = fs::read_to_string(&file) {
                product.address = text.trim().parse()?;
                return Ok(product);
            }
            if started.elapsed() > START || product.child.try_wait()?.is_some() {
                return Err("the product did not start".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn window(&self, length: Duration) -> Result<Window> {
        let pid = self.child.id();
        // The product moves its write-ahead log into the file now and then. The log is emptied before and after, so
        // that the figure neither includes earlier writes nor misses writes of this window.
        seed::checkpoint(&self.folder)?;
        let before = self.counts()?;
        let started = clock::now();
        let (cpu, storage, written) = (
            process::cpu(pid)?,
            process::threads_cpu(pid, SQLITE_THREADS)?,
            process::written(pid)?,
        );
        std::thread::sleep(length);
        let (seconds, cpu, storage, written) = (
            started.elapsed().as_secs_f64(),
            process::cpu(pid)? - cpu,
            process::threads_cpu(pid, SQLITE_THREADS)?.saturating_sub(storage),
            process::written(pid)? - written,
        );
        let after = self.counts()?;
        let written = written + seed::checkpoint(&self.folder)?;
        let (up, others) = (after.up - before.up, after.others - before.others);
        if others * 100 > up {
            return Err(format!("{others} checks did not pass, {up} did").into());
        }
        let started = (after.started - before.started).max(1);
        Ok(Window {
            checks: up + others,
            seconds,
            cpu_us: cpu.as_secs_f64() * 1e6,
            storage_us: storage.as_secs_f64() * 1e6,
            written,
            on_time: ratio(after.on_time - before.on_time, started),
        })
    }

    pub fn memory(&self) -> Result<u64> {
        process::memory(self.child.id())
    }

    pub fn in_flight(&self) -> Result<u64> {
        Ok(self.counts()?.in_flight)
    }

    /// Checks that passed since the start.
    pub fn passed(&self) -> Result<u64> {
        Ok(self.counts()?.up)
    }

    /// The share of all checks since the start that started within 5 ms of being due.
    pub fn on_time(&self) -> Result<f64> {
        let counts = self.counts()?;
        Ok(ratio(counts.on_time, counts.started.max(1)))
    }

    fn counts(&self) -> Result<Counts> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let mut counts = Counts::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let value = value.parse().unwrap_or(0);
            match name {
                "rollcall_checks_total{result=\"up\"}" => counts.up = value,
                name if name.starts_with("rollcall_checks_total") => counts.others += value,
                "rollcall_check_schedule_delay_seconds_bucket{le=\"0.005\"}" => {
                    counts.on_time = value;
                }
                "rollcall_check_schedule_delay_seconds_count" => counts.started = value,
                "rollcall_checks_in_flight" => counts.in_flight = value,
                _ => {}
            }
        }
        Ok(counts)
    }
}

impl Drop for Product {
    /// Kills the product: its data is discarded, so a clean shutdown is not needed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts far below 2^52, shown with three digits"
)]
pub fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
