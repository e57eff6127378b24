//! `/probe`: checks a target once, within the limits of endpoints, and stores nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crate::devices::http_devices_servers::key;
use crate::harness::own_timer::stopwatch;
use crate::harness::{Answer, Rollcall, Running, Web};

/// A server that answers each connection with these bytes.
fn server(response: impl Fn(SocketAddr) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 1024];
            // A client that only connects sends nothing.
            let _ = stream.read(&mut request);
            let _ = stream.write_all(response(address).as_bytes());
        }
    });
    address
}

fn status(line: &'static str) -> SocketAddr {
    server(move |_| format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
}

struct Prober<'a> {
    running: &'a Running<'a>,
    read: String,
}

impl Prober<'_> {
    fn answer(&self, query: &str, headers: &[(&str, &str)]) -> Answer {
        let path = format!("/probe?{query}");
        self.running
            .call_with("GET", &path, (&self.read, headers), "")
    }

    fn page(&self, query: &str) -> String {
        let answer = self.answer(query, &[]);
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer.text
    }
}

fn value(page: &str, name: &str) -> f64 {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name}: {page}"))
        .parse()
        .unwrap()
}

#[test]
fn a_probe_has_the_metrics_of_blackbox_exporter() {
    let rollcall = Rollcall::new();
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let prober = Prober {
        running: &running,
        read,
    };
    let moved = server(move |own| {
        let to = status("204 No Content");
        format!(
            "HTTP/1.1 302 Found\r\nLocation: http://{to}/from/{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            own.port()
        )
    });
    for (address, success, code, redirects) in [
        (status("200 OK"), 1.0, 200.0, 0.0),
        (status("299 Fine"), 1.0, 299.0, 0.0),
        (status("300 Many"), 0.0, 300.0, 0.0),
        (status("503 Down"), 0.0, 503.0, 0.0),
        (moved, 1.0, 204.0, 1.0),
    ] {
        for target in [format!("{address}"), format!("http://{address}/")] {
            let page = prober.page(&format!("target={target}"));
            assert_eq!(value(&page, "probe_success"), success, "{page}");
            assert_eq!(value(&page, "probe_http_status_code"), code, "{page}");
            assert_eq!(value(&page, "probe_http_redirects"), redirects, "{page}");
            assert_eq!(value(&page, "probe_http_ssl"), 0.0, "{page}");
            let took = value(&page, "probe_duration_seconds");
            assert!(took > 0.0 && took < 2.0, "{page}");
            let phase = r#"probe_http_duration_seconds{phase="connect"}"#;
            assert!(value(&page, phase) <= took, "{page}");
            assert!(!page.contains("cert_expiry"), "{page}");
        }
    }
    let open = status("200 OK");
    let page = prober.page(&format!("module=tcp_connect&target={open}"));
    assert_eq!(value(&page, "probe_success"), 1.0);
    assert!(!page.contains("probe_http"), "{page}");
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let page = prober.page(&format!("module=tcp_connect&target=tcp://{closed}"));
    assert_eq!(value(&page, "probe_success"), 0.0);
    let page = prober.page(&format!("module=http_2xx&target={closed}"));
    assert_eq!(value(&page, "probe_http_status_code"), 0.0);
    for table in [
        "check_results",
        "monitors",
        "events",
        "outages",
        "host_additions",
        "daily_changes",
    ] {
        let rows = rollcall.sql(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}"));
        // Creating the key is the only event.
        let expected = if table == "events" { "1" } else { "0" };
        assert_eq!(rows, [expected], "{table}");
    }
}

