//! What every request gets, whatever it asks for: a page for people, refusals that say which limit was hit, and an end of
//! the connection where a body was refused.

use crate::devices::http_devices_servers::{key, text};
use crate::harness::{Answer, Rollcall, Running};

/// Calls until the rate limit refuses, and returns that refusal.
fn refused(call: impl Fn() -> Answer) -> Answer {
    let answers = std::iter::repeat_with(call).take(40);
    let mut limited = answers.filter(|answer| answer.status == 429);
    limited.next().unwrap()
}

#[test]
fn a_refusal_names_the_limit_that_was_hit() {
    let rollcall = Rollcall::new();
    let [fleet, read, ping] = ["fleet", "read", "ping"].map(|kind| key(&rollcall, kind, "42"));
    let added = rollcall.done(&["server", "add", "db", "--json"]).json();
    let server = text(&added["key"]);
    let running = rollcall.run();
    let device = "/api/v1/device/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f/heartbeat";
    let slug = format!("/ping/{ping}/nothing");
    let status = format!("/api/v1/servers/{}/status", added["id"]);
    for (method, path, key, limit) in [
        (
            "POST",
            device,
            fleet.as_str(),
            "this device may send 1 request per second, and 10 in a burst",
        ),
        (
            "POST",
            "/api/v1/server-stats",
            &server,
            "this server may send 1 report per second",
        ),
        (
            "GET",
            "/api/v1/devices",
            &read,
            "this API key may be used for 1 request per second",
        ),
        (
            "GET",
            &status,
            &server,
            "this API key may be used for 1 request per second",
        ),
        (
            "GET",
            &slug,
            "",
            "this ping key may send 10 pings per minute whose slug names no single device",
        ),
        (
            "GET",
            "/api/v1/devices",
            "rc_nonsense",
            "this address may send 10 requests per minute without a valid key",
        ),
    ] {
        let answer = refused(|| running.call(method, path, key, ""));
        let detail = text(&answer.json["detail"]);
        assert!(detail.contains(limit), "{path}: {detail}");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(
            detail.ends_with(&format!("Try again in {seconds} s")),
            "{detail}"
        );
        assert!((1..=6).contains(&seconds), "{seconds}");
    }
}

/// Sends a request without asking for the end of the connection, and reads the head of the response.
fn head_of(running: &Running<'_>, request: &[u8]) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(running.address()).unwrap();
    stream.write_all(request).unwrap();
    let (mut seen, mut buffer) = (Vec::new(), [0; 1024]);
    while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
fn a_refused_body_ends_the_connection_and_a_good_one_does_not() {
    let rollcall = Rollcall::new();
    let [fleet, admin] = ["fleet", "admin"].map(|kind| key(&rollcall, kind, "42"));
    let running = rollcall.run();
    for (key, body, status, is_closed) in [
        (&fleet, "{}".to_owned(), 201, false),
        (&fleet, r#"{"color":1}"#.to_owned(), 422, false),
        (&fleet, "x".repeat(70_000), 413, true),
        (&admin, "{}".to_owned(), 201, false),
        (&"nonsense".to_owned(), "{}".to_owned(), 401, true),
    ] {
        let request = format!(
            "POST /api/v1/device/register HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let head = head_of(&running, request.as_bytes());
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
        assert_eq!(head.contains("connection: close"), is_closed, "{head}");
    }
}

#[test]
fn the_front_page_is_small_and_shows_nothing_of_a_guild() {
    let rollcall = Rollcall::new();
    rollcall.done(&["server", "add", "canary"]);
    let running = rollcall.run();
    let page = running.call("GET", "/", "", "");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    for part in [
        "<h1>Rollcall</h1>",
        "/api/openapi.json",
        "/readyz",
        "<td>off",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(page.text.len() < 2_000 && !page.text.contains("canary"));
    let head = running.call("HEAD", "/", "", "");
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    for path in ["/healthz", "/readyz", "/metrics", "/api/openapi.json"] {
        let (get, head) = (
            running.call("GET", path, "", ""),
            running.call("HEAD", path, "", ""),
        );
        assert_eq!(
            (get.status, head.status, head.text.as_str()),
            (200, 200, ""),
            "{path}"
        );
        assert_eq!(
            get.header("content-type"),
            head.header("content-type"),
            "{path}"
        );
    }
}
