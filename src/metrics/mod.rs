//! All metrics with their names, labels and help. Labels have few values: never a name, an address or a guild.

mod known_values;
mod process;
mod registry;

use prometheus::{
    Counter, Encoder, Gauge, GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Registry, TextEncoder,
};

use process::ProcessCollector;
use registry::MetricsRegistry;

/// Seconds, from a new local connection to the longest timeout.
const CHECK_BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Seconds of delay after the due time.
const DELAY_BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];

/// The metrics of the process, shared by all components that update them.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Checks of the scheduler by result: `up`, a failure class, `unknown`.
    pub checks: IntCounterVec,
    pub check_duration_seconds: Histogram,
    pub check_schedule_delay_seconds: Histogram,
    pub checks_in_flight: IntGauge,
    pub checks_queued: IntGauge,
    pub checks_waiting_for_address: IntGauge,
    pub check_address_wait_seconds: Counter,
    /// Endpoints by status.
    pub endpoints: IntGaugeVec,
    /// Devices by status.
    pub devices: IntGaugeVec,
    /// Servers by status.
    pub servers: IntGaugeVec,
    pub incidents_open: IntGauge,
    pub check_results_dropped: IntCounter,
    pub job_runs: IntCounterVec,
    pub job_failures: IntCounterVec,
    pub job_last_seconds: GaugeVec,
    /// When the last run of each job succeeded, in Unix seconds; 0 before the first.
    pub job_last_success: IntGaugeVec,
    /// The time between two runs of each job.
    pub job_period_seconds: GaugeVec,
    pub database_bytes: IntGauge,
    pub unreadable_rows: IntGauge,
    /// Rows that were deleted because their guild had too many, by kind.
    pub rows_over_limit: IntGaugeVec,
    pub database_limit_bytes: IntGauge,
    /// Delay of timers in the runtime that checks and jobs share.
    pub timer_delay_seconds: Histogram,
    pub gateway_up: IntGauge,
    pub gateway_latency_seconds: Gauge,
    pub gateway_failed_checks: IntGauge,
    /// Connections that ended, by reason.
    pub gateway_reconnects: IntCounterVec,
    pub gateway_identifies: IntCounter,
    pub gateway_resumes: IntCounter,
    pub commands: IntCounterVec,
    /// By destination: `channel`, `webhook`.
    pub notifications_pending: IntGaugeVec,
    /// Attempts by destination and result: `sent`, `failed`.
    pub notifications: IntCounterVec,
    pub connectivity_up: IntGauge,
    pub name_resolution_up: IntGauge,
    pub interactions_unparsed: IntCounter,
    pub http_connections: IntGauge,
    /// By reason: no free slot, too many of one client network.
    pub http_connections_refused: IntCounterVec,
    /// Connections that Rollcall closed, by reason.
    pub http_connections_closed: IntCounterVec,
}

