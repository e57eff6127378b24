//! Pages as a browser reads them: what they show, what they may not contain, and how large they are.

use std::collections::HashSet;
use std::io::Write;

use roxmltree::{Document, Node, ParsingOptions};

use super::*;
use crate::web::status_page::snapshot::{NotePhase, PublicIncident, PublicItem, PublicStatus};
use crate::web::status_page::testing;

/// Pages are written so that parsers of XML can read them, too.
fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(page, options).unwrap_or_else(|why| panic!("{why}: {page}"))
}

/// Every page that a snapshot makes.
fn pages(snapshot: &PageSnapshot) -> Vec<String> {
    let ids = snapshot.incidents.iter().map(|one| one.id);
    let incidents = ids.filter_map(|id| incident(snapshot, id));
    let refusals = [
        None,
        Some(PasswordRefusal::Wrong),
        Some(PasswordRefusal::TooMany),
    ];
    [page(snapshot), embed(snapshot), not_found("")]
        .into_iter()
        .chain(incidents)
        .chain(refusals.map(|refusal| password(&snapshot.page, refusal)))
        .collect()
}

/// What the policy of a page forbids, what would ask another host, or what a reader could not use.
fn check(page: &str) {
    let tree = parsed(page);
    let mut ids = HashSet::new();
    for node in tree.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let foreign = [
            "script", "style", "img", "iframe", "object", "embed", "base", "image",
        ];
        assert!(!foreign.contains(&name), "{name}");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(
                name != "style" && name != "src" && !name.starts_with("on"),
                "{name}"
            );
            let is_inside = value.starts_with('/') && !value.starts_with("//");
            let is_link = value.starts_with("https://") || value.starts_with("http://");
            match (node.tag_name().name(), name) {
                ("a", "href") => assert!(is_inside || is_link || value == "#status", "{value}"),
                ("use", "href") => assert!(value.starts_with("#i-"), "{value}"),
                (_, "href" | "action") => assert!(is_inside, "{value}"),
                _ => {}
            }
        }
        if let Some(id) = node.attribute("id") {
            assert!(ids.insert(id.to_owned()), "{id} occurs twice");
        }
        if name == "tr" {
            let columns = |row: Node<'_, '_>| row.children().filter(Node::is_element).count();
            let table = node.ancestors().find(|one| one.has_tag_name("table"));
            let mut rows = table.unwrap().descendants();
            let head = rows.find(|one| one.has_tag_name("tr")).unwrap();
            assert_eq!(columns(node), columns(head));
        }
    }
    for used in tree.descendants().filter(|one| one.has_tag_name("use")) {
        let id = used.attribute("href").unwrap().trim_start_matches('#');
        assert!(ids.contains(id), "{id}");
    }
    let html = tree.root_element();
    assert_eq!(html.attribute("lang"), Some("en"));
    for name in ["main", "head", "h1"] {
        let found = tree
            .descendants()
            .filter(|one| one.has_tag_name(name))
            .count();
        assert!(
            found == 1 || name == "h1" && page.contains("embed"),
            "{found} {name}"
        );
    }
    let robots = |one: &Node<'_, '_>| one.attribute("name") == Some("robots");
    let robots = tree.descendants().find(robots).unwrap();
    assert_eq!(robots.attribute("content"), Some("noindex"));
}

/// The texts of a page, one per line.
fn texts_of(page: &str) -> String {
    let tree = parsed(page);
    let texts = tree.descendants().filter(Node::is_text);
    let texts = texts.filter_map(|node| node.text()).map(str::trim);
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    texts.join("\n")
}

fn zipped(text: &str) -> usize {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().len()
}

