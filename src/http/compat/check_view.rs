//! Devices as the management API of Healthchecks shows checks: the view types of its version 3, and how a device becomes one.

use std::time::Duration;

use serde::Serialize;

use crate::domain::status::Status;
use crate::domain::{Timestamp, text};
use crate::store::devices::device::Device;
use crate::store::devices::device_log::{Line, PingSummary};
use crate::store::event::DeviceFlip;

/// `GET /api/v3/checks/`.
#[derive(Serialize)]
pub(super) struct CheckList<'a> {
    pub(super) checks: Vec<CheckView<'a>>,
}

/// A check. What devices do not have is empty or false, because clients expect the fields.
#[derive(Serialize)]
pub(super) struct CheckView<'a> {
    name: &'a str,
    slug: &'a str,
    tags: &'a str,
    desc: &'static str,
    grace: u64,
    n_pings: u64,
    status: &'static str,
    started: bool,
    last_ping: Option<String>,
    next_ping: Option<String>,
    manual_resume: bool,
    methods: &'static str,
    subject: &'static str,
    subject_fail: &'static str,
    start_kw: &'static str,
    success_kw: &'static str,
    failure_kw: &'static str,
    filter_subject: bool,
    filter_body: bool,
    filter_http_body: bool,
    filter_default_fail: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_duration: Option<u64>,
    uuid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ping_url: Option<String>,
    timeout: u64,
}

/// What a check shows beside the device itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckContext {
    pub(super) pings: PingSummary,
    /// Whether a run has started and not ended.
    pub(super) is_running: bool,
    /// For devices without a threshold of their own.
    pub(super) default_threshold: Duration,
    pub(super) now: Timestamp,
}

impl<'a> CheckView<'a> {
    /// `address` is the address of this server, if the key may see the URL of pings.
    pub(super) fn new(device: &'a Device, context: CheckContext, address: Option<&str>) -> Self {
        let timeout = device.threshold.unwrap_or(context.default_threshold);
        let due = device.last_seen_at.map(|seen| seen.plus(timeout));
        let status = check_status(device, due, context.now);
        let is_expected = matches!(status, "up" | "grace");
        Self {
            name: &device.name,
            slug: device.slug.as_ref().map_or("", |slug| slug.as_str()),
            tags: device.group.as_deref().unwrap_or_default(),
            desc: "",
            grace: 0,
            n_pings: context.pings.pings,
            status,
            started: context.is_running,
            last_ping: device.last_seen_at.map(seconds),
            next_ping: due.filter(|_| is_expected).map(seconds),
            manual_resume: false,
            methods: "",
            subject: "",
            subject_fail: "",
            start_kw: "",
            success_kw: "",
            failure_kw: "",
            filter_subject: false,
            filter_body: false,
            filter_http_body: false,
            filter_default_fail: false,
            last_duration: context.pings.last_run.map(|length| length.as_secs()),
            uuid: device.uuid.as_str(),
            ping_url: address.map(|address| format!("{address}/ping/{}", device.uuid)),
            timeout: timeout.as_secs(),
        }
    }
}

/// The status of a check: `grace` if its ping is late and Rollcall has not decided that it is offline, for example after a
/// stop of Rollcall itself.
fn check_status(device: &Device, due: Option<Timestamp>, now: Timestamp) -> &'static str {
    match device.status {
        Status::Paused => "paused",
        _ if !device.is_active => "paused",
        Status::Unknown => "new",
        Status::Offline => "down",
        Status::Warning => "grace",
        Status::Online if due.is_some_and(|due| now > due) => "grace",
        Status::Online => "up",
    }
}

/// `GET /api/v3/checks/{uuid}/pings/`.
#[derive(Serialize)]
pub(super) struct PingList {
    pub(super) pings: Vec<PingView>,
}

/// A ping. Rollcall stores neither the address nor the program that sent it, nor the id of its run.
#[derive(Serialize)]
pub(super) struct PingView {
    #[serde(rename = "type")]
    kind: String,
    date: String,
    /// Increases from ping to ping, with gaps.
    n: i64,
    scheme: &'static str,
    remote_addr: &'static str,
    method: &'static str,
    ua: &'static str,
    rid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    body_url: Option<String>,
}

impl From<Line> for PingView {
    fn from(line: Line) -> Self {
        Self {
            kind: line.kind,
            date: iso(line.at),
            n: line.id,
            scheme: "http",
            remote_addr: "",
            method: "",
            ua: "",
            rid: None,
            duration: line.run_time.map(|length| length.as_secs_f64()),
            body_url: None,
        }
    }
}

/// `GET /api/v3/checks/{uuid}/flips/`.
#[derive(Serialize)]
pub(super) struct FlipList {
    pub(super) flips: Vec<FlipView>,
}

/// A change of the status: `up` is 1 or 0.
#[derive(Serialize)]
pub(super) struct FlipView {
    timestamp: String,
    up: u8,
}

impl From<DeviceFlip> for FlipView {
    fn from(flip: DeviceFlip) -> Self {
        Self {
            timestamp: seconds(flip.at),
            up: flip.is_online.into(),
        }
    }
}

/// A time in ISO 8601 without a fraction, as Healthchecks shows most times.
fn seconds(at: Timestamp) -> String {
    iso(Timestamp::from_millis(at.seconds() * 1000))
}

