//! Badges as an independent parser reads them.

use std::time::Duration;

use roxmltree::{Document, Node};

use super::*;
use crate::web::status_page::testing;

fn request(show: BadgeShow) -> BadgeRequest {
    BadgeRequest {
        show,
        ..BadgeRequest::default()
    }
}

fn shop() -> PublicItem {
    let mut item = testing::item("Shop", PublicStatus::Online);
    item.latency = Some(testing::latency(120));
    item.days[40].offline = Duration::from_secs(1_200);
    item
}

/// The texts of a badge that are drawn, in their order, and its name.
fn texts_of(badge: &str) -> (Vec<String>, String) {
    let tree = Document::parse(badge).unwrap_or_else(|why| panic!("{why}: {badge}"));
    let texts = tree.descendants().filter(|one| one.has_tag_name("text"));
    let texts = texts.map(|one| one.text().unwrap_or_default().to_owned());
    let name = tree.root_element().attribute("aria-label").unwrap();
    (texts.collect(), name.to_owned())
}

#[test]
fn badges_are_rendered_in_every_style() {
    let mut all = String::new();
    for style in BadgeStyle::ALL {
        let badge = BadgeRequest {
            style: *style,
            ..request(BadgeShow::Uptime)
        };
        all.push_str(&item(&shop(), &badge));
    }
    insta::assert_snapshot!("badges", all);
}

#[test]
fn a_badge_shows_status_uptime_or_latency_of_a_range() {
    let of = |show, range| {
        let badge = BadgeRequest {
            range,
            ..request(show)
        };
        texts_of(&item(&shop(), &badge)).1
    };
    assert_eq!(of(BadgeShow::Status, BadgeRange::Day), "Shop: online");
    assert_eq!(of(BadgeShow::Uptime, BadgeRange::Day), "uptime 24h: 100 %");
    assert_eq!(
        of(BadgeShow::Uptime, BadgeRange::Month),
        "uptime 30d: 100 %"
    );
    assert_eq!(
        of(BadgeShow::Uptime, BadgeRange::Quarter),
        "uptime 90d: 99.98 %"
    );
    assert_eq!(of(BadgeShow::P95, BadgeRange::Week), "p95 7d: 130 ms");
    assert_eq!(of(BadgeShow::P95, BadgeRange::Quarter), "p95 90d: no data");
    let new = PublicItem {
        days: Vec::new(),
        latency: None,
        ..shop()
    };
    for show in [BadgeShow::Uptime, BadgeShow::P95] {
        let (texts, _) = texts_of(&item(&new, &request(show)));
        assert_eq!(texts[1], "no data");
    }
}

#[test]
fn the_badge_of_a_page_shows_its_banner() {
    use PublicStatus::{Offline, Online, Paused, Unknown};
    for (statuses, shown) in [
        (&[Online, Online][..], "status: all online"),
        (&[Online, Offline, Paused], "status: 1 of 2 offline"),
        (&[Unknown], "status: no data"),
        (&[], "status: no data"),
    ] {
        let badge = page(&testing::page_of(statuses), &BadgeRequest::default());
        assert_eq!(texts_of(&badge).1, shown);
    }
}

#[test]
fn labels_of_people_are_text_of_at_most_40_characters() {
    let label = |label: &str| {
        let badge = BadgeRequest {
            label: Some(label.to_owned()),
            ..BadgeRequest::default()
        };
        texts_of(&item(&shop(), &badge)).0
    };
    assert_eq!(label("my <b> & \"shop\""), ["my <b> & \"shop\"", "online"]);
    assert_eq!(label(""), ["online"]);
    assert_eq!(label(" \u{202e}\u{0} "), ["online"]);
    assert_eq!(label(&"x".repeat(40))[0], "x".repeat(40));
    assert_eq!(label(&"x".repeat(41))[0], format!("{}…", "x".repeat(39)));
    assert_eq!(label(&"<script>".repeat(2_000))[0].chars().count(), 40);
    for style in BadgeStyle::ALL {
        for text in ["店舗の状態", "🦀", "Ωμέγα", "ẞß"] {
            let badge = BadgeRequest {
                label: Some(text.to_owned()),
                style: *style,
                ..BadgeRequest::default()
            };
            texts_of(&item(&shop(), &badge));
        }
    }
}

#[test]
fn texts_are_within_their_boxes_and_the_boxes_within_the_badge() {
    for style in BadgeStyle::ALL {
        for label in ["", "i", "wide WWW", &"W".repeat(40), &"店".repeat(40)] {
            let badge = BadgeRequest {
                style: *style,
                label: Some(label.to_owned()),
                ..BadgeRequest::default()
            };
            let badge = item(&shop(), &badge);
            let tree = Document::parse(&badge).unwrap();
            let number = |node: Node<'_, '_>, name: &str| -> f64 {
                node.attribute(name)
                    .map_or(0.0, |text| text.parse().unwrap())
            };
            let whole = number(tree.root_element(), "width");
            let mut last = 0.0;
            for text in tree.descendants().filter(|one| one.has_tag_name("text")) {
                let half = number(text, "textLength") / 2.0;
                let middle = number(text, "x");
                assert!(middle - half >= last + 5.0, "{badge}");
                last = middle + half;
            }
            assert!(last + 5.0 <= whole, "{badge}");
        }
    }
}

#[test]
fn a_badge_has_no_script_and_asks_nobody() {
    let badge = BadgeRequest {
        label: Some("\"><script>alert(1)</script><image href='https://example.net'/>".to_owned()),
        style: BadgeStyle::Plastic,
        ..BadgeRequest::default()
    };
    let snapshot = testing::page_of(&[PublicStatus::Offline]);
    for svg in [
        item(&shop(), &badge),
        page(&snapshot, &badge),
        icon(&snapshot),
    ] {
        let tree = Document::parse(&svg).unwrap();
        for node in tree.descendants().filter(Node::is_element) {
            let name = node.tag_name().name();
            assert!(
                !["script", "image", "use", "a", "style"].contains(&name),
                "{name}"
            );
            assert!(node.attributes().all(|one| !one.name().contains("href")));
        }
    }
}

#[test]
fn options_are_read_by_their_names() {
    assert_eq!("for-the-badge".parse(), Ok(BadgeStyle::ForTheBadge));
    assert_eq!("p95".parse(), Ok(BadgeShow::P95));
    assert_eq!("24h".parse(), Ok(BadgeRange::Day));
    assert_eq!("Flat".parse::<BadgeStyle>(), Err(UnknownBadgeOption));
    assert_eq!("".parse::<BadgeRange>(), Err(UnknownBadgeOption));
    let names = BadgeShow::ALL.iter().map(|one| one.as_str());
    assert!(names.eq(["status", "uptime", "p95"]));
}

#[test]
fn white_text_has_enough_contrast() {
    let channel = |value: &str| {
        let value = f64::from(u8::from_str_radix(value, 16).unwrap()) / 255.0;
        match value <= 0.040_45 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    };
    for color in [
        BadgeColor::Green,
        BadgeColor::Amber,
        BadgeColor::Red,
        BadgeColor::Purple,
        BadgeColor::Gray,
        BadgeColor::Blue,
    ] {
        let hex = color.hex();
        let luminance = 0.2126 * channel(&hex[1..3])
            + 0.7152 * channel(&hex[3..5])
            + 0.0722 * channel(&hex[5..7]);
        let contrast = 1.05 / (luminance + 0.05);
        assert!(contrast >= 4.5, "{color:?} {contrast:.2}");
    }
}