#[test]
fn pages_are_rendered() {
    let snapshot = testing::full_page();
    // The name of the stylesheet changes with every rule in it.
    let stable = |page: String| page.replace(&STYLESHEET.path, "/assets/status-page.css");
    insta::assert_snapshot!("page", stable(page(&snapshot)));
    insta::assert_snapshot!("incident", stable(incident(&snapshot, 40).unwrap()));
    insta::assert_snapshot!("embed", stable(embed(&snapshot)));
    insta::assert_snapshot!("not_found", stable(not_found("")));
    let refused = password(&snapshot.page, Some(PasswordRefusal::Wrong));
    insta::assert_snapshot!("password", stable(refused));
    assert_eq!(incident(&snapshot, 41), None);
}

#[test]
fn no_page_runs_anything_or_asks_another_host() {
    let mut latency = testing::full_page();
    latency.groups[0].items[0].latency = Some(testing::latency(120));
    for snapshot in [
        testing::full_page(),
        latency,
        testing::page_with(Vec::new()),
        testing::page_with(testing::varied_items(5)),
    ] {
        for page in pages(&snapshot) {
            check(&page);
        }
    }
}

/// What people can type, at its worst.
const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><svg onload=alert(1)>",
    "' style='x' onclick='y",
    "]]><!-- --><![CDATA[",
    "\u{202e}gpj\u{2066}\u{200b}\u{0}\u{1b}[31m\u{fffe}",
    "{{ frame.title }} {% raw %} &amp; &#0; &nbsp;",
    "[x](javascript:alert(1)) ![i](https://example.net/i.png) <img src=x onerror=y>",
    "&#x202e;gpj&#x1b;[31m&#xfffe;&#x200b;&zwj; <https://example.org/&#x202e;>",
    "| a | b |\n|---|---|\n# h\n```\n<x>",
];

fn hostile_page(text: &str) -> PageSnapshot {
    let mut snapshot = testing::full_page();
    snapshot.page.title = text.to_owned();
    snapshot.page.about = text.to_owned();
    snapshot.announcements[0].title = text.to_owned();
    snapshot.announcements[0].body = text.to_owned();
    for group in &mut snapshot.groups {
        group.name = Some(text.to_owned());
        group
            .items
            .iter_mut()
            .for_each(|item| item.name = text.to_owned());
    }
    for incident in &mut snapshot.incidents {
        incident.title = incident.title.as_ref().map(|_| text.to_owned());
        incident.items.fill(text.to_owned());
        incident
            .notes
            .iter_mut()
            .for_each(|note| note.body = text.to_owned());
    }
    for maintenance in &mut snapshot.maintenance {
        maintenance.title = text.to_owned();
        maintenance.body = text.to_owned();
        maintenance.items.fill(text.to_owned());
    }
    snapshot
}

#[test]
fn hostile_names_and_notes_are_text() {
    for text in HOSTILE {
        for text in [text.to_owned(), text.repeat(10_000 / text.len() + 1)] {
            for page in pages(&hostile_page(&text)) {
                check(&page);
                let unseen = |one: char| one != '\n' && text::is_unseen(one);
                assert!(!page.contains(unseen), "{page}");
            }
        }
    }
    let page = page(&hostile_page(HOSTILE[0]));
    assert!(texts_of(&page).contains("<script>alert(1)</script>"));
}

#[test]
fn a_page_of_100_items_is_small() {
    let mut snapshot = testing::page_with(testing::varied_items(100));
    let size = |snapshot: &PageSnapshot| zipped(&page(snapshot)) + zipped(STYLESHEET.body);
    let found = size(&snapshot);
    assert!(found <= 15_000, "{found} bytes");
    // With latency, and every item offline.
    for item in &mut snapshot.groups[0].items {
        item.latency = Some(testing::latency(120));
        item.status = PublicStatus::Offline;
    }
    let found = size(&snapshot);
    assert!(found <= 15_000, "{found} bytes");
}

#[test]
fn the_longest_texts_bound_a_page() {
    let mut snapshot = hostile_page(&"Ω > ".repeat(2_500));
    let items = std::mem::take(&mut snapshot.groups[0].items);
    snapshot.groups[0].items = items.iter().cycle().take(100).cloned().collect();
    let page = page(&snapshot);
    assert!(page.len() < 400_000, "{} bytes", page.len());
}

