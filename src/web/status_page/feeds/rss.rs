//! The feed as RSS 2.0.

use askama::Template;
use chrono::DateTime;

use super::entry::{FeedEntry, entries};
use crate::domain::Timestamp;
use crate::web::status_page::public_text::title;
use crate::web::status_page::snapshot::PageSnapshot;
use crate::web::status_page::texts;

/// The type of the document, as `Content-Type`.
pub const CONTENT_TYPE: &str = "application/rss+xml; charset=utf-8";

#[derive(Template)]
#[template(path = "feed.rss.xml", config = "src/web/askama.toml")]
struct RssView<'a> {
    title: String,
    description: String,
    url: &'a str,
    /// When the latest entry changed; the feed is the same until then.
    changed: Option<String>,
    entries: Vec<FeedEntry>,
}

impl RssView<'_> {
    fn date(&self, at: Timestamp) -> String {
        date(at)
    }
}

/// Incidents, maintenance and announcements, at most 50.
pub fn feed(snapshot: &PageSnapshot) -> String {
    let entries = entries(snapshot);
    let name = title(&snapshot.page.title);
    let view = RssView {
        title: texts::feed(&name),
        description: texts::feed_description(&name),
        url: &snapshot.page.base_url,
        changed: entries.first().map(|entry| date(entry.updated_at)),
        entries,
    };
    // Writing to a string does not fail, and no value of the view does.
    view.render().unwrap_or_default()
}

/// As RFC 822 writes a date, with a year of four digits.
fn date(at: Timestamp) -> String {
    let time = DateTime::from_timestamp(at.seconds(), 0).unwrap_or_default();
    time.to_rfc2822()
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::*;
    use crate::web::status_page::testing;

    fn text_of(node: Node<'_, '_>, name: &str) -> String {
        let child = node.children().find(|one| one.has_tag_name(name));
        child
            .and_then(|one| one.text())
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn a_feed_is_rendered() {
        insta::assert_snapshot!("rss", feed(&testing::full_page()));
    }

    #[test]
    fn a_feed_has_what_rss_requires() {
        let feed = feed(&testing::full_page());
        let tree = Document::parse(&feed).unwrap();
        let root = tree.root_element();
        assert_eq!(root.attribute("version"), Some("2.0"));
        let channel = root.first_element_child().unwrap();
        for name in ["title", "link", "description"] {
            assert!(!text_of(channel, name).is_empty(), "{name}");
        }
        let items = channel.children().filter(|one| one.has_tag_name("item"));
        let items: Vec<Node<'_, '_>> = items.collect();
        assert_eq!(items.len(), 6);
        let mut ids: Vec<String> = items.iter().map(|one| text_of(*one, "guid")).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), items.len());
        let dates = items.iter().map(|one| text_of(*one, "pubDate"));
        for date in dates {
            DateTime::parse_from_rfc2822(&date).unwrap();
        }
        assert_eq!(text_of(items[0], "title"), "Payments fail");
        let content = text_of(items[0], "description");
        let content = format!("<div>{content}</div>");
        let content = Document::parse(&content).unwrap();
        assert!(content.descendants().any(|one| one.has_tag_name("em")));
    }

    #[test]
    fn hostile_texts_are_text_and_the_number_of_entries_is_limited() {
        let mut snapshot = testing::full_page();
        let hostile = "]]></item><script>\u{0}\u{fffe}&nbsp;&#xfffe;&#x1b;";
        snapshot.page.title = hostile.to_owned();
        snapshot.incidents[0].title = Some(hostile.to_owned());
        snapshot.incidents[0].notes[0].body = hostile.repeat(500);
        let one = snapshot.incidents[0].clone();
        snapshot.incidents = (0..60)
            .map(|id| crate::web::status_page::snapshot::PublicIncident { id, ..one.clone() })
            .collect();
        let feed = feed(&snapshot);
        let tree = Document::parse(&feed).unwrap();
        let items = tree.descendants().filter(|one| one.has_tag_name("item"));
        assert_eq!(items.count(), 50);
        assert!(!tree.descendants().any(|one| one.has_tag_name("script")));
    }

    #[test]
    fn a_page_without_entries_has_a_feed() {
        let feed = feed(&testing::page_with(Vec::new()));
        let tree = Document::parse(&feed).unwrap();
        assert!(!tree.descendants().any(|one| one.has_tag_name("item")));
    }
}
