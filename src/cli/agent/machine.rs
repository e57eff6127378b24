//! The state of a machine, and the report that it becomes. The report is within the limits of Rollcall's API regardless of the
//! machine: at most 200 numbers, with paths of at most 128 bytes.

use serde_json::{Map, Value, json};

/// Most file systems in a report, the largest first. Each has three numbers.
const MOST_DISKS: usize = 16;

/// Most temperatures in a report, the hottest first.
const MOST_TEMPERATURES: usize = 32;

/// Longest name of a mount point or of a sensor in a report, in bytes. The longest path around it is `disk.….used_percent`.
const LONGEST_NAME: usize = 100;

/// Begins the names of interfaces whose traffic also passes a physical one, or does not leave the machine: loopback, bridges
/// and the interfaces of containers, virtual machines and tunnels.
const VIRTUAL_INTERFACES: [&str; 20] = [
    "lo", "veth", "docker", "br-", "virbr", "vnet", "cni", "flannel", "cali", "tap", "tun", "wg",
    "dummy", "utun", "bridge", "awdl", "llw", "gif", "stf", "anpi",
];

/// File systems in user space that are on other machines. The kernel does not know which ones are.
const REMOTE_FILE_SYSTEMS: &str = "fuse.";

/// What was measured of a machine. What it does not have, or does not show, is `None` or empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// Processor time that was used since the last snapshot, of all processors together, in percent.
    pub cpu_percent: Option<f64>,
    pub memory: Option<MemoryUse>,
    pub disks: Vec<DiskUse>,
    /// Over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    pub network: Option<NetworkRate>,
    pub temperatures: Vec<SensorTemperature>,
    pub uptime_seconds: Option<u64>,
    /// Name and version of the operating system, and the architecture.
    pub system: String,
}

/// In bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryUse {
    pub total: u64,
    pub available: u64,
    pub swap_total: u64,
    pub swap_used: u64,
}

/// A mounted file system; sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiskUse {
    pub mount_point: String,
    pub device: String,
    pub file_system: String,
    pub total: u64,
    pub used: u64,
    /// What ordinary users may still write. Less than what is free: a part may be reserved.
    pub available: u64,
}

/// Traffic of the physical interfaces since the last snapshot, in bytes per second.
#[derive(Clone, Copy, Debug)]
pub(super) struct NetworkRate {
    pub received: f64,
    pub sent: f64,
}

#[derive(Clone, Debug)]
pub(super) struct SensorTemperature {
    pub sensor: String,
    pub celsius: f64,
}

/// Whether the traffic of an interface counts as the machine's.
pub(super) fn is_physical(interface: &str) -> bool {
    !VIRTUAL_INTERFACES
        .iter()
        .any(|start| interface.starts_with(start))
}

impl Machine {
    /// The body of `POST /api/v1/server-stats`.
    pub(super) fn report(&self) -> Value {
        let version = format!("{}; {}", env!("CARGO_PKG_VERSION"), self.system);
        let mut report = json!({ "agent_version": version.trim_end_matches("; ") });
        let fields = [
            ("cpu", self.cpu_percent.and_then(rounded)),
            ("memory", self.memory.map(memory)),
            ("disk", disks(&self.disks)),
            (
                "load",
                self.load
                    .and_then(|load| load.map(rounded_twice).into_iter().collect()),
            ),
            ("network", self.network.and_then(network)),
            ("uptime", self.uptime_seconds.map(Value::from)),
            ("metrics", temperatures(&self.temperatures)),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                report[name] = value;
            }
        }
        report
    }
}

/// One digit behind the point. `None` for what is no number.
fn rounded(number: f64) -> Option<Value> {
    number
        .is_finite()
        .then(|| json!((number * 10.0).round() / 10.0))
}

fn rounded_twice(number: f64) -> Option<Value> {
    number
        .is_finite()
        .then(|| json!((number * 100.0).round() / 100.0))
}

fn percent(part: u64, total: u64) -> Option<Value> {
    (total > 0)
        .then(|| rounded(part as f64 * 100.0 / total as f64))
        .flatten()
}

fn kib(bytes: u64) -> Value {
    json!(bytes / 1024)
}

fn memory(memory: MemoryUse) -> Value {
    let used = memory.total.saturating_sub(memory.available);
    let mut fields = json!({
        "total_kib": kib(memory.total),
        "used_kib": kib(used),
        "used_percent": percent(used, memory.total).unwrap_or(json!(0)),
    });
    if memory.swap_total > 0 {
        fields["swap_total_kib"] = kib(memory.swap_total);
        fields["swap_used_kib"] = kib(memory.swap_used);
    }
    fields
}

fn network(rate: NetworkRate) -> Option<Value> {
    let whole = |number: f64| rounded(number.round());
    Some(json!({
        "in_bytes_per_second": whole(rate.received)?,
        "out_bytes_per_second": whole(rate.sent)?,
    }))
}

