//! Shows every label value that is known in advance from the start, with 0. Prometheus sees no increase in a series that
//! appears with its first event, so the first failure would raise no alert.

use std::time::Duration;

use super::Metrics;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::notifications::destinations::DestinationKind;
use crate::domain::notifications::storage_limit::UsageKind;
use crate::domain::status::Status;

impl Metrics {
    /// Shows what the domain knows: results of checks, statuses, destinations, kinds of rows.
    pub(super) fn show_known_values(&self) {
        let failures = FailureClass::ALL.iter().map(|class| class.as_str());
        for result in failures.chain(["up", "unknown"]) {
            self.checks.with_label_values(&[result]).inc_by(0);
        }
        for status in Status::ALL {
            for gauges in [&self.endpoints, &self.devices, &self.servers] {
                gauges.with_label_values(&[status.as_str()]).set(0);
            }
        }
        for destination in DestinationKind::ALL {
            let destination = destination.as_str();
            let pending = self.notifications_pending.with_label_values(&[destination]);
            pending.set(0);
            for result in ["sent", "failed"] {
                let labels = [destination, result];
                self.notifications.with_label_values(&labels).inc_by(0);
            }
        }
        for kind in UsageKind::ALL {
            let rows = self.rows_over_limit.with_label_values(&[kind.as_str()]);
            rows.set(0);
        }
    }

    /// Shows a background job that runs once per `period`.
    pub fn show_job(&self, name: &str, period: Duration) {
        let label = [name];
        self.job_runs.with_label_values(&label).inc_by(0);
        self.job_failures.with_label_values(&label).inc_by(0);
        self.job_last_seconds.with_label_values(&label).set(0.0);
        self.job_last_success.with_label_values(&label).set(0);
        let shown = self.job_period_seconds.with_label_values(&label);
        shown.set(period.as_secs_f64());
    }

    /// Shows the commands of Discord, by the names under which they are counted.
    pub fn show_commands<'a>(&self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            self.commands.with_label_values(&[name]).inc_by(0);
        }
    }

    /// Shows why a connection to Discord may end.
    pub fn show_reconnect_reasons(&self, reasons: impl Iterator<Item = &'static str>) {
        for reason in reasons {
            let counter = self.gateway_reconnects.with_label_values(&[reason]);
            counter.inc_by(0);
        }
    }

    /// Shows why HTTP connections may be refused and closed.
    pub fn show_http_reasons(
        &self,
        refused: impl Iterator<Item = &'static str>,
        closed: impl Iterator<Item = &'static str>,
    ) {
        for reason in refused {
            let counter = &self.http_connections_refused;
            counter.with_label_values(&[reason]).inc_by(0);
        }
        for reason in closed {
            let counter = &self.http_connections_closed;
            counter.with_label_values(&[reason]).inc_by(0);
        }
    }
}
