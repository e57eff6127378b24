//! Limits on what a server reports, as a script sees them: it sets them, the agent reports, and status, reason, incident,
//! webhook and metrics follow, until the numbers are within the limits again.

use serde_json::{Value, json};

use super::document::BASE;
use crate::devices::http_devices_servers::{key, text};
use crate::harness::collector::Collector;
use crate::harness::{Answer, Rollcall, Running, wait_for};

const WARNING: &str = "disk / at 93.1 %, above 90 %";
const OUTAGE: &str = "metrics.queue at 150, above 100";

/// A server whose numbers are limited, and the bot that it reports to.
struct Limited<'a> {
    rollcall: &'a Rollcall,
    running: Running<'a>,
    id: String,
    key: String,
}

impl<'a> Limited<'a> {
    fn start(rollcall: &'a Rollcall) -> Self {
        let add = ["server", "add", "db-1", "--guild", "42", "--json"];
        let added = rollcall.done(&add).json();
        Self {
            rollcall,
            running: rollcall.run(),
            id: added["id"].to_string(),
            key: text(&added["key"]),
        }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let admin = key(self.rollcall, "admin", "42");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let path = format!("{BASE}{path}");
        self.running.call(method, &path, &admin, &body)
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json
    }

    fn set_limits(&self, limits: &Value) -> Answer {
        let path = format!("/servers/{}/limits", self.id);
        self.call("PUT", &path, &json!({ "limits": limits }))
    }

    fn limits(&self) -> Value {
        self.get(&format!("/servers/{}/limits", self.id))["limits"].clone()
    }

    /// Sends a report, and returns the status in the answer.
    fn report(&self, disk: f64, queue: u32) -> Value {
        let report =
            json!({ "disk": { "/": { "used_percent": disk } }, "metrics": { "queue": queue } });
        let path = format!("{BASE}/server-stats");
        let sent = self
            .running
            .call("POST", &path, &self.key, &report.to_string());
        assert_eq!(sent.status, 200, "{sent:?}");
        sent.json["status"].clone()
    }

    /// Checks status and reason in the view of the server, and that the reports alone say nothing else.
    fn expect(&self, status: &str, reason: Option<&str>) {
        let server = self.get(&format!("/servers/{}", self.id));
        assert_eq!(server["status"], status, "{server}");
        if let Some(reason) = reason {
            assert_eq!(server["reason"], reason, "{server}");
        }
        assert_eq!(
            (&server["threshold_used"], &server["should_alert"]),
            (&json!("online"), &json!(false)),
            "{server}"
        );
    }

    /// The outages of all incidents with this state: reason, detail and how it ended.
    fn outages(&self, state: &str) -> Vec<Value> {
        let incidents = self.get(&format!("/incidents?state={state}"));
        let incidents = incidents["incidents"].as_array().unwrap().iter();
        let outages = incidents.flat_map(|incident| incident["outages"].as_array().unwrap());
        let facts =
            |outage: &Value| json!([outage["reason"], outage["detail"], outage["ended_by"]]);
        let mut found: Vec<Value> = outages.map(facts).collect();
        found.sort_by_key(Value::to_string);
        found
    }

    /// Waits until the page of the monitors has these lines.
    fn wait_for_series(&self, lines: &[&str]) {
        wait_for("the series of the server", || {
            let read = key(self.rollcall, "read", "42");
            let page = self.running.call("GET", "/metrics/monitors", &read, "");
            let has = |line: &&str| page.text.lines().any(|known| known == *line);
            lines.iter().all(has).then_some(())
        });
    }
}