/// The file systems by mount point; `None` without any.
fn disks(disks: &[DiskUse]) -> Option<Value> {
    let shown = shown_disks(disks).into_iter().map(|disk| {
        // Like `df`: space that is reserved for root counts as neither used nor available.
        let usable = disk.used.saturating_add(disk.available);
        let fields = json!({
            "total_kib": kib(disk.total),
            "used_kib": kib(disk.used),
            "used_percent": percent(disk.used, usable).unwrap_or(json!(0)),
        });
        (disk.mount_point.clone(), fields)
    });
    let shown: Map<String, Value> = shown.collect();
    (!shown.is_empty()).then_some(Value::Object(shown))
}

/// The file systems that a report has: those on devices of this machine, each device once, under its shortest mount point. A
/// container has its own root on an overlay; the overlays of others below `/` repeat the numbers of a device.
fn shown_disks(disks: &[DiskUse]) -> Vec<&DiskUse> {
    let is_shown = |disk: &&DiskUse| {
        let is_own = disk.file_system != "overlay" || disk.mount_point == "/";
        let is_remote = disk.file_system.starts_with(REMOTE_FILE_SYSTEMS);
        disk.total > 0 && is_own && !is_remote && disk.mount_point.len() <= LONGEST_NAME
    };
    let mut shown: Vec<&DiskUse> = disks.iter().filter(is_shown).collect();
    shown.sort_by_key(|disk| (disk.mount_point.len(), disk.mount_point.as_str()));
    let mut devices = std::collections::HashSet::new();
    shown.retain(|disk| devices.insert(disk.device.as_str()));
    shown.sort_by_key(|disk| std::cmp::Reverse(disk.total));
    shown.truncate(MOST_DISKS);
    shown
}

/// The temperatures in degrees Celsius, by sensor; `None` without any.
fn temperatures(temperatures: &[SensorTemperature]) -> Option<Value> {
    let is_shown = |reading: &&SensorTemperature| reading.celsius.is_finite();
    let mut hottest: Vec<&SensorTemperature> = temperatures.iter().filter(is_shown).collect();
    hottest.sort_by(|one, other| other.celsius.total_cmp(&one.celsius));
    let mut shown = Map::new();
    for reading in hottest {
        let name = sensor_name(&reading.sensor);
        // Of several sensors with one name, the hottest counts.
        if shown.len() < MOST_TEMPERATURES && !name.is_empty() && !shown.contains_key(&name) {
            shown.extend(rounded(reading.celsius).map(|celsius| (name, celsius)));
        }
    }
    (!shown.is_empty()).then(|| json!({ "temperature": shown }))
}

