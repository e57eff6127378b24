//! Walks the tables of docs/limits.md: what is within each limit is accepted, and what is beyond it gets the answer that the
//! page names.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{key, text};
use crate::harness::{Rollcall, Running};

/// Tries a limit: the statuses at the limit and beyond it.
type Try = fn(&Walk<'_>, usize) -> (u16, u16);

/// What tries the limit of each row.
const TRIES: &[(&str, Try)] = &[
    ("body of a request, in bytes", |walk, most| {
        let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
        walk.both(most, |length| walk.report(&padded(length)))
    }),
    ("levels of nesting in a body", |walk, most| {
        let nested = |levels: usize| {
            let inner = levels - 1;
            format!(r#"{{"a":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
        };
        walk.both(most, |levels| walk.state(&nested(levels)))
    }),
    ("characters of a text in a body", |walk, most| {
        walk.both(most, |length| {
            walk.report(&json!({ "agent_version": "x".repeat(length) }).to_string())
        })
    }),
    ("request line and headers, in bytes", |walk, most| {
        walk.both(most, |length| walk.head(length, 0))
    }),
    ("headers", |walk, most| {
        walk.both(most, |count| walk.head(0, count))
    }),
    ("log lines in a request", |walk, most| {
        walk.both(most, |lines| {
            let (uuid, own) = walk.device();
            let path = format!("/api/v1/device/{uuid}/logs");
            walk.call("POST", &path, &own, &json!(vec!["x"; lines]))
        })
    }),
    ("numbers in a report", |walk, most| {
        walk.both(most, |count| {
            walk.report(&json!({ "load": vec![1; count] }).to_string())
        })
    }),
    (
        "bytes in the path of a number, such as `memory.used`",
        |walk, most| {
            walk.both(most, |length| {
                let name = "n".repeat(length - "metrics.".len());
                walk.report(&json!({ "metrics": { name: 1 } }).to_string())
            })
        },
    ),
    ("names in the path of a number", |walk, most| {
        walk.both(most, |names| {
            let mut figure = json!(1);
            for _ in 1..names {
                figure = json!({ "a": figure });
            }
            walk.report(&json!({ "disk": figure }).to_string())
        })
    }),
    ("own figures in `metrics`", |walk, most| {
        walk.both(most, |count| {
            let metrics: BTreeMap<String, usize> = (0..count).map(|n| (n.to_string(), n)).collect();
            walk.report(&json!({ "metrics": metrics }).to_string())
        })
    }),
    ("bytes of a device's state", |walk, most| {
        let (uuid, own) = walk.device();
        let path = format!("/api/v1/device/{uuid}/state");
        // Texts of 1,000 bytes, and a last one that fills the state to the byte.
        let (each, last) = (r#""0000":"","#.len() + 1_000, r#""last":"""#.len());
        let count = (most - "{}".len() - last) / each;
        let entries: Vec<usize> = (0..count).collect();
        for entries in entries.chunks(count / 2 + 1) {
            let entry = |number: &usize| (format!("{number:04}"), json!("x".repeat(1_000)));
            let part: serde_json::Map<String, Value> = entries.iter().map(entry).collect();
            assert_eq!(walk.call("PATCH", &path, &own, &Value::Object(part)), 200);
        }
        let rest = most - "{}".len() - last - count * each;
        walk.both(rest, |length| {
            walk.call("PATCH", &path, &own, &json!({ "last": "x".repeat(length) }))
        })
    }),
    (
        "bytes in the body of a ping (the first 2,000 and the last 8,000 are kept)",
        |walk, most| {
            walk.both(most, |length| {
                let path = format!("/ping/{}", walk.device().0);
                walk.running
                    .call("POST", &path, "", &"x".repeat(length))
                    .status
            })
        },
    ),
    (
        "requests of a device in a burst, then 1 per second",
        |walk, most| {
            let (uuid, own) = walk.device();
            let path = format!("/api/v1/device/{uuid}/heartbeat");
            // Adding the device is no request of its own.
            walk.burst(most, || walk.call("POST", &path, &own, &json!({})))
        },
    ),
    (
        "reports of a server in a burst, then 1 per second",
        |walk, most| {
            let own = walk.server();
            walk.burst(most, || {
                walk.call("POST", "/api/v1/server-stats", &own, &json!({}))
            })
        },
    ),
    (
        "requests with an API key in a burst, then 1 per second",
        |walk, most| {
            let read = key(walk.rollcall, "read", "42");
            walk.burst(most, || {
                walk.running.call("GET", "/api/v1/groups", &read, "").status
            })
        },
    ),
    (
        "probes of a Discord server in a burst, then 10 per second",
        |walk, most| {
            let read = key(walk.rollcall, "read", "42");
            // A port that is open.
            let target = walk.running.address();
            let path = format!("/probe?module=tcp_connect&target={target}");
            walk.burst(most, || walk.running.call("GET", &path, &read, "").status)
        },
    ),
    (
        "requests of an address without a valid key in a burst, then 10 per minute",
        |walk, most| {
            let unknown = "/ping/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";
            let (at, beyond) = walk.burst(most, || {
                match walk.running.call("GET", unknown, "", "").status {
                    404 => 200,
                    status => status,
                }
            });
            (at, beyond)
        },
    ),
    ("characters of a name", |walk, most| {
        walk.both(most, |length| {
            let target = format!("https://{}.example.org/", walk.next());
            walk.add(
                "endpoints",
                &json!({ "target": target, "name": "ä".repeat(length) }),
            )
        })
    }),
    (
        "bytes of a target in its canonical spelling",
        |walk, most| {
            // The canonical spelling has one byte more.
            let target = |length: usize| {
                let start = "http://example.org?";
                format!("{start}{}", "x".repeat(length - 1 - start.len()))
            };
            walk.both(most, |length| {
                walk.add("endpoints", &json!({ "target": target(length) }))
            })
        },
    ),
    ("seconds between two checks, at most", |walk, most| {
        walk.both(most, |seconds| {
            let target = format!("https://{}.example.org/", walk.next());
            walk.add(
                "endpoints",
                &json!({ "target": target, "interval": format!("{seconds}s") }),
            )
        })
    }),
    ("characters of a keyword", |walk, most| {
        walk.both(most, |length| {
            walk.http_check(&json!({ "keyword": "x".repeat(length) }))
        })
    }),
    ("headers of a check", |walk, most| {
        walk.both(most, |count| {
            let headers: BTreeMap<String, &str> =
                (0..count).map(|n| (format!("X-{n}"), "x")).collect();
            walk.http_check(&json!({ "headers": headers }))
        })
    }),
    ("redirects of a check", |walk, most| {
        walk.both(most, |count| {
            walk.http_check(&json!({ "redirects": count }))
        })
    }),
    ("characters of a device's slug", |walk, most| {
        walk.both(most, |length| {
            walk.add(
                "devices",
                &json!({ "name": walk.next().to_string(), "slug": "x".repeat(length) }),
            )
        })
    }),
    ("characters of an incident's note", |walk, most| {
        let incident = walk.incident();
        walk.both(most, |length| {
            walk.add(
                &format!("incidents/{incident}/notes"),
                &json!({ "text": "ä".repeat(length) }),
            )
        })
    }),
    ("ids of monitors in a silence", |walk, most| {
        // An id that does not exist is refused in another way, after the list was accepted.
        walk.both(most, |count| {
            let ids: Vec<usize> = (1..=count).map(|n| 900_000 + n).collect();
            let body =
                json!({ "kind": "maintenance", "title": "x", "duration": "1h", "monitors": ids });
            match walk.add("silences", &body) {
                404 => 201,
                status => status,
            }
        })
    }),
    ("limits of a server on what it reports", |walk, most| {
        walk.both(most, |count| {
            let limit =
                |number: usize| json!({ "metric": format!("metrics.{number}"), "above": 1 });
            walk.set_limits((0..count).map(limit).collect())
        })
    }),
    (
        "seconds that a number must be beyond such a limit, at most",
        |walk, most| {
            walk.both(most, |seconds| {
                walk.set_limits(vec![
                    json!({ "metric": "disk", "above": 1, "for_seconds": seconds }),
                ])
            })
        },
    ),
    ("bytes of the metric of such a limit", |walk, most| {
        // Each has two bytes.
        walk.both(most, |length| {
            let metric = format!("{}{}", "ä".repeat(length / 2), "x".repeat(length % 2));
            walk.set_limits(vec![json!({ "metric": metric, "above": 1 })])
        })
    }),
    ("days in the window of an objective", |walk, most| {
        walk.both(most, |days| {
            walk.set_objective(&json!({ "objective": 99.9, "window_days": days }))
        })
    }),
    ("endpoints (`QUOTA_ENDPOINTS`)", |walk, most| {
        walk.fill(most, "endpoint", || {
            let target = format!("https://{}.example.org/", walk.next());
            walk.add("endpoints", &json!({ "target": target }))
        })
    }),
    ("devices (`QUOTA_DEVICES`)", |walk, most| {
        walk.fill(most, "device", || {
            walk.add(
                "devices",
                &json!({ "name": format!("pump {}", walk.next()) }),
            )
        })
    }),
    ("servers (`QUOTA_SERVERS`)", |walk, most| {
        walk.until(
            most,
            walk.count("SELECT CAST(COUNT(*) AS TEXT) FROM server_details WHERE guild_id = 42"),
            || walk.add("servers", &json!({ "name": format!("db {}", walk.next()) })),
        )
    }),
    ("ports of one host", |walk, most| {
        let host = format!("{}.example.org", walk.next());
        walk.until(most, 0, || {
            let target = format!("tcp://{host}:{}", 1_000 + walk.next());
            walk.add("endpoints", &json!({ "target": target }))
        })
    }),
    ("API keys (`QUOTA_KEYS`)", |walk, most| {
        let valid = "SELECT CAST(COUNT(*) AS TEXT) FROM api_keys WHERE guild_id = 42 AND monitor_id IS NULL AND revoked_at IS NULL";
        let admin = walk.admin();
        let used = walk.count(valid);
        // The command line may add more, so it fills the rest.
        for _ in used + 1..most {
            key(walk.rollcall, "read", "42");
        }
        let add = || walk.call("POST", "/api/v1/keys", &admin, &json!({ "kind": "read" }));
        let statuses = (add(), add());
        walk.rollcall.sql("UPDATE api_keys SET revoked_at = 1 WHERE guild_id = 42 AND kind = 'read' AND monitor_id IS NULL");
        statuses
    }),
    ("webhooks", |walk, most| {
        walk.until(most, 0, || {
            let name = format!("hook {}", walk.next());
            walk.add(
                "webhooks",
                &json!({ "name": name, "url": "https://example.org/hook" }),
            )
        })
    }),
    ("maintenance windows", |walk, most| {
        let body = json!({ "kind": "maintenance", "title": "x", "duration": "1h" });
        walk.until(most, 0, || walk.add("silences", &body))
    }),
    ("objectives", |walk, most| {
        walk.rollcall.sql("DELETE FROM objectives");
        walk.rollcall.sql(&format!(
            "WITH RECURSIVE number (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM number WHERE n < {most})
             INSERT INTO objectives (guild_id, group_name, milli_percent, window_days, created_at)
             SELECT 42, n, 99900, 30, 1 FROM number"
        ));
        let body = json!({ "objective": 99.9 });
        let statuses = (walk.set_objective(&body), walk.set_objective(&body));
        walk.rollcall.sql("DELETE FROM objectives");
        statuses
    }),
    (
        "changes by members and API keys in a day (UTC)",
        |walk, most| {
            let (uuid, _) = walk.device();
            let (path, admin) = (format!("/api/v1/devices/{uuid}"), walk.admin());
            walk.rollcall.sql(&format!(
                "UPDATE daily_changes SET changes = {} WHERE guild_id = 42",
                most - 1
            ));
            let rename = || {
                let name = format!("pump {}", walk.next());
                walk.call("PATCH", &path, &admin, &json!({ "name": name }))
            };
            (rename(), rename())
        },
    ),
];

/// A running bot, on which the limits are tried.
struct Walk<'a> {
    rollcall: &'a Rollcall,
    running: Running<'a>,
    made: std::cell::Cell<usize>,
}

impl Walk<'_> {
    /// A number that was not used before.
    fn next(&self) -> usize {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    /// A new key, because each may be used only so often.
    fn admin(&self) -> String {
        let admin = key(self.rollcall, "admin", "42");
        // Revokes the older ones, because the number of keys of a guild is limited.
        self.rollcall.sql(
            "UPDATE api_keys SET revoked_at = 1 WHERE kind = 'admin' AND revoked_at IS NULL
             AND rowid < (SELECT MAX(rowid) FROM api_keys WHERE kind = 'admin')",
        );
        admin
    }

    fn call(&self, method: &str, path: &str, key: &str, body: &Value) -> u16 {
        self.running
            .call(method, path, key, &body.to_string())
            .status
    }

    fn add(&self, noun: &str, body: &Value) -> u16 {
        self.call("POST", &format!("/api/v1/{noun}"), &self.admin(), body)
    }

    fn added(&self, noun: &str, body: &Value) -> Value {
        let path = format!("/api/v1/{noun}");
        let added = self
            .running
            .call("POST", &path, &self.admin(), &body.to_string());
        assert_eq!(added.status, 201, "{added:?}");
        added.json
    }

    /// The uuid and the key of a new device.
    fn device(&self) -> (String, String) {
        let added = self.added("device/register", &json!({}));
        (text(&added["uuid"]), text(&added["device_key"]))
    }

    /// The key of a new server.
    fn server(&self) -> String {
        let name = format!("db {}", self.next());
        text(&self.added("servers", &json!({ "name": name }))["key"])
    }

    fn report(&self, body: &str) -> u16 {
        let own = self.server();
        self.running
            .call("POST", "/api/v1/server-stats", &own, body)
            .status
    }

    /// Sets the limits of a new server.
    fn set_limits(&self, limits: Vec<Value>) -> u16 {
        let server = self.added("servers", &json!({ "name": format!("db {}", self.next()) }));
        let path = format!("/api/v1/servers/{}/limits", server["id"]);
        self.call("PUT", &path, &self.admin(), &json!({ "limits": limits }))
    }

    /// Sets the objective of a new endpoint.
    fn set_objective(&self, body: &Value) -> u16 {
        let target = format!("https://{}.example.org/", self.next());
        let endpoint = self.added("endpoints", &json!({ "target": target }));
        let path = format!("/api/v1/monitors/{}/objective", endpoint["id"]);
        self.call("PUT", &path, &self.admin(), body)
    }

    fn state(&self, body: &str) -> u16 {
        let (uuid, own) = self.device();
        let path = format!("/api/v1/device/{uuid}/state");
        self.running.call("PATCH", &path, &own, body).status
    }

    fn http_check(&self, http: &Value) -> u16 {
        let target = format!("https://{}.example.org/", self.next());
        self.add("endpoints", &json!({ "target": target, "http": http }))
    }

    fn incident(&self) -> String {
        self.rollcall.sql(
            "INSERT INTO incidents (guild_id, scope, opened_at, created_at, joined_at) VALUES (42, '', 1, 1, 1)",
        );
        self.rollcall
            .sql("SELECT CAST(MAX(id) AS TEXT) FROM incidents")
            .remove(0)
    }

    /// A request whose head has this many bytes, or this many headers.
    fn head(&self, length: usize, headers: usize) -> u16 {
        use std::io::{Read as _, Write as _};

        let mut head = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".to_owned();
        for number in 2..headers {
            head += &format!("X-{number}: x\r\n");
        }
        if length > 0 {
            let rest = length - head.len() - "X-Pad: \r\n\r\n".len();
            head += &format!("X-Pad: {}\r\n", "x".repeat(rest));
        }
        head += "\r\n";
        let mut stream = std::net::TcpStream::connect(self.running.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        // A connection that is closed with unread bytes may be reset after the answer.
        let _ = stream.read_to_string(&mut answer);
        answer
            .get(9..12)
            .map_or(0, |status| status.parse().unwrap())
    }

    fn count(&self, sql: &str) -> usize {
        self.rollcall.sql(sql).remove(0).parse().unwrap()
    }

    fn both(&self, most: usize, try_with: impl Fn(usize) -> u16) -> (u16, u16) {
        (try_with(most), try_with(most + 1))
    }

    /// Repeats a request until it has been made `most` times, and once more.
    fn burst(&self, most: usize, request: impl Fn() -> u16) -> (u16, u16) {
        let at = (0..most).map(|_| request()).max().unwrap_or(0);
        // A second may have passed meanwhile.
        let beyond = (0..most).map(|_| request()).find(|status| *status >= 400);
        (at, beyond.unwrap_or(0))
    }

    /// Adds until there are `most`, of which `used` are there already, and one more.
    fn until(&self, most: usize, used: usize, add: impl Fn() -> u16) -> (u16, u16) {
        let at = (used..most).map(|_| add()).max().unwrap_or(0);
        (at, add())
    }

    /// Like `until`, after all but one have been added to the database.
    fn fill(&self, most: usize, kind: &str, add: impl Fn() -> u16) -> (u16, u16) {
        let of_kind = format!("FROM monitors WHERE guild_id = 42 AND kind = '{kind}'");
        let missing = most - 1 - self.count(&format!("SELECT CAST(COUNT(*) AS TEXT) {of_kind}"));
        self.rollcall.sql(&format!(
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {missing})
             INSERT INTO monitors (guild_id, kind, name, status, since, created_at)
             SELECT 42, '{kind}', n, 'unknown', 1, 1 FROM number"
        ));
        self.rollcall.sql(
            "INSERT INTO device_details (monitor_id, guild_id, uuid) SELECT id, guild_id, id FROM monitors
             WHERE kind = 'device' AND id NOT IN (SELECT monitor_id FROM device_details)",
        );
        let statuses = (add(), add());
        self.rollcall.sql(&format!("DELETE {of_kind}"));
        statuses
    }
}

/// A row of the page.
struct Limit {
    name: String,
    most: usize,
    answer: u16,
}

/// The rows of the tables whose last column is the status of an answer.
fn limits() -> Vec<Limit> {
    let page = include_str!("../../../docs/limits.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        match cells.as_slice() {
            [name, most, answer] => Some(Limit {
                name: (*name).to_owned(),
                most: most.parse().ok()?,
                answer: answer.parse().ok()?,
            }),
            _ => None,
        }
    };
    page.lines().filter_map(row).collect()
}

#[test]
fn every_limit_of_the_page_is_as_it_says() {
    let limits = limits();
    let names: Vec<&str> = limits.iter().map(|limit| limit.name.as_str()).collect();
    let tried: Vec<&str> = TRIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, tried);
    let rollcall = Rollcall::new().with("PROBE_TIMEOUT", "1s");
    let walk = Walk {
        rollcall: &rollcall,
        running: rollcall.run(),
        made: std::cell::Cell::new(0),
    };
    let mut wrong = Vec::new();
    for (limit, (name, try_it)) in limits.iter().zip(TRIES) {
        let (at, beyond) = try_it(&walk, limit.most);
        if !(200..300).contains(&at) || beyond != limit.answer {
            wrong.push(format!("{name}: {at} at the limit, {beyond} beyond it"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
