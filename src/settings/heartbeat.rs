//! When a device or a server that does not report counts as offline.

use std::time::Duration;

use super::read::{DAY, MINUTE, SECOND, Variables};
use crate::domain::servers::threshold::Thresholds;

/// When a device or a server that does not report counts as offline.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatSettings {
    /// Whether devices with missed heartbeats are marked offline.
    pub is_enabled: bool,
    pub check_interval: Duration,
    pub offline_threshold: Duration,
    /// For servers without thresholds of their own.
    pub thresholds: Thresholds,
}

impl Variables {
    pub(super) fn heartbeat(&mut self) -> HeartbeatSettings {
        let millisecond = Duration::from_millis(1);
        HeartbeatSettings {
            is_enabled: self.value("HEARTBEAT_ENABLED", "true", "`true` or `false`", |text| {
                text.parse().ok()
            }),
            check_interval: self.length(
                "HEARTBEAT_CHECK_INTERVAL",
                "60s",
                millisecond,
                SECOND..=DAY,
            ),
            offline_threshold: self.length(
                "HEARTBEAT_OFFLINE_THRESHOLD",
                "5m",
                MINUTE,
                SECOND..=DAY * 31,
            ),
            thresholds: self.thresholds(),
        }
    }

    fn thresholds(&mut self) -> Thresholds {
        let mut length = |name, default| self.length(name, default, MINUTE, SECOND..=DAY * 31);
        let lengths = (
            length("ONLINE_THRESHOLD_MINUTES", "5m"),
            length("WARNING_THRESHOLD_MINUTES", "60m"),
            length("OFFLINE_THRESHOLD_MINUTES", "120m"),
        );
        Thresholds::new(lengths.0, lengths.1, lengths.2).unwrap_or_else(|error| {
            self.mistakes.push(format!(
                "ONLINE_THRESHOLD_MINUTES, WARNING_THRESHOLD_MINUTES, OFFLINE_THRESHOLD_MINUTES: {error}"
            ));
            Thresholds::DEFAULT
        })
    }
}