/// A name for the path of a number: `coretemp Package id 0` becomes `coretemp_package_id_0`.
fn sensor_name(label: &str) -> String {
    let words = label
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut name = words.collect::<Vec<_>>().join("_").to_ascii_lowercase();
    name.truncate(LONGEST_NAME);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::servers::figures;

    fn disk(mount_point: &str, device: &str, file_system: &str) -> DiskUse {
        DiskUse {
            mount_point: mount_point.into(),
            device: device.into(),
            file_system: file_system.into(),
            total: 100 << 30,
            used: 60 << 30,
            available: 20 << 30,
        }
    }

    fn reading(sensor: &str, celsius: f64) -> SensorTemperature {
        SensorTemperature {
            sensor: sensor.into(),
            celsius,
        }
    }

    fn machine() -> Machine {
        Machine {
            cpu_percent: Some(12.34),
            memory: Some(MemoryUse {
                total: 8 << 30,
                available: 6 << 30,
                swap_total: 2 << 30,
                swap_used: 1 << 20,
            }),
            disks: vec![disk("/", "/dev/vda1", "ext4")],
            load: Some([0.4, 0.333, 0.2]),
            network: Some(NetworkRate {
                received: 1_234.5,
                sent: 99.4,
            }),
            temperatures: vec![reading("coretemp Package id 0", 47.25)],
            uptime_seconds: Some(86_400),
            system: "Debian GNU/Linux 12 x86_64".into(),
        }
    }

    #[test]
    fn a_report_has_every_figure_under_the_names_of_the_api() {
        insta::assert_json_snapshot!(machine().report(), @r#"
        {
          "agent_version": "0.1.0; Debian GNU/Linux 12 x86_64",
          "cpu": 12.3,
          "disk": {
            "/": {
              "total_kib": 104857600,
              "used_kib": 62914560,
              "used_percent": 75.0
            }
          },
          "load": [
            0.4,
            0.33,
            0.2
          ],
          "memory": {
            "swap_total_kib": 2097152,
            "swap_used_kib": 1024,
            "total_kib": 8388608,
            "used_kib": 2097152,
            "used_percent": 25.0
          },
          "metrics": {
            "temperature": {
              "coretemp_package_id_0": 47.3
            }
          },
          "network": {
            "in_bytes_per_second": 1235.0,
            "out_bytes_per_second": 99.0
          },
          "uptime": 86400
        }
        "#);
    }

    #[test]
    fn what_a_machine_does_not_have_is_omitted() {
        let version = json!({ "agent_version": env!("CARGO_PKG_VERSION") });
        assert_eq!(Machine::default().report(), version);
        let none = Machine {
            cpu_percent: Some(f64::NAN),
            load: Some([0.1, f64::INFINITY, 0.1]),
            network: Some(NetworkRate {
                received: f64::NAN,
                sent: 0.0,
            }),
            temperatures: vec![reading("cpu", f64::NAN), reading("…", 40.0)],
            ..Machine::default()
        };
        assert_eq!(none.report(), version);
        let without_swap = Machine {
            memory: machine().memory.map(|memory| MemoryUse {
                swap_total: 0,
                ..memory
            }),
            ..Machine::default()
        };
        assert!(without_swap.report()["memory"]["swap_used_kib"].is_null());
    }

    #[test]
    fn the_report_of_the_largest_machine_is_within_the_limits_of_the_api() {
        let name = |number: usize| format!("/{}{number:03}", "m".repeat(LONGEST_NAME - 4));
        let largest = Machine {
            disks: (0..100)
                .map(|number| disk(&name(number), &name(number), "ext4"))
                .collect(),
            temperatures: (0..100)
                .map(|number| reading(&format!("{number:03}{}", "t".repeat(200)), 40.0))
                .collect(),
            ..machine()
        };
        let report = largest.report();
        assert_eq!(report["disk"].as_object().unwrap().len(), MOST_DISKS);
        let temperatures = report["metrics"]["temperature"].as_object().unwrap();
        assert_eq!(temperatures.len(), MOST_TEMPERATURES);
        assert_eq!(figures::check(report.as_object().unwrap()), Ok(()));
    }

    #[test]
    fn each_device_is_reported_once_under_its_shortest_mount_point() {
        let shown = |disks: &[DiskUse]| -> Vec<String> {
            let shown = shown_disks(disks).into_iter();
            shown.map(|disk| disk.mount_point.clone()).collect()
        };
        let long = format!("/{}", "x".repeat(LONGEST_NAME - 1));
        let too_long = format!("{long}x");
        for (disks, expected) in [
            (
                vec![
                    disk("/srv/bound", "/dev/a", "ext4"),
                    disk("/srv", "/dev/a", "ext4"),
                    disk("/", "/dev/b", "ext4"),
                ],
                vec!["/", "/srv"],
            ),
            (
                vec![
                    disk("/var/lib/docker/overlay2/1/merged", "overlay", "overlay"),
                    disk("/", "/dev/a", "btrfs"),
                ],
                vec!["/"],
            ),
            (vec![disk("/", "overlay", "overlay")], vec!["/"]),
            (vec![disk("/mnt", "host:", "fuse.sshfs")], vec![]),
            (vec![disk("/mnt", "/dev/c", "fuseblk")], vec!["/mnt"]),
            (vec![disk(&long, "/dev/a", "ext4")], vec![long.as_str()]),
            (vec![disk(&too_long, "/dev/a", "ext4")], vec![]),
            (
                vec![DiskUse {
                    total: 0,
                    ..disk("/empty", "none", "ramfs")
                }],
                vec![],
            ),
        ] {
            assert_eq!(shown(&disks), expected, "{disks:?}");
        }
    }

    #[test]
    fn the_largest_disks_and_the_hottest_sensors_are_reported() {
        let small = DiskUse {
            total: 1,
            ..disk("/a", "/dev/small", "ext4")
        };
        let mut disks: Vec<DiskUse> = (0..MOST_DISKS)
            .map(|number| disk(&format!("/disks/{number}"), &number.to_string(), "ext4"))
            .collect();
        disks.push(small);
        assert!(shown_disks(&disks).iter().all(|disk| disk.total > 1));
        let readings = [
            reading("nvme Composite", 30.0),
            reading("nvme composite", 50.0),
        ];
        let shown = temperatures(&readings).unwrap();
        assert_eq!(shown, json!({ "temperature": { "nvme_composite": 50.0 } }));
    }

    #[test]
    fn traffic_counts_on_physical_interfaces_only() {
        for (interface, expected) in [
            ("eth0", true),
            ("enp3s0", true),
            ("wlan0", true),
            ("en0", true),
            ("bond0", true),
            ("lo", false),
            ("lo0", false),
            ("veth12ab", false),
            ("docker0", false),
            ("br-0123", false),
            ("wg0", false),
            ("utun3", false),
            ("bridge100", false),
        ] {
            assert_eq!(is_physical(interface), expected, "{interface}");
        }
    }
}
