//! `/metrics/monitors`: the series of the monitors of one guild, for a key that may read them. `/metrics` has none, because
//! everyone who reaches its port can read it, and because its labels have few values.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::exposition::{Exposition, Label};
use crate::actions::servers::figures;
use crate::domain::discord_id::GuildId;
use crate::domain::status::Status;
use crate::http::HttpState;
use crate::http::api::Reader;
use crate::http::api::problem::Problem;
use crate::store::StoreError;
use crate::store::monitors::series::{self, CurrentReports, MonitorFigures, MonitorLabels};

/// Series of a page at most, about 2 MB: the quotas allow 1,000 endpoints, 10,000 devices and 100 servers.
const MOST_SERIES: usize = 10_000;

const UP: &str = "rollcall_monitor_up";
const CHECK_SECONDS: &str = "rollcall_monitor_check_seconds";
const CERTIFICATE_EXPIRY: &str = "rollcall_monitor_certificate_expiry_seconds";
const SERVER_METRIC: &str = "rollcall_server_metric";
const OMITTED: &str = "rollcall_monitor_series_omitted";

pub(in crate::http) async fn monitors(
    reader: Reader,
    State(app): State<HttpState>,
) -> Result<Response, Problem> {
    let page = page(&app, reader.0.guild_id).await?;
    Ok(page.into_response())
}

async fn page(app: &HttpState, guild: GuildId) -> Result<Exposition, StoreError> {
    let reader = &app.store.reader;
    let mut known = MonitorSeries::default();
    series::each_monitor(reader, guild, &mut |monitor| known.add(monitor)).await?;
    let mut page = MonitorPage::new(known.not_kept);
    page.add_monitors(&known.kept);
    page.begin_reports();
    let mut visit = |labels: &MonitorLabels, stats: &str| page.add_report(labels, stats);
    let current = CurrentReports {
        now: app.clock.now(),
        online: app.thresholds.online(),
    };
    series::each_latest_report(reader, guild, current, &mut visit).await?;
    Ok(page.finish())
}

/// The monitors that have series: the first ones, and how many series the others have.
#[derive(Debug, Default)]
struct MonitorSeries {
    kept: Vec<MonitorFigures>,
    not_kept: usize,
}

impl MonitorSeries {
    /// Counts the series of a monitor, and keeps it only if they fit on the page.
    fn add(&mut self, monitor: MonitorFigures) {
        match figures_of(&monitor).into_iter().flatten().count() {
            0 => {}
            _ if self.kept.len() < MOST_SERIES => self.kept.push(monitor),
            more => self.not_kept += more,
        }
    }
}

/// The values of a monitor in the order of the families; `None`: it has no such series.
fn figures_of(monitor: &MonitorFigures) -> [Option<f64>; 3] {
    let is_checked = monitor.status != Status::Paused;
    [
        up(monitor.status),
        monitor.check_seconds.filter(|_| is_checked),
        monitor
            .certificate_expires_at
            .filter(|_| is_checked)
            .map(|at| at.seconds() as f64),
    ]
}

/// Whether a monitor is up. A paused one has no value, and neither has one that Rollcall could not check, because an alert on 0
/// must mean an outage.
fn up(status: Status) -> Option<f64> {
    match status {
        Status::Online | Status::Warning => Some(1.0),
        Status::Offline => Some(0.0),
        Status::Unknown | Status::Paused => None,
    }
}

/// A page that ends at the maximum number of series.
#[derive(Debug)]
struct MonitorPage {
    text: Exposition,
    left: usize,
    omitted: usize,
}

impl MonitorPage {
    fn new(omitted: usize) -> Self {
        Self {
            text: Exposition::default(),
            left: MOST_SERIES,
            omitted,
        }
    }

