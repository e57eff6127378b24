//! How many ports and hosts a guild may add, so that nobody scans a network with Rollcall.

use std::time::Duration;

/// The maximum number of distinct ports of a host, as it was typed, per guild.
pub const MAX_PORTS_OF_A_HOST: usize = 20;

/// The maximum number of new hosts of a guild per `NEW_HOSTS_PERIOD`, beyond the first ones.
pub const MAX_NEW_HOSTS: u64 = 200;

/// The period in which new hosts are counted.
pub const NEW_HOSTS_PERIOD: Duration = Duration::from_secs(3600);

/// How many new hosts a guild may still add.
///
/// The first hosts of a guild, as many as its quota of endpoints, are not counted per hour, so that a first import is
/// possible at once, or in parts. They are counted once and for all: removing endpoints gives nothing back, so an import
/// cannot be repeated with other hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAllowance {
    first_left: u64,
    hourly_left: u64,
    used: UsedHosts,
}

/// New hosts of a guild by how they are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsedHosts {
    /// Among the first ones.
    pub first: u64,
    /// Within the last `NEW_HOSTS_PERIOD`.
    pub hourly: u64,
}

impl HostAllowance {
    /// What is left of the allowance of a guild that has used this much of it.
    pub fn new(quota: u64, used: UsedHosts) -> Self {
        Self {
            first_left: quota.saturating_sub(used.first),
            hourly_left: MAX_NEW_HOSTS.saturating_sub(used.hourly),
            used: UsedHosts::default(),
        }
    }

    /// Counts another host; `false` if the limit is reached.
    pub fn take(&mut self) -> bool {
        if self.first_left > 0 {
            self.first_left -= 1;
            self.used.first += 1;
        } else if self.hourly_left > 0 {
            self.hourly_left -= 1;
            self.used.hourly += 1;
        } else {
            return false;
        }
        true
    }

    /// The hosts that `take` has counted.
    pub fn taken(&self) -> UsedHosts {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hosts_count_once_and_further_ones_per_hour() {
        // Quota, used so far, and how many more are possible: first ones, hourly ones.
        for (quota, first, hourly, expected) in [
            (1000, 0, 0, (1000, 200)),
            (1000, 999, 0, (1, 200)),
            (1000, 1000, 0, (0, 200)),
            (1000, 1000, 199, (0, 1)),
            (1000, 1000, 200, (0, 0)),
            // The operator has lowered the quota.
            (100, 1000, 0, (0, 200)),
            (1000, 400, 200, (600, 0)),
        ] {
            let mut allowance = HostAllowance::new(quota, UsedHosts { first, hourly });
            while allowance.take() {}
            let UsedHosts { first, hourly } = allowance.taken();
            assert_eq!((first, hourly), expected, "quota {quota}");
        }
    }
}
