//! How endpoints are checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::read::{DAY, SECOND, Variables};
use crate::domain::endpoints::connectivity::{self, ReferenceHost};
use crate::domain::text::short_duration;
use outbound_policy::AddressPolicy;

/// The shortest interval if neither `PROBE_MIN_INTERVAL` nor a shorter `PROBE_INTERVAL` is set.
const DEFAULT_MIN_INTERVAL: Duration = Duration::from_secs(10);

/// How endpoints are checked.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    pub interval: Duration,
    pub retry_interval: Duration,
    pub timeout: Duration,
    pub concurrency: usize,
    pub failures_to_offline: u32,
    pub allow: AddressPolicy,
    pub resolver: Option<SocketAddr>,
    /// Contacted when many endpoints fail at once; if empty, connectivity is not tested.
    pub reference_hosts: Vec<ReferenceHost>,
    /// Resolved when a name does not resolve; if empty, the resolver is not tested.
    pub reference_names: Vec<String>,
    pub ca_file: Option<PathBuf>,
    /// The shortest interval that people may set.
    pub min_interval: Duration,
    /// Connections a second of all guilds together to one address.
    pub address_rate: u32,
    /// Whether the limits also hold for the addresses of `allow`.
    pub limits_allowed: bool,
}

impl Variables {
    pub(super) fn probe(&mut self) -> ProbeSettings {
        let interval = self.length("PROBE_INTERVAL", "60s", SECOND, SECOND..=DAY);
        ProbeSettings {
            interval,
            min_interval: self.min_interval(interval),
            address_rate: self.small("PROBE_ADDRESS_RATE", "10", 1000),
            limits_allowed: self.value(
                "PROBE_LIMIT_ALLOWED",
                "false",
                "`true` or `false`",
                |text| text.parse().ok(),
            ),
            retry_interval: self.length("PROBE_RETRY_INTERVAL", "10s", SECOND, SECOND..=DAY),
            timeout: self.length(
                "PROBE_TIMEOUT",
                "10s",
                SECOND,
                Duration::from_millis(100)..=Duration::from_secs(120),
            ),
            concurrency: self.size("PROBE_CONCURRENCY", "512", 100_000),
            failures_to_offline: self.small("PROBE_FAILURES_TO_OFFLINE", "3", 100),
            allow: self.allow(),
            resolver: self.optional_value(
                "PROBE_RESOLVER",
                "an IP address and a port",
                "9.9.9.9:53",
                |text| text.parse().ok(),
            ),
            reference_hosts: self.reference_hosts(),
            reference_names: self.reference_names(),
            ca_file: self.optional("PROBE_CA_FILE").map(PathBuf::from),
        }
    }

    /// Reads the shortest interval. By default it never forbids the interval of the operator.
    fn min_interval(&mut self, interval: Duration) -> Duration {
        if self.optional("PROBE_MIN_INTERVAL").is_none() {
            let default = short_duration(interval.min(DEFAULT_MIN_INTERVAL));
            self.warn_if_empty("PROBE_MIN_INTERVAL", &default);
            self.defaults
                .insert("PROBE_MIN_INTERVAL".to_owned(), default);
            return interval.min(DEFAULT_MIN_INTERVAL);
        }
        let least = self.length("PROBE_MIN_INTERVAL", "10s", SECOND, SECOND..=DAY);
        if least > interval {
            let interval = short_duration(interval);
            self.mistakes.push(format!(
                "PROBE_MIN_INTERVAL must not be longer than PROBE_INTERVAL, which is {interval}. Example: PROBE_MIN_INTERVAL={interval}"
            ));
        }
        least
    }

    /// Reads the reference hosts. Set but empty means none.
    fn reference_hosts(&mut self) -> Vec<ReferenceHost> {
        self.empty_is_a_value
            .insert("CONNECTIVITY_HOSTS".to_owned());
        if self.is_empty("CONNECTIVITY_HOSTS") {
            return Vec::new();
        }
        self.value(
            "CONNECTIVITY_HOSTS",
            "1.1.1.1:443,8.8.8.8:443,9.9.9.9:443",
            "a comma-separated list of host:port",
            ReferenceHost::parse_list,
        )
    }

    /// Reads the reference names. Set but empty means none.
    fn reference_names(&mut self) -> Vec<String> {
        self.empty_is_a_value
            .insert("CONNECTIVITY_NAMES".to_owned());
        if self.is_empty("CONNECTIVITY_NAMES") {
            return Vec::new();
        }
        self.value(
            "CONNECTIVITY_NAMES",
            "one.one.one.one,dns.google",
            "a comma-separated list of names",
            connectivity::parse_names,
        )
    }

    fn allow(&mut self) -> AddressPolicy {
        let text = self.optional("PROBE_ALLOW").unwrap_or_default();
        // One by one, so that every mistake is reported.
        for item in text.split(',') {
            if let Err(error) = item.parse::<AddressPolicy>() {
                self.mistakes.push(format!("PROBE_ALLOW: {error}"));
            }
        }
        text.parse().unwrap_or_default()
    }
}
