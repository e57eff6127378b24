//! Reads a process's CPU time, memory and bytes written to disk from `/proc`. Linux only.

use std::fs;
use std::time::Duration;

use crate::Result;

/// The unit of `/proc/<pid>/stat`: hundredths of a second on every common Linux.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads, including ended ones.
pub fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold anything; after it the fields are plain. User time is the 14th of all fields.
    let fields = stat.rsplit_once(')').ok_or("no fields in stat")?.1;
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<std::result::Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// CPU time of the running threads whose name starts with `name`, exact to the nanosecond.
pub fn threads_cpu(pid: u32, name: &str) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        // A thread may end between being listed and being read.
        let Ok(its_name) = fs::read_to_string(thread.join("comm")) else {
            continue;
        };
        if its_name.starts_with(name) {
            let spent = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
            let nanos = spent.split(' ').next().and_then(|word| word.parse().ok());
            total += Duration::from_nanos(nanos.unwrap_or(0));
        }
    }
    Ok(total)
}

/// Resident memory in bytes.
pub fn memory(pid: u32) -> Result<u64> {
    Ok(field(&format!("/proc/{pid}/status"), "VmRSS:")? * 1024)
}

/// Bytes written to disk.
pub fn written(pid: u32) -> Result<u64> {
    field(&format!("/proc/{pid}/io"), "write_bytes:")
}

fn field(file: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(file)?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or_else(|| format!("{file} has no {name}"))?;
    Ok(value.parse()?)
}