/// A time in ISO 8601 with `+00:00` for UTC, because some clients cannot read `Z`.
fn iso(at: Timestamp) -> String {
    text::timestamp(at).replace('Z', "+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::devices::slug::Slug;
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_123);

    fn device() -> Device {
        Device {
            id: MonitorId(7),
            guild_id: GuildId(1),
            uuid: DeviceUuid::from_random([7; 16]),
            name: "Database Backup".into(),
            device_type: None,
            status: Status::Online,
            since: NOW,
            is_active: true,
            last_seen_at: Some(NOW.minus(Duration::from_secs(60))),
            failure: None,
            threshold: Some(Duration::from_secs(3_600)),
            created_at: NOW,
            slug: Slug::parse("database-backup").ok(),
            group: Some("backup fs".into()),
        }
    }

    fn context() -> CheckContext {
        CheckContext {
            pings: PingSummary {
                pings: 7,
                last_run: Some(Duration::from_millis(2_999)),
            },
            is_running: true,
            default_threshold: Duration::from_secs(300),
            now: NOW,
        }
    }

    #[test]
    fn a_check_has_the_fields_of_version_3() {
        let device = device();
        let view = CheckView::new(&device, context(), Some("http://rollcall.example"));
        insta::assert_snapshot!(serde_json::to_string_pretty(&view).unwrap(), @r#"
        {
          "name": "Database Backup",
          "slug": "database-backup",
          "tags": "backup fs",
          "desc": "",
          "grace": 0,
          "n_pings": 7,
          "status": "up",
          "started": true,
          "last_ping": "2026-01-31T11:59:00+00:00",
          "next_ping": "2026-01-31T12:59:00+00:00",
          "manual_resume": false,
          "methods": "",
          "subject": "",
          "subject_fail": "",
          "start_kw": "",
          "success_kw": "",
          "failure_kw": "",
          "filter_subject": false,
          "filter_body": false,
          "filter_http_body": false,
          "filter_default_fail": false,
          "last_duration": 2,
          "uuid": "07070707-0707-4707-8707-070707070707",
          "ping_url": "http://rollcall.example/ping/07070707-0707-4707-8707-070707070707",
          "timeout": 3600
        }
        "#);
    }

    #[test]
    fn a_new_check_without_slug_and_group_has_empty_fields() {
        let device = Device {
            status: Status::Unknown,
            last_seen_at: None,
            slug: None,
            group: None,
            threshold: None,
            ..device()
        };
        let context = CheckContext {
            pings: PingSummary::default(),
            is_running: false,
            ..context()
        };
        let view = serde_json::to_value(CheckView::new(&device, context, None)).unwrap();
        for (field, expected) in [
            ("slug", serde_json::json!("")),
            ("tags", serde_json::json!("")),
            ("status", serde_json::json!("new")),
            ("n_pings", serde_json::json!(0)),
            ("last_ping", serde_json::Value::Null),
            ("next_ping", serde_json::Value::Null),
            ("timeout", serde_json::json!(300)),
            ("started", serde_json::json!(false)),
        ] {
            assert_eq!(view[field], expected, "{field}");
        }
        for absent in ["ping_url", "last_duration"] {
            assert!(view.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn the_status_of_a_check_follows_that_of_the_device() {
        let hour = Duration::from_secs(3_600);
        let late = hour + Duration::from_millis(1);
        for (status, is_active, absent, expected) in [
            (Status::Online, true, Duration::ZERO, "up"),
            (Status::Online, true, hour, "up"),
            (Status::Online, true, late, "grace"),
            (Status::Warning, true, Duration::ZERO, "grace"),
            (Status::Offline, true, Duration::ZERO, "down"),
            (Status::Offline, true, late, "down"),
            (Status::Unknown, true, late, "new"),
            (Status::Paused, true, late, "paused"),
            (Status::Online, false, late, "paused"),
        ] {
            let device = Device {
                status,
                is_active,
                last_seen_at: Some(NOW.minus(absent)),
                ..device()
            };
            let view = CheckView::new(&device, context(), None);
            assert_eq!(view.status, expected, "{status:?} {is_active} {absent:?}");
            let is_expected = matches!(expected, "up" | "grace");
            assert_eq!(view.next_ping.is_some(), is_expected, "{status:?}");
        }
    }

    #[test]
    fn pings_and_flips_have_the_fields_of_version_3() {
        let line = Line {
            id: 9,
            at: NOW,
            kind: "success".into(),
            level: None,
            device_time: None,
            message: "done".into(),
            run_time: Some(Duration::from_millis(1_500)),
        };
        let flip = DeviceFlip {
            at: NOW,
            is_online: false,
        };
        let shown = [
            serde_json::to_string(&PingView::from(line)).unwrap(),
            serde_json::to_string(&FlipView::from(flip)).unwrap(),
        ];
        insta::assert_snapshot!(shown.join("\n"), @r#"
        {"type":"success","date":"2026-01-31T12:00:00.123+00:00","n":9,"scheme":"http","remote_addr":"","method":"","ua":"","rid":null,"duration":1.5,"body_url":null}
        {"timestamp":"2026-01-31T12:00:00+00:00","up":0}
        "#);
    }
}