#[test]
fn a_wrong_probe_is_refused_with_a_sentence() {
    let rollcall = Rollcall::new();
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let prober = Prober {
        running: &running,
        read,
    };
    for (query, sentence) in [
        ("", "the target parameter is missing"),
        ("module=http_2xx", "the target parameter is missing"),
        (
            "target=example.org&module=icmp",
            "unknown module `icmp`. Use `http_2xx` or `tcp_connect`",
        ),
        (
            "target=example.org&module=tcp_connect",
            "the target is invalid: the port is missing",
        ),
        ("target=user:pass@example.org", "the target is invalid: "),
        ("target=example.org&modul=x", "unknown field `modul`"),
    ] {
        let answer = prober.answer(query, &[]);
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        let detail = answer.json["detail"].as_str().unwrap();
        assert!(detail.contains(sentence), "{query}: {detail}");
    }
    let header = ("X-Prometheus-Scrape-Timeout-Seconds", "soon");
    let answer = prober.answer("target=example.org", &[header]);
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[test]
fn a_probe_ends_before_prometheus_gives_up() {
    let rollcall = Rollcall::new().with("PROBE_TIMEOUT", "60s");
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let prober = Prober {
        running: &running,
        read,
    };
    let unresponsive = TcpListener::bind("127.0.0.1:0").unwrap();
    let query = format!("target={}", unresponsive.local_addr().unwrap());
    let clock = stopwatch();
    let answer = prober.answer(&query, &[("X-Prometheus-Scrape-Timeout-Seconds", "2")]);
    let took = clock.elapsed();
    assert!(
        took >= Duration::from_millis(1_400) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert_eq!(value(&answer.text, "probe_success"), 0.0, "{answer:?}");
    assert!(
        value(&answer.text, "probe_duration_seconds") < 1.6,
        "{answer:?}"
    );
}

#[test]
fn a_probe_reaches_only_allowed_addresses_and_connects_to_no_other() {
    let rollcall = Rollcall::new().with("PROBE_ALLOW", "");
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let prober = Prober {
        running: &running,
        read,
    };
    let web = Web::up();
    for query in [
        format!("target={}", web.address()),
        format!("module=tcp_connect&target={}", web.address()),
        "target=169.254.169.254".to_owned(),
        "module=tcp_connect&target=[::ffff:127.0.0.1]:22".to_owned(),
    ] {
        let refused = prober.answer(&query, &[]);
        assert_eq!(refused.status, 403, "{query}: {refused:?}");
        let detail = refused.json["detail"].as_str().unwrap();
        assert!(detail.contains("PROBE_ALLOW"), "{query}: {detail}");
    }
    assert_eq!(web.requests(), 0);
}

#[test]
fn the_limits_of_endpoints_hold_for_probes() {
    let rollcall = Rollcall::new()
        .with("PROBE_LIMIT_ALLOWED", "true")
        .with("PROBE_TIMEOUT", "10s")
        .with("PROBE_INTERVAL", "1h");
    let (read, other) = (key(&rollcall, "read", "42"), key(&rollcall, "read", "43"));
    let running = rollcall.run();
    let prober = Prober {
        running: &running,
        read,
    };
    let web = Web::up();
    let query = format!("target={}", web.address());
    let clock = stopwatch();
    for _ in 0..3 {
        assert_eq!(value(&prober.page(&query), "probe_success"), 1.0);
    }
    // The first connection is free, the others wait for a second each.
    let took = clock.elapsed();
    assert!(took >= Duration::from_millis(1_900), "{took:?}");
    // A wait that is longer than Prometheus' is no failure of the target.
    let busy = prober.answer(&query, &[("X-Prometheus-Scrape-Timeout-Seconds", "0.2")]);
    assert_eq!(busy.status, 503, "{busy:?}");
    let detail = busy.json["detail"].as_str().unwrap();
    assert!(detail.contains("1 connection per second"), "{detail}");
    // Another Discord server does not wait for it.
    let theirs = Prober {
        running: &running,
        read: other,
    };
    let clock = stopwatch();
    assert_eq!(value(&theirs.page(&query), "probe_success"), 1.0);
    assert!(
        clock.elapsed() < Duration::from_millis(900),
        "{:?}",
        clock.elapsed()
    );
}

#[test]
fn a_probe_counts_the_ports_of_endpoints_and_of_other_probes() {
    let rollcall = Rollcall::new()
        .with("PROBE_ALLOW", "")
        .with("PROBE_INTERVAL", "1h");
    let (read, admin) = (key(&rollcall, "read", "42"), key(&rollcall, "admin", "42"));
    let running = rollcall.run();
    // An endpoint of the Discord server counts as a port, and its own probes are always admitted.
    let body = r#"{"target":"tcp://127.0.0.1:1"}"#;
    assert_eq!(
        running
            .call("POST", "/api/v1/endpoints", &admin, body)
            .status,
        201
    );
    let prober = Prober {
        running: &running,
        read,
    };
    let port = |port: u16| {
        let query = format!("module=tcp_connect&target=127.0.0.1:{port}");
        prober.answer(&query, &[])
    };
    for number in 2..=20 {
        // Admitted, and then refused by the address policy.
        assert_eq!(port(number).status, 403, "{number}");
    }
    let refused = port(21);
    assert_eq!(refused.status, 429, "{refused:?}");
    let detail = refused.json["detail"].as_str().unwrap();
    assert!(detail.contains("20 ports of this host"), "{detail}");
    assert_eq!([port(1).status, port(20).status], [403, 403]);
}