fn series(id: &str, up: u8, queue: u32) -> [String; 2] {
    let labels = format!(r#"id="{id}",name="db-1",group="",kind="server""#);
    [
        format!("rollcall_monitor_up{{{labels}}} {up}"),
        format!("rollcall_server_metric{{{labels},metric=\"metrics.queue\"}} {queue}"),
    ]
}

#[test]
fn status_incident_webhook_and_metrics_follow_the_limits() {
    let rollcall = Rollcall::new().with("PROBE_ALLOW", "loopback");
    let db = Limited::start(&rollcall);
    let hooks = Collector::start();
    let hook = json!({ "name": "pager", "url": hooks.url("hook") });
    assert_eq!(db.call("POST", "/webhooks", &hook).status, 201);
    let limits = json!([
        { "metric": "metrics.queue", "above": 100, "for_seconds": 0, "severity": "outage" },
        { "metric": "disk", "above": 90, "for_seconds": 0 },
    ]);
    let set = db.set_limits(&limits);
    assert_eq!(set.status, 200, "{set:?}");
    let met = json!({
        "metric": "disk", "above": 90.0, "below": null, "changes": false, "for_seconds": 0, "severity": "warning",
        "exceeded_reason": null, "beyond_since": null,
    });
    assert_eq!(set.json["limits"][0], met, "{set:?}");
    assert_eq!(db.report(50.0, 1), "online");
    db.expect("online", None);
    assert_eq!(db.report(93.1, 1), "warning");
    db.expect("warning", Some(WARNING));
    let [up, queue] = series(&db.id, 1, 1);
    db.wait_for_series(&[&up, &queue]);
    let open = json!(["limit_warning", WARNING, null]);
    assert_eq!(db.outages("open"), std::slice::from_ref(&open));
    assert_eq!(db.report(93.2, 150), "offline");
    db.expect("offline", Some(&format!("{WARNING}; {OUTAGE}")));
    let [up, queue] = series(&db.id, 0, 150);
    db.wait_for_series(&[&up, &queue]);
    let outage = json!(["limit_outage", OUTAGE, null]);
    assert_eq!(db.outages("open"), [outage, open]);
    let before = db.limits();
    assert_eq!(before[0]["exceeded_reason"], WARNING, "{before}");
    assert!(before[0]["beyond_since"].is_string(), "{before}");
    // What stays the same keeps its progress.
    assert_eq!(db.set_limits(&limits).json["limits"], before);
    assert_eq!(db.report(50.0, 1), "online");
    db.expect("online", None);
    assert_eq!(db.limits()[0], met);
    wait_for("the incidents to be resolved", || {
        db.outages("open").is_empty().then_some(())
    });
    let recovered = |reason: &str, detail: &str| json!([reason, detail, "recovered"]);
    assert_eq!(
        db.outages("resolved"),
        [
            recovered("limit_outage", OUTAGE),
            recovered("limit_warning", WARNING)
        ]
    );
    wait_for("the webhook to name the limit", || {
        let posted = hooks.posted();
        let mut reasons = posted
            .iter()
            .map(|one| &one.json["data"]["members"][0]["reason"]);
        reasons
            .any(|reason| reason == "limit_warning")
            .then_some(())
    });
}

#[test]
fn a_limit_that_is_replaced_ends_its_outage_and_starts_again() {
    let rollcall = Rollcall::new().with("PROBE_ALLOW", "loopback");
    let db = Limited::start(&rollcall);
    let hook = json!({ "name": "pager", "url": Collector::start().url("hook") });
    assert_eq!(db.call("POST", "/webhooks", &hook).status, 201);
    let limit = |bound: f64, seconds: u32| json!([{ "metric": "disk", "above": bound, "for_seconds": seconds }]);
    assert_eq!(db.set_limits(&limit(90.0, 0)).status, 200);
    assert_eq!(db.report(93.1, 1), "warning");
    // The new limit has seen no report yet.
    let replaced = db.set_limits(&limit(80.0, 300)).json;
    assert_eq!(replaced["limits"][0]["exceeded_reason"], Value::Null);
    db.expect("online", None);
    assert_eq!(
        db.outages("resolved"),
        [json!(["limit_warning", WARNING, "limit_changed"])]
    );
    // It is beyond the limit, and not for long enough.
    assert_eq!(db.report(93.1, 1), "online");
    let waiting = &db.limits()[0];
    assert!(waiting["beyond_since"].is_string(), "{waiting}");
    assert_eq!(waiting["exceeded_reason"], Value::Null, "{waiting}");
    assert_eq!(db.set_limits(&json!([])).json["limits"], json!([]));
}

#[test]
fn limits_are_read_with_the_own_key_and_replaced_with_an_admin_key_of_the_guild() {
    let rollcall = Rollcall::new();
    let db = Limited::start(&rollcall);
    assert_eq!(
        db.set_limits(&json!([{ "metric": "cpu", "changes": true }]))
            .status,
        200
    );
    let other = rollcall.done(&["server", "add", "db-2", "--guild", "42", "--json"]);
    let other = text(&other.json()["key"]);
    let (path, body) = (
        format!("{BASE}/servers/{}/limits", db.id),
        r#"{"limits":[]}"#,
    );
    let call = |method, key: &str| {
        let body = if method == "PUT" { body } else { "" };
        db.running.call(method, &path, key, body).status
    };
    for (kind, get, put) in [("read", 200, 403), ("fleet", 403, 403)] {
        let key = key(&rollcall, kind, "42");
        assert_eq!((call("GET", &key), call("PUT", &key)), (get, put), "{kind}");
    }
    assert_eq!((call("GET", &db.key), call("PUT", &db.key)), (200, 403));
    assert_eq!((call("GET", &other), call("PUT", &other)), (404, 403));
    let foreign = key(&rollcall, "admin", "43");
    assert_eq!((call("GET", &foreign), call("PUT", &foreign)), (404, 404));
    assert_eq!(db.limits().as_array().unwrap().len(), 1);
    for (limits, detail) in [
        (
            json!([{ "metric": "disk" }]),
            "`limits[0]`: a limit needs exactly one of",
        ),
        (
            json!([{ "metric": "disk", "above": 1 }, { "metric": "disk", "above": 2 }]),
            "`limits`: must have at most one limit with `above` for the metric `disk`",
        ),
        (
            json!([{ "metric": "", "above": 1 }]),
            "`limits[0].metric`: ",
        ),
    ] {
        let refused = db.set_limits(&limits);
        assert_eq!(refused.status, 422, "{refused:?}");
        let sentence = text(&refused.json["detail"]);
        assert!(sentence.starts_with(detail), "{sentence}");
    }
}
