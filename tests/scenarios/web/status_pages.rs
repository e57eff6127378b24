//! Status pages: what anybody sees of monitors, and what nobody sees.

use crate::harness::{Answer, Rollcall, Running, Web, wait_for};

/// Every document of a page with an item `web-shop`, below its address.
const DOCUMENTS: [&str; 11] = [
    "",
    "/embed",
    "/icon.svg",
    "/feed.rss",
    "/feed.json",
    "/calendar.ics",
    "/summary.json",
    "/api/v2/summary.json",
    "/badge.svg",
    "/badge/web-shop.svg",
    "/badge/web-shop.svg?show=uptime&range=7d",
];

/// A request without a key.
fn get(running: &Running<'_>, path: &str) -> Answer {
    running.call("GET", path, "", "")
}

#[test]
fn a_page_shows_public_names_and_no_addresses() {
    let rollcall = Rollcall::new();
    let mut web = Web::up();
    rollcall.done(&["endpoint", "add", &web.target(), "--name", "secret-name"]);
    rollcall.done(&["statuspage", "create", "acme", "--title", "Acme <Corp>"]);
    let add = [
        "statuspage",
        "add",
        "acme",
        "secret-name",
        "--as",
        "Web & shop",
    ];
    let added = rollcall.done(&add);
    assert_eq!(
        added.out.trim(),
        "Added Web & shop (web-shop) to /status/acme"
    );
    let running = rollcall.run();
    let summary = |status: &str| {
        wait_for("the status on the page", || {
            let summary = get(&running, "/status/acme/summary.json").json;
            let item = &summary["groups"][0]["items"][0];
            (item["status"] == status).then(|| item.clone())
        })
    };
    assert_eq!(summary("online")["name"], "Web & shop");
    web.goes_down();
    summary("offline");
    let port = web.address().port().to_string();
    for path in DOCUMENTS {
        let answer = get(&running, &format!("/status/acme{path}"));
        assert_eq!(answer.status, 200, "{path}");
        for private in ["secret-name", "127.0.0.1:", &port] {
            let shown = answer.text.replace(&running.address().to_string(), "");
            assert!(!shown.contains(private), "{private} in {path}: {shown}");
        }
    }
    let page = get(&running, "/status/acme").text;
    assert!(page.contains("Acme &#60;Corp&#62;"), "{page}");
    assert!(page.contains("Web &#38; shop"), "{page}");
    assert!(!page.contains("<script"), "{page}");
    let stylesheet = page
        .split("href=\"")
        .find(|part| part.contains(".css"))
        .unwrap();
    let stylesheet = get(&running, stylesheet.split('"').next().unwrap());
    assert_eq!(stylesheet.status, 200);
    assert!(
        stylesheet
            .header("cache-control")
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(running.stop().0, 0);
}

#[test]
fn unknown_pages_and_parts_get_the_same_response() {
    let rollcall = Rollcall::new();
    rollcall.create_database();
    rollcall.done(&["statuspage", "create", "acme", "--title", "Acme"]);
    let running = rollcall.run();
    let answers: Vec<Answer> = [
        "/status/other",
        "/status/Acme",
        "/status/acme/nothing",
        "/status/acme/incidents/1",
        "/status/acme/incidents/x",
        "/status/acme/badge/shop.svg",
        "/status/other/badge.svg",
        "/status/other/feed.rss",
    ]
    .iter()
    .map(|path| get(&running, path))
    .collect();
    for answer in &answers {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.text, answers[0].text);
        assert_eq!(answer.header("cache-control").unwrap(), "no-store");
    }
    let refused = get(&running, "/status/acme/badge.svg?style=neon");
    assert_eq!(
        (refused.status, refused.text.trim()),
        (400, "style: use flat, plastic or for-the-badge")
    );
    let empty = get(&running, "/status/acme");
    assert!(
        empty.text.contains("This page has no items yet."),
        "{}",
        empty.text
    );
    assert_eq!(running.stop().0, 0);
}

#[test]
fn a_page_is_not_sent_again_while_it_is_the_same() {
    let rollcall = Rollcall::new();
    rollcall.create_database();
    rollcall.done(&["statuspage", "create", "acme", "--title", "Acme"]);
    let running = rollcall.run();
    let first = running.call_with("GET", "/status/acme", ("", &[]), "");
    let tag = first.header("etag").unwrap();
    let known = ("", &[("If-None-Match", tag.as_str())][..]);
    let again = running.call_with("GET", "/status/acme", known, "");
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(running.stop().0, 0);
}

#[test]
fn pages_are_off_where_their_address_is_not_known() {
    let rollcall = Rollcall::new().with("HTTP_BIND", "0.0.0.0:0");
    rollcall.create_database();
    rollcall.done(&["statuspage", "create", "acme", "--title", "Acme"]);
    let running = rollcall.run();
    assert_eq!(get(&running, "/status/acme").status, 404);
    let is_warning = |line: &&str| line.contains("status pages are off");
    assert_eq!(rollcall.log().lines().filter(is_warning).count(), 1);
    assert_eq!(running.stop().0, 0);
    let rollcall = rollcall.with("PUBLIC_URL", "https://example.org/rollcall");
    let running = rollcall.run();
    let page = get(&running, "/status/acme").text;
    for link in [
        "href=\"/rollcall/assets/",
        "href=\"/rollcall/status/acme/feed.rss\"",
        "content=\"https://example.org/rollcall/status/acme/picture.png\"",
    ] {
        assert!(page.contains(link), "{link} is not in {page}");
    }
    assert_eq!(running.stop().0, 0);
}
