//! Measures the machine that this process runs on.

use std::path::Path;
use std::time::Duration;

use sysinfo::{Components, DiskRefreshKind, Disks, Networks, System};
use tokio::task::JoinHandle;

use super::machine::{DiskUse, Machine, MemoryUse, NetworkRate, SensorTemperature, is_physical};
use crate::clock::Stopwatch;

/// The time between the first two readings. Processor time and traffic are differences of two.
const FIRST_SAMPLE: Duration = Duration::from_millis(250);

/// How long a report waits for the sizes of the file systems. The kernel may not answer for one on another machine, or on a
/// broken disk.
const DISK_TIMEOUT: Duration = Duration::from_secs(5);

/// The counters of the machine at the last reading.
pub(super) struct Collector {
    /// These three are `None` if the operating system does not show them.
    system: Option<System>,
    networks: Option<Networks>,
    components: Option<Components>,
    since: Stopwatch,
    disks: DiskReader,
    name: String,
}

impl Collector {
    /// Takes the first reading, and waits until there can be a second one.
    pub(super) async fn start() -> Self {
        let mut system = System::new().ok();
        if let Some(system) = &mut system {
            system.refresh_cpu_usage();
        }
        let collector = Self {
            system,
            networks: Networks::new_with_refreshed_list().ok(),
            components: Components::new_with_refreshed_list().ok(),
            since: Stopwatch::start(),
            disks: DiskReader::new(mounted),
            name: name(),
        };
        tokio::time::sleep(FIRST_SAMPLE).await;
        collector
    }

    /// The state of the machine; rates are means since the last call.
    pub(super) async fn machine(&mut self) -> Machine {
        let elapsed = std::mem::replace(&mut self.since, Stopwatch::start()).elapsed();
        let mut machine = Machine {
            load: System::load_average()
                .ok()
                .map(|load| [load.one, load.five, load.fifteen]),
            uptime_seconds: System::uptime().ok(),
            network: self.network(elapsed),
            temperatures: self.temperatures(),
            disks: self.disks.read(DISK_TIMEOUT).await,
            system: self.name.clone(),
            ..Machine::default()
        };
        if let Some(system) = &mut self.system {
            system.refresh_cpu_usage();
            system.refresh_memory();
            let has_processors = !system.cpus().is_empty();
            machine.cpu_percent = has_processors.then(|| f64::from(system.global_cpu_usage()));
            machine.memory = (system.total_memory() > 0).then(|| memory(system));
        }
        machine
    }

    fn network(&mut self, elapsed: Duration) -> Option<NetworkRate> {
        let networks = self.networks.as_mut()?;
        networks.refresh(true);
        let (mut received, mut sent) = (0, 0);
        for (_, data) in networks
            .iter()
            .filter(|(name, _)| is_physical(&name.to_string_lossy()))
        {
            received += data.received();
            sent += data.transmitted();
        }
        let per_second = |bytes: u64| bytes as f64 / elapsed.as_secs_f64();
        Some(NetworkRate {
            received: per_second(received),
            sent: per_second(sent),
        })
    }

    fn temperatures(&mut self) -> Vec<SensorTemperature> {
        let Some(components) = &mut self.components else {
            return Vec::new();
        };
        components.refresh(true);
        let readings = components.iter().filter_map(|component| {
            Some(SensorTemperature {
                sensor: component.label().to_owned(),
                celsius: f64::from(component.temperature()?),
            })
        });
        readings.collect()
    }
}

fn memory(system: &System) -> MemoryUse {
    MemoryUse {
        total: system.total_memory(),
        available: system.available_memory(),
        swap_total: system.total_swap(),
        swap_used: system.used_swap(),
    }
}

fn name() -> String {
    let version = System::long_os_version().or_else(|_| System::name());
    match version {
        Ok(version) => format!("{version} {}", System::cpu_arch()),
        Err(_) => System::cpu_arch(),
    }
}

/// The mounted file systems, with the sizes that the kernel says.
fn mounted() -> Vec<DiskUse> {
    let sizes = DiskRefreshKind::nothing().with_storage();
    let Ok(disks) = Disks::new_with_refreshed_list_specifics(sizes) else {
        return Vec::new();
    };
    // Containers have single files of the host's file systems mounted.
    let folders = disks.iter().filter(|disk| disk.mount_point().is_dir());
    let uses = folders.map(|disk| {
        let (total, available) = (disk.total_space(), disk.available_space());
        DiskUse {
            mount_point: disk.mount_point().to_string_lossy().into_owned(),
            device: disk.name().to_string_lossy().into_owned(),
            file_system: disk.file_system().to_string_lossy().into_owned(),
            total,
            used: total.saturating_sub(free(disk.mount_point()).unwrap_or(available)),
            available,
        }
    });
    uses.collect()
}

/// Free bytes of a file system, with those that are reserved for root, which are neither used nor available.
fn free(mount_point: &Path) -> Option<u64> {
    let sizes = rustix::fs::statvfs(mount_point).ok()?;
    sizes.f_bfree.checked_mul(sizes.f_frsize)
}

/// Reads the sizes of the file systems in a thread of its own. While the kernel does not answer, reports have none, and no
/// second thread is started.
struct DiskReader {
    read: fn() -> Vec<DiskUse>,
    running: Option<JoinHandle<Vec<DiskUse>>>,
}

impl DiskReader {
    fn new(read: fn() -> Vec<DiskUse>) -> Self {
        Self {
            read,
            running: None,
        }
    }

    async fn read(&mut self, timeout: Duration) -> Vec<DiskUse> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => tokio::task::spawn_blocking(self.read),
        };
        match tokio::time::timeout(timeout, &mut running).await {
            Ok(read) => read.unwrap_or_default(),
            Err(_) => {
                self.running = Some(running);
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    #[tokio::test]
    async fn this_machine_has_processors_memory_and_an_uptime() {
        let mut collector = Collector::start().await;
        let machine = collector.machine().await;
        assert!((0.0..=100.0).contains(&machine.cpu_percent.unwrap()));
        let memory = machine.memory.unwrap();
        assert!(memory.total > memory.available && memory.available > 0);
        assert!(machine.uptime_seconds.unwrap() > 0);
        assert!(machine.load.is_some());
        let network = machine.network.unwrap();
        assert!(network.received >= 0.0 && network.sent >= 0.0);
        assert!(!machine.system.is_empty());
    }

    /// Locked while the kernel does not answer.
    static STUCK: Mutex<()> = Mutex::new(());

    fn stuck() -> Vec<DiskUse> {
        drop(STUCK.lock().unwrap_or_else(PoisonError::into_inner));
        vec![DiskUse {
            mount_point: "/".into(),
            device: "/dev/a".into(),
            file_system: "ext4".into(),
            total: 2,
            used: 1,
            available: 1,
        }]
    }

    #[test]
    fn a_file_system_that_does_not_answer_delays_no_report() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let mut reader = DiskReader::new(stuck);
        let short = Duration::from_millis(1);
        let lock = STUCK.lock().unwrap();
        for _ in 0..3 {
            assert_eq!(runtime.block_on(reader.read(short)), []);
        }
        drop(lock);
        let read = runtime.block_on(reader.read(Duration::from_secs(60)));
        assert_eq!(read.len(), 1, "the thread that was stuck answers");
        assert!(reader.running.is_none());
    }
}