impl Metrics {
    /// Registers every metric. Fails only if two have the same name, which the test below would find first.
    #[expect(clippy::too_many_lines, reason = "one list of all metrics")]
    pub fn new() -> Result<Self, prometheus::Error> {
        let register = MetricsRegistry(Registry::new());
        let metrics = Self {
            checks: register.counters(
                "rollcall_checks_total",
                "Checks run by the scheduler, by result.",
                &["result"],
            )?,
            check_duration_seconds: register.histogram(
                "rollcall_check_duration_seconds",
                "Duration of checks run by the scheduler.",
                CHECK_BUCKETS,
            )?,
            check_schedule_delay_seconds: register.histogram(
                "rollcall_check_schedule_delay_seconds",
                "Delay between the due time of a check and its start.",
                DELAY_BUCKETS,
            )?,
            checks_in_flight: register.gauge("rollcall_checks_in_flight", "Checks that are running.")?,
            checks_queued: register.gauge(
                "rollcall_checks_queued",
                "Checks that are due and wait for a free slot.",
            )?,
            checks_waiting_for_address: register.gauge(
                "rollcall_checks_waiting_for_address",
                "Checks that wait because their address has too many connections.",
            )?,
            check_address_wait_seconds: register.float_counter(
                "rollcall_check_address_wait_seconds_total",
                "Time that checks have waited because their address had too many connections.",
            )?,
            endpoints: register.gauges(
                "rollcall_endpoints",
                "Endpoints by status.",
                &["status"],
            )?,
            devices: register.gauges("rollcall_devices", "Devices by status.", &["status"])?,
            servers: register.gauges("rollcall_servers", "Servers by status.", &["status"])?,
            incidents_open: register.gauge("rollcall_incidents_open", "Incidents that have not ended.")?,
            check_results_dropped: register.counter(
                "rollcall_check_results_dropped_total",
                "Check results that could not be stored.",
            )?,
            job_runs: register.counters(
                "rollcall_job_runs_total",
                "Runs of each background job.",
                &["job"],
            )?,
            job_failures: register.counters(
                "rollcall_job_failures_total",
                "Failed runs of each background job.",
                &["job"],
            )?,
            job_last_seconds: register.float_gauges(
                "rollcall_job_last_run_duration_seconds",
                "Duration of the last run of each background job.",
                &["job"],
            )?,
            job_last_success: register.gauges(
                "rollcall_job_last_success_timestamp_seconds",
                "When the last run of each background job that succeeded ended, as Unix time; 0 before the first.",
                &["job"],
            )?,
            job_period_seconds: register.float_gauges(
                "rollcall_job_period_seconds",
                "Time between two runs of each background job.",
                &["job"],
            )?,
            database_bytes: register.gauge(
                "rollcall_database_bytes",
                "Size of the database and its write-ahead log.",
            )?,
            rows_over_limit: register.gauges(
                "rollcall_rows_over_limit",
                "Rows that were deleted because their Discord server had too many, by kind.",
                &["kind"],
            )?,
            database_limit_bytes: register.gauge(
                "rollcall_database_limit_bytes",
                "DATABASE_MAX_BYTES: the size near which the database stores less.",
            )?,
            unreadable_rows: register.gauge(
                "rollcall_unreadable_rows",
                "Rows of the database that cannot be read and are skipped; the log names each.",
            )?,
            timer_delay_seconds: register.histogram(
                "rollcall_timer_delay_seconds",
                "Delay between the due time of a timer and its firing, in the runtime of checks and background jobs.",
                DELAY_BUCKETS,
            )?,
            gateway_up: register.gauge(
                "rollcall_gateway_up",
                "Whether the connection to Discord is ready: 1 or 0.",
            )?,
            gateway_latency_seconds: register.float_gauge(
                "rollcall_gateway_latency_seconds",
                "Time between the last gateway heartbeat and its acknowledgment.",
            )?,
            gateway_failed_checks: register.gauge(
                "rollcall_gateway_failed_checks",
                "Consecutive health checks that found the connection to Discord not ready.",
            )?,
            gateway_reconnects: register.counters(
                "rollcall_gateway_reconnects_total",
                "Connections to Discord that ended or could not be opened, by reason.",
                &["reason"],
            )?,
            gateway_identifies: register.counter(
                "rollcall_gateway_identifies_total",
                "Gateway sessions started.",
            )?,
            gateway_resumes: register.counter(
                "rollcall_gateway_resumes_total",
                "Attempts to resume a gateway session.",
            )?,
            notifications_pending: register.gauges(
                "rollcall_notifications_pending",
                "Deliveries that are pending, by destination.",
                &["destination"],
            )?,
            notifications: register.counters(
                "rollcall_notifications_total",
                "Delivery attempts, by destination and result.",
                &["destination", "result"],
            )?,
            connectivity_up: register.gauge(
                "rollcall_connectivity_up",
                "Whether Rollcall can reach the network: 1, or 0 while many endpoints fail and no reference host responds.",
            )?,
            name_resolution_up: register.gauge(
                "rollcall_name_resolution_up",
                "Whether Rollcall can resolve names: 1, or 0 while many endpoints fail and no reference name resolves.",
            )?,
            commands: register.counters(
                "rollcall_commands_total",
                "Commands answered, by name.",
                &["command"],
            )?,
            interactions_unparsed: register.counter(
                "rollcall_interactions_unparsed_total",
                "Interactions from Discord that could not be parsed.",
            )?,
            http_connections: register.gauge("rollcall_http_connections", "Open HTTP connections.")?,
            http_connections_refused: register.counters(
                "rollcall_http_connections_refused_total",
                "HTTP connections that were refused, by reason.",
                &["reason"],
            )?,
            http_connections_closed: register.counters(
                "rollcall_http_connections_closed_total",
                "HTTP connections that Rollcall closed, by reason.",
                &["reason"],
            )?,
            registry: register.0,
        };
        metrics.add_others()?;
        metrics.connectivity_up.set(1);
        metrics.name_resolution_up.set(1);
        metrics.show_known_values();
        Ok(metrics)
    }

    /// Registers the metrics that nothing updates: of the build and of the process.
    fn add_others(&self) -> Result<(), prometheus::Error> {
        let register = MetricsRegistry(self.registry.clone());
        let version = env!("CARGO_PKG_VERSION");
        register
            .gauges(
                "rollcall_build_info",
                "Version of Rollcall; always 1.",
                &["version"],
            )?
            .with_label_values(&[version])
            .set(1);
        match ProcessCollector::new() {
            Some(collector) => self.registry.register(Box::new(collector)),
            None => Ok(()),
        }
    }

