//! A snapshot with the documents that are made of it, each when it is first asked for.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinError;

use super::encoded::EncodedDocument;
use crate::domain::history::chart::scene::Theme;
use crate::notify::picture::png::png;
use crate::web::status_page::feeds::{calendar, json_feed, rss, statuspage_summary, summary};
use crate::web::status_page::snapshot::PageSnapshot;
use crate::web::status_page::{badge, html, picture, policy};

/// A document of a page that has one form only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageDocument {
    Page,
    Embed,
    Icon,
    Rss,
    JsonFeed,
    Calendar,
    Summary,
    /// In the shape that programs read from other status pages.
    StatuspageSummary,
    /// For previews of links.
    Picture,
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

impl PageDocument {
    /// Takes up to some 20 ms.
    fn render(self, snapshot: &PageSnapshot) -> EncodedDocument {
        let (kind, policy, body) = match self {
            Self::Picture => return preview(snapshot),
            Self::Page => (HTML, policy::PAGE, html::page(snapshot)),
            Self::Embed => (HTML, policy::EMBED, html::embed(snapshot)),
            Self::Icon => (badge::CONTENT_TYPE, policy::IMAGE, badge::icon(snapshot)),
            Self::Rss => (rss::CONTENT_TYPE, policy::IMAGE, rss::feed(snapshot)),
            Self::JsonFeed => (
                json_feed::CONTENT_TYPE,
                policy::IMAGE,
                json_feed::feed(snapshot),
            ),
            Self::Calendar => (
                calendar::CONTENT_TYPE,
                policy::IMAGE,
                calendar::calendar(snapshot),
            ),
            Self::Summary => (JSON, policy::IMAGE, summary::summary(snapshot)),
            Self::StatuspageSummary => (JSON, policy::IMAGE, statuspage_summary::summary(snapshot)),
        };
        EncodedDocument::new(kind, policy, body.into_bytes())
    }
}

/// A picture without a byte stands for one that cannot be written.
fn preview(snapshot: &PageSnapshot) -> EncodedDocument {
    let written = png(&picture::scene(snapshot), Theme::Light);
    let bytes = written.map(|picture| picture.bytes).unwrap_or_default();
    EncodedDocument::new("image/png", policy::IMAGE, bytes)
}

/// A snapshot with its documents.
#[derive(Debug)]
pub struct RenderedPage {
    snapshot: Arc<PageSnapshot>,
    documents: Mutex<HashMap<PageDocument, Arc<EncodedDocument>>>,
}

impl RenderedPage {
    pub fn of(snapshot: PageSnapshot) -> Self {
        Self {
            snapshot: Arc::new(snapshot),
            documents: Mutex::default(),
        }
    }

    pub fn snapshot(&self) -> &PageSnapshot {
        &self.snapshot
    }

    /// How many items it has.
    pub fn items(&self) -> usize {
        self.snapshot.items().count()
    }

    /// A document, rendered and compressed once, on a thread for such work.
    ///
    /// # Errors
    /// If the renderer panicked.
    pub async fn document(&self, wanted: PageDocument) -> Result<Arc<EncodedDocument>, JoinError> {
        // Other readers wait here for the same document.
        let mut documents = self.documents.lock().await;
        if let Some(document) = documents.get(&wanted) {
            return Ok(Arc::clone(document));
        }
        let snapshot = Arc::clone(&self.snapshot);
        let document = tokio::task::spawn_blocking(move || wanted.render(&snapshot)).await?;
        let document = Arc::new(document);
        documents.insert(wanted, Arc::clone(&document));
        Ok(document)
    }
}
