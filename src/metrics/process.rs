//! The metrics of the process itself, under the names that Prometheus' own clients use. They are read from Linux' `/proc` at
//! each scrape; on other systems there are none.

use std::fs;
use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge};

/// Ticks of the counters of processor time in `/proc` per second: `USER_HZ`, which is 100 on every architecture that Rust
/// supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the metrics of the process when they are scraped.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    start_time: Gauge,
    resident_memory: Gauge,
    processor_time: Counter,
    /// Locked while processor time is added.
    adding: Mutex<()>,
    open_descriptors: Gauge,
    most_descriptors: Gauge,
}

impl ProcessCollector {
    /// `None` without `/proc`.
    pub(super) fn new() -> Option<Self> {
        let started_at = started_at(
            &fs::read_to_string("/proc/self/stat").ok()?,
            &fs::read_to_string("/proc/stat").ok()?,
        )?;
        let gauge = |name: &str, help: &str| Gauge::new(name, help).ok();
        let collector = Self {
            start_time: gauge(
                "process_start_time_seconds",
                "When the process started, as Unix time.",
            )?,
            resident_memory: gauge(
                "process_resident_memory_bytes",
                "Memory of the process that is resident.",
            )?,
            processor_time: Counter::new(
                "process_cpu_seconds_total",
                "Processor time that the process has used.",
            )
            .ok()?,
            adding: Mutex::new(()),
            open_descriptors: gauge(
                "process_open_fds",
                "File descriptors that the process has open.",
            )?,
            most_descriptors: gauge(
                "process_max_fds",
                "File descriptors that the process may have open.",
            )?,
        };
        collector.start_time.set(started_at);
        Some(collector)
    }

    /// Reads what changes. What cannot be read keeps its value.
    fn read(&self) {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(bytes) = resident_bytes(&status) {
            self.resident_memory.set(bytes);
        }
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        if let Some(seconds) = processor_seconds(&stat) {
            // Otherwise two scrapes at once would add the same time twice. One may have read before the other.
            let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
            let more = seconds - self.processor_time.get();
            self.processor_time.inc_by(more.max(0.0));
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // One of them lists the others.
            let open = u32::try_from(open.count().saturating_sub(1)).unwrap_or(u32::MAX);
            self.open_descriptors.set(open.into());
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(most) = most_descriptors(&limits) {
            self.most_descriptors.set(most);
        }
    }

    fn parts(&self) -> [&dyn Collector; 5] {
        [
            &self.start_time,
            &self.resident_memory,
            &self.processor_time,
            &self.open_descriptors,
            &self.most_descriptors,
        ]
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.parts()
            .into_iter()
            .flat_map(|part| part.desc())
            .collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        self.parts()
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}

/// A field of `/proc/self/stat` by its number in proc(5), which counts from 1. The second one is the name of the program in
/// brackets, which may contain anything.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(number.checked_sub(3)?)?.parse().ok()
}

/// User time and system time together.
fn processor_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS_PER_SECOND)
}

/// The start of the process since the start of the system, which `/proc/stat` has as Unix time.
fn started_at(stat: &str, system: &str) -> Option<f64> {
    let mut lines = system.lines();
    let booted: f64 = lines.find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())?;
    Some(booted + field(stat, 22)? / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<f64> {
    let mut lines = status.lines();
    let kibibytes = lines.find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = kibibytes.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// The soft limit; infinite without one.
fn most_descriptors(limits: &str) -> Option<f64> {
    let mut lines = limits.lines();
    let limit = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    match limit.split_whitespace().next()? {
        "unlimited" => Some(f64::INFINITY),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins as proc(5) describes it: process 7, user time 250, system time 50, started 1234 ticks after the system.
    const STAT: &str =
        "7 (a) (b 1 2) S 1 7 7 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 4 0 1234 9999 88 0";

    #[test]
    fn the_files_of_proc_are_read_by_their_fields() {
        assert_eq!(processor_seconds(STAT), Some(3.0));
        assert_eq!(
            started_at(STAT, "cpu 1 2\nbtime 1700000000\n"),
            Some(1_700_000_012.34)
        );
        assert_eq!(started_at(STAT, "cpu 1 2\n"), None);
        assert_eq!(processor_seconds("7 (a) S 1"), None);
        assert_eq!(processor_seconds(""), None);
        assert_eq!(
            resident_bytes("VmPeak:\t 5 kB\nVmRSS:\t    2048 kB\n"),
            Some(2_097_152.0)
        );
        assert_eq!(resident_bytes("VmPeak: 5 kB"), None);
        let limits = |soft: &str| {
            format!("Limit  Soft  Hard  Units\nMax open files   {soft}   4096   files\n")
        };
        assert_eq!(most_descriptors(&limits("1024")), Some(1024.0));
        assert_eq!(most_descriptors(&limits("unlimited")), Some(f64::INFINITY));
        assert_eq!(most_descriptors("Max processes 1 1 processes"), None);
    }

    #[test]
    fn processor_time_grows_and_an_open_file_counts() {
        let Some(collector) = ProcessCollector::new() else {
            return;
        };
        collector.read();
        let before = collector.open_descriptors.get();
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/proc/self/stat")).collect();
        while collector.processor_time.get() < 0.02 {
            collector.read();
        }
        let time = collector.processor_time.get();
        collector.read();
        assert!(collector.processor_time.get() >= time);
        // Other tests open and close files at the same time.
        assert!(collector.open_descriptors.get() > before, "{before}");
        assert!(collector.most_descriptors.get() > collector.open_descriptors.get());
        assert!(collector.resident_memory.get() > 1_000_000.0);
        drop(files);
    }
}