#[test]
fn an_open_incident_stands_above_the_items_with_its_notes() {
    let page = page(&testing::full_page());
    let texts = texts_of(&page);
    let at = |text: &str| {
        texts
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {texts}"))
    };
    assert!(at("Payments fail") < at("Maintenance in progress"));
    assert!(
        at("Identified") < at("Investigating"),
        "the latest note is first"
    );
    assert!(at("Maintenance in progress") < at("Customers"));
    assert!(at("Internal services") < at("Planned maintenance"));
    assert!(at("Planned maintenance") < at("Incident history"));
    assert!(at("December 2026") < at("Website 1 and API 4: outage"));
    assert!(at("October 2026") < at("September 2026"));
    assert!(at("September 2026") < at("Payments 2: outage"));
    assert!(texts.contains("Removed 2026-11-20"));
    assert!(texts.contains("Offline for 40 min"));
}

#[test]
fn an_incident_from_before_the_strips_has_its_month() {
    let mut snapshot = testing::page_with(Vec::new());
    snapshot.incidents = vec![PublicIncident {
        id: 1,
        title: Some("Old".to_owned()),
        began_at: testing::at("2026-05-01T00:00:00Z"),
        resolved_at: Some(testing::at("2026-10-01T00:00:00Z")),
        items: vec!["Website".to_owned()],
        notes: vec![testing::note(
            "2026-10-01T00:00:00Z",
            NotePhase::Resolved,
            "",
        )],
    }];
    let texts = texts_of(&page(&snapshot));
    let months: Vec<&str> = texts
        .lines()
        .filter(|line| line.ends_with(" 2026"))
        .collect();
    assert_eq!(
        months,
        [
            "December 2026",
            "November 2026",
            "October 2026",
            "September 2026",
            "May 2026"
        ]
    );
}

#[test]
fn times_are_those_of_the_zone_of_the_page() {
    let mut snapshot = testing::full_page();
    snapshot.page.zone = "Europe/Berlin".parse().unwrap();
    let texts = texts_of(&page(&snapshot));
    for shown in [
        "2026-12-01 13:00",
        "2026-12-05 03:00",
        "05:30",
        "Times are in Europe/Berlin.",
    ] {
        assert!(texts.contains(shown), "{shown}: {texts}");
    }
}

#[test]
fn a_page_with_a_password_offers_no_feeds_and_no_preview() {
    let mut snapshot = testing::full_page();
    assert!(page(&snapshot).contains("og:image") && page(&snapshot).contains("feed.rss"));
    snapshot.page.is_password_protected = true;
    for page in pages(&snapshot) {
        assert!(!page.contains("og:") && !page.contains("feed"), "{page}");
    }
    let question = password(&snapshot.page, None);
    assert!(!question.contains("Example Shop"), "{question}");
}

#[test]
fn previews_have_the_colors_of_the_stylesheet() {
    for class in ["online", "warning", "offline", "maintenance", "unknown"] {
        let rule = format!("--{class}: {};", theme_color(class));
        assert!(STYLESHEET.body.contains(&rule), "{rule}");
    }
}

#[test]
fn a_page_on_its_own_host_links_from_the_root() {
    let mut snapshot = testing::full_page();
    snapshot.page.base_url = "https://status.example.org".to_owned();
    snapshot.page.base_path = String::new();
    let page = incident(&snapshot, 40).unwrap();
    assert!(page.contains(r#"href="/feed.rss""#), "{page}");
    assert!(page.contains(r#"<a href="/">"#), "{page}");
    check(&page);
}

#[test]
fn a_strip_with_more_or_fewer_days_than_the_page_is_shown() {
    let mut snapshot = testing::page_with(testing::varied_items(3));
    let items: &mut [PublicItem] = &mut snapshot.groups[0].items;
    items[0].days.truncate(3);
    items[1].days.clear();
    let days = items[2].days.clone();
    items[2].days.extend(days);
    check(&page(&snapshot));
    snapshot.days.clear();
    check(&page(&snapshot));
}
