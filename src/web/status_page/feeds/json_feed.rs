//! The feed as JSON Feed 1.1.

use serde::Serialize;

use super::entry::{FeedEntry, entries};
use crate::domain::{Timestamp, text};
use crate::web::status_page::public_text::title;
use crate::web::status_page::snapshot::PageSnapshot;
use crate::web::status_page::texts;

/// The type of the document, as `Content-Type`.
pub const CONTENT_TYPE: &str = "application/feed+json; charset=utf-8";

#[derive(Serialize)]
struct JsonFeedView<'a> {
    version: &'static str,
    title: String,
    description: String,
    home_page_url: &'a str,
    feed_url: String,
    language: &'static str,
    items: Vec<JsonFeedItem>,
}

#[derive(Serialize)]
struct JsonFeedItem {
    id: String,
    url: String,
    title: String,
    content_html: String,
    date_published: String,
    date_modified: String,
}

/// The same entries as RSS.
pub fn feed(snapshot: &PageSnapshot) -> String {
    let name = title(&snapshot.page.title);
    let view = JsonFeedView {
        version: "https://jsonfeed.org/version/1.1",
        title: texts::feed(&name),
        description: texts::feed_description(&name),
        home_page_url: &snapshot.page.base_url,
        feed_url: format!("{}/feed.json", snapshot.page.base_url),
        language: texts::LANGUAGE,
        items: entries(snapshot).into_iter().map(item).collect(),
    };
    // Every key of the view is a text.
    serde_json::to_string(&view).unwrap_or_default()
}

fn item(entry: FeedEntry) -> JsonFeedItem {
    JsonFeedItem {
        id: entry.id,
        url: entry.url,
        title: entry.title,
        content_html: entry.content,
        date_published: date(entry.published_at),
        date_modified: date(entry.updated_at),
    }
}

/// As RFC 3339 writes a date, without milliseconds.
fn date(at: Timestamp) -> String {
    text::timestamp(Timestamp::from_millis(at.seconds() * 1_000))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::web::status_page::testing;

    #[test]
    fn a_feed_has_what_json_feed_requires() {
        let feed: Value = serde_json::from_str(&feed(&testing::full_page())).unwrap();
        insta::assert_json_snapshot!("json_feed", feed);
        for item in feed["items"].as_array().unwrap() {
            assert!(
                item["id"].is_string() && item["content_html"].is_string(),
                "{item}"
            );
            for date in ["date_published", "date_modified"] {
                let date = item[date].as_str().unwrap();
                assert!(text::parse_timestamp(date).is_some(), "{date}");
            }
        }
    }
}