    /// The Prometheus text format, version 0.0.4.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_metric_renders_with_its_help() {
        let metrics = Metrics::new().unwrap();
        metrics.checks.with_label_values(&["up"]).inc();
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        for line in [
            "rollcall_connectivity_up 1",
            r#"rollcall_notifications_pending{destination="channel"} 0"#,
            r#"rollcall_notifications_pending{destination="webhook"} 0"#,
            r#"rollcall_notifications_total{destination="webhook",result="failed"} 0"#,
        ] {
            assert!(text.lines().any(|known| known == line), "{line}: {text}");
        }
        assert!(text.contains("# HELP rollcall_checks_total Checks run by the scheduler, by result.\n# TYPE rollcall_checks_total counter\nrollcall_checks_total{result=\"keyword_missing\"} 0\n"), "{text}");
        assert!(
            text.contains("\nrollcall_checks_total{result=\"up\"} 1\n"),
            "{text}"
        );
    }

    #[test]
    fn help_of_every_metric() {
        let metrics = Metrics::new().unwrap();
        // What other components know is shown when they start.
        metrics.show_job("recheck", Duration::from_secs(3600));
        metrics.show_commands(["ping"].into_iter());
        metrics.show_reconnect_reasons(["closed"].into_iter());
        metrics.show_http_reasons(["full"].into_iter(), ["stalled"].into_iter());
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        let help = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
        let help = help.filter(|line| !line.starts_with("process_"));
        insta::assert_snapshot!(help.collect::<Vec<_>>().join("\n"), @"
        rollcall_build_info Version of Rollcall; always 1.
        rollcall_check_address_wait_seconds_total Time that checks have waited because their address had too many connections.
        rollcall_check_duration_seconds Duration of checks run by the scheduler.
        rollcall_check_results_dropped_total Check results that could not be stored.
        rollcall_check_schedule_delay_seconds Delay between the due time of a check and its start.
        rollcall_checks_in_flight Checks that are running.
        rollcall_checks_queued Checks that are due and wait for a free slot.
        rollcall_checks_total Checks run by the scheduler, by result.
        rollcall_checks_waiting_for_address Checks that wait because their address has too many connections.
        rollcall_commands_total Commands answered, by name.
        rollcall_connectivity_up Whether Rollcall can reach the network: 1, or 0 while many endpoints fail and no reference host responds.
        rollcall_database_bytes Size of the database and its write-ahead log.
        rollcall_database_limit_bytes DATABASE_MAX_BYTES: the size near which the database stores less.
        rollcall_devices Devices by status.
        rollcall_endpoints Endpoints by status.
        rollcall_gateway_failed_checks Consecutive health checks that found the connection to Discord not ready.
        rollcall_gateway_identifies_total Gateway sessions started.
        rollcall_gateway_latency_seconds Time between the last gateway heartbeat and its acknowledgment.
        rollcall_gateway_reconnects_total Connections to Discord that ended or could not be opened, by reason.
        rollcall_gateway_resumes_total Attempts to resume a gateway session.
        rollcall_gateway_up Whether the connection to Discord is ready: 1 or 0.
        rollcall_http_connections Open HTTP connections.
        rollcall_http_connections_closed_total HTTP connections that Rollcall closed, by reason.
        rollcall_http_connections_refused_total HTTP connections that were refused, by reason.
        rollcall_incidents_open Incidents that have not ended.
        rollcall_interactions_unparsed_total Interactions from Discord that could not be parsed.
        rollcall_job_failures_total Failed runs of each background job.
        rollcall_job_last_run_duration_seconds Duration of the last run of each background job.
        rollcall_job_last_success_timestamp_seconds When the last run of each background job that succeeded ended, as Unix time; 0 before the first.
        rollcall_job_period_seconds Time between two runs of each background job.
        rollcall_job_runs_total Runs of each background job.
        rollcall_name_resolution_up Whether Rollcall can resolve names: 1, or 0 while many endpoints fail and no reference name resolves.
        rollcall_notifications_pending Deliveries that are pending, by destination.
        rollcall_notifications_total Delivery attempts, by destination and result.
        rollcall_rows_over_limit Rows that were deleted because their Discord server had too many, by kind.
        rollcall_servers Servers by status.
        rollcall_timer_delay_seconds Delay between the due time of a timer and its firing, in the runtime of checks and background jobs.
        rollcall_unreadable_rows Rows of the database that cannot be read and are skipped; the log names each.
        ");
    }
}