    fn add_monitors(&mut self, monitors: &[MonitorFigures]) {
        for (index, (name, help)) in [
            (UP, "Whether the monitor is up: 1 while it is online or in warning, 0 while it is offline. A monitor that is unknown or paused has no value."),
            (CHECK_SECONDS, "How long the latest check of the endpoint took, in seconds."),
            (CERTIFICATE_EXPIRY, "When the certificate of the endpoint expires, as Unix time in seconds."),
        ]
        .into_iter()
        .enumerate()
        {
            self.text.gauges(name, help);
            for monitor in monitors {
                if let Some(value) = figures_of(monitor)[index] {
                    self.add(name, &monitor.labels, None, value);
                }
            }
        }
    }

    fn begin_reports(&mut self) {
        self.text.gauges(
            SERVER_METRIC,
            "The figures of the latest report of each server that is online or only beyond a limit, by their path.",
        );
    }

    /// Adds the figures of a report. Two paths may be shown alike, but no two series have the same labels.
    fn add_report(&mut self, labels: &MonitorLabels, stats: &str) {
        let shown = |path: String| path.replace(char::is_control, "\u{fffd}");
        let figures = figures::of(stats).into_iter();
        let figures: BTreeMap<String, f64> =
            figures.map(|(path, value)| (shown(path), value)).collect();
        for (path, value) in figures {
            self.add(SERVER_METRIC, labels, Some(&path), value);
        }
    }

    fn add(&mut self, name: &str, labels: &MonitorLabels, path: Option<&str>, value: f64) {
        if self.left == 0 {
            self.omitted += 1;
            return;
        }
        self.left -= 1;
        let id = labels.id.to_string();
        // An empty label is the same as none.
        let group = labels.group.as_deref().unwrap_or_default();
        let known = [
            Label("id", &id),
            Label("name", &labels.name),
            Label("group", group),
            Label("kind", labels.kind.as_str()),
            Label("metric", path.unwrap_or_default()),
        ];
        let count = if path.is_some() { 5 } else { 4 };
        self.text.sample(name, &known[..count], value);
    }

    fn finish(mut self) -> Exposition {
        if self.omitted > 0 {
            let omitted = self.omitted;
            self.text.comment(&format!(
                "{omitted} series are omitted, because a page has at most {MOST_SERIES}."
            ));
        }
        let omitted = u32::try_from(self.omitted).unwrap_or(u32::MAX);
        self.text.gauge(
            OMITTED,
            "Series that are omitted, because a page has at most 10,000.",
            omitted.into(),
        );
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::monitor::{MonitorId, MonitorKind};

    fn monitor(id: usize, status: Status) -> MonitorFigures {
        MonitorFigures {
            labels: MonitorLabels {
                id: MonitorId(i64::try_from(id).unwrap()),
                kind: MonitorKind::Endpoint,
                name: format!("shop {id}"),
                group: None,
            },
            status,
            check_seconds: None,
            certificate_expires_at: None,
        }
    }

    fn page_of(monitors: impl Iterator<Item = MonitorFigures>, report: &str) -> String {
        let mut known = MonitorSeries::default();
        monitors.for_each(|monitor| known.add(monitor));
        let mut page = MonitorPage::new(known.not_kept);
        page.add_monitors(&known.kept);
        page.begin_reports();
        page.add_report(&monitor(0, Status::Online).labels, report);
        page.finish().text().to_owned()
    }

    fn series(page: &str) -> usize {
        let lines = page.lines().filter(|line| line.contains('{'));
        lines.filter(|line| !line.starts_with('#')).count()
    }

    fn omitted(page: &str) -> usize {
        let line = page.lines().last().unwrap();
        line.strip_prefix("rollcall_monitor_series_omitted ")
            .unwrap()
            .parse()
            .unwrap()
    }

    #[test]
    fn a_page_has_at_most_ten_thousand_series_and_says_how_many_it_omits() {
        for (count, shown, more) in [
            (9_999, 9_999, 0),
            (10_000, 10_000, 0),
            (10_001, 10_000, 1),
            (12_345, 10_000, 2_345),
        ] {
            let page = page_of((1..=count).map(|id| monitor(id, Status::Online)), "{}");
            assert_eq!((series(&page), omitted(&page)), (shown, more), "{count}");
            let comment = format!("# {more} series are omitted");
            assert_eq!(page.contains(&comment), more > 0, "{count}");
        }
    }

    #[test]
    fn series_of_every_family_count_and_the_first_families_come_first() {
        let endpoint = |id| MonitorFigures {
            check_seconds: Some(0.25),
            certificate_expires_at: Some(Timestamp::from_millis(1_800_000_000_999)),
            ..monitor(id, Status::Online)
        };
        for (count, more) in [(3_332, 0), (3_333, 1), (3_334, 4), (10_001, 20_005)] {
            let page = page_of((1..=count).map(endpoint), r#"{"cpu":1,"load":[1]}"#);
            assert_eq!(
                (series(&page), omitted(&page)),
                (10_000.min(3 * count + 2), more),
                "{count}"
            );
            let up = page.matches("\nrollcall_monitor_up{").count();
            assert_eq!(up, count.min(10_000), "{count}");
        }
    }

    #[test]
    fn monitors_without_series_take_no_place_of_others() {
        let paused = (1..=10_000).map(|id| monitor(id, Status::Paused));
        let page = page_of(paused.chain([monitor(10_001, Status::Offline)]), "{}");
        assert!(
            page.contains(
                r#"rollcall_monitor_up{id="10001",name="shop 10001",group="",kind="endpoint"} 0"#
            ),
            "{page}"
        );
        assert_eq!((series(&page), omitted(&page)), (1, 0));
    }

    #[test]
    fn a_page_has_the_figures_of_each_monitor() {
        let shop = MonitorFigures {
            labels: MonitorLabels {
                name: "the \"shop\"".into(),
                group: Some("web".into()),
                ..monitor(7, Status::Warning).labels
            },
            check_seconds: Some(0.25),
            certificate_expires_at: Some(Timestamp::from_millis(1_800_000_000_999)),
            ..monitor(7, Status::Warning)
        };
        let others = [Status::Unknown, Status::Paused].map(|status| MonitorFigures {
            check_seconds: Some(3.0),
            ..monitor(8, status)
        });
        // Two figures have the same path, and the path of another one cannot be shown.
        let report = r#"{"cpu":12.5,"metrics":{"a.b":1,"a":{"b":2},"x\ny":3},"agent_version":"1"}"#;
        let page = page_of([shop].into_iter().chain(others), report);
        insta::assert_snapshot!(page, @r##"
        # HELP rollcall_monitor_up Whether the monitor is up: 1 while it is online or in warning, 0 while it is offline. A monitor that is unknown or paused has no value.
        # TYPE rollcall_monitor_up gauge
        rollcall_monitor_up{id="7",name="the \"shop\"",group="web",kind="endpoint"} 1
        # HELP rollcall_monitor_check_seconds How long the latest check of the endpoint took, in seconds.
        # TYPE rollcall_monitor_check_seconds gauge
        rollcall_monitor_check_seconds{id="7",name="the \"shop\"",group="web",kind="endpoint"} 0.25
        rollcall_monitor_check_seconds{id="8",name="shop 8",group="",kind="endpoint"} 3
        # HELP rollcall_monitor_certificate_expiry_seconds When the certificate of the endpoint expires, as Unix time in seconds.
        # TYPE rollcall_monitor_certificate_expiry_seconds gauge
        rollcall_monitor_certificate_expiry_seconds{id="7",name="the \"shop\"",group="web",kind="endpoint"} 1800000000
        # HELP rollcall_server_metric The figures of the latest report of each server that is online or only beyond a limit, by their path.
        # TYPE rollcall_server_metric gauge
        rollcall_server_metric{id="0",name="shop 0",group="",kind="endpoint",metric="cpu"} 12.5
        rollcall_server_metric{id="0",name="shop 0",group="",kind="endpoint",metric="metrics.a.b"} 1
        rollcall_server_metric{id="0",name="shop 0",group="",kind="endpoint",metric="metrics.x�y"} 3
        # HELP rollcall_monitor_series_omitted Series that are omitted, because a page has at most 10,000.
        # TYPE rollcall_monitor_series_omitted gauge
        rollcall_monitor_series_omitted 0
        "##);
    }
}
