//! The addresses of status pages.

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;

use super::cache::{CachedPage, PageCache};
use super::encoded::{EncodedDocument, security};
use super::refusal::PageRefusal;
use super::rendered::{PageDocument, RenderedPage};
use crate::domain::status_pages::slug::PageSlug;
use crate::web::status_page::badge::{self, BadgeRequest};
use crate::web::status_page::stylesheet::STYLESHEET;
use crate::web::status_page::{html, policy};

/// The routes of all status pages.
pub fn routes(pages: PageCache) -> Router {
    let page = Router::new()
        .route("/", document(PageDocument::Page))
        .route("/embed", document(PageDocument::Embed))
        .route("/icon.svg", document(PageDocument::Icon))
        .route("/feed.rss", document(PageDocument::Rss))
        .route("/feed.json", document(PageDocument::JsonFeed))
        .route("/calendar.ics", document(PageDocument::Calendar))
        .route("/summary.json", document(PageDocument::Summary))
        .route(
            "/api/v2/summary.json",
            document(PageDocument::StatuspageSummary),
        )
        .route("/picture.png", document(PageDocument::Picture))
        .route("/badge.svg", get(page_badge))
        .route("/badge/{part}", get(item_badge))
        .route("/incidents/{part}", get(incident))
        .fallback(async |State(pages): State<PageCache>| PageRefusal::Missing.response(&pages));
    Router::new()
        .nest("/status/{slug}", page)
        .route(&STYLESHEET.path, get(stylesheet))
        .with_state(pages)
}

/// The route of a document that has one form only.
fn document(wanted: PageDocument) -> MethodRouter<PageCache> {
    get(
        async move |State(pages): State<PageCache>,
                    Path(slug): Path<String>,
                    headers: HeaderMap| {
            let document = async {
                let page = page(&pages, &slug).await?;
                let rendered = page.document(wanted).await;
                rendered.map_err(|_| PageRefusal::Unavailable)
            };
            match document.await {
                Ok(document) => document.response(&headers),
                Err(refusal) => refusal.response(&pages),
            }
        },
    )
}

/// A part of a page in an address.
#[derive(Debug, Deserialize)]
struct PagePart {
    slug: String,
    part: String,
}

/// The page with this slug. An invalid slug is that of no page.
async fn page(pages: &PageCache, slug: &str) -> Result<Arc<RenderedPage>, PageRefusal> {
    let slug = PageSlug::parse(slug).map_err(|_| PageRefusal::Missing)?;
    match pages.get(&slug).await {
        CachedPage::Page(page) => Ok(page),
        CachedPage::Missing => Err(PageRefusal::Missing),
        CachedPage::Unavailable => Err(PageRefusal::Unavailable),
    }
}

async fn incident(
    State(pages): State<PageCache>,
    Path(path): Path<PagePart>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let page = page(&pages, &path.slug).await?;
        let id = path.part.parse().map_err(|_| PageRefusal::Missing)?;
        html::incident(page.snapshot(), id).ok_or(PageRefusal::Missing)
    };
    match found.await {
        Ok(body) => {
            let kind = "text/html; charset=utf-8";
            EncodedDocument::new(kind, policy::PAGE, body.into_bytes()).response(&headers)
        }
        Err(refusal) => refusal.response(&pages),
    }
}

/// What people may ask of a badge.
#[derive(Debug, Deserialize)]
struct BadgeQuery {
    show: Option<String>,
    range: Option<String>,
    style: Option<String>,
    label: Option<String>,
}

impl BadgeQuery {
    fn request(self) -> Result<BadgeRequest, PageRefusal> {
        Ok(BadgeRequest {
            show: option(self.show, "show", "status, uptime or p95")?,
            range: option(self.range, "range", "24h, 7d, 30d or 90d")?,
            style: option(self.style, "style", "flat, plastic or for-the-badge")?,
            label: self.label,
        })
    }
}

fn option<T: FromStr + Default>(
    text: Option<String>,
    name: &str,
    choices: &str,
) -> Result<T, PageRefusal> {
    let Some(text) = text else {
        return Ok(T::default());
    };
    let refusal = |_| PageRefusal::Invalid(format!("{name}: use {choices}"));
    text.parse().map_err(refusal)
}

/// How a badge was asked for, or the reason why that cannot be read.
type BadgeOptions = Result<Query<BadgeQuery>, QueryRejection>;

async fn page_badge(
    State(pages): State<PageCache>,
    Path(slug): Path<String>,
    options: BadgeOptions,
    headers: HeaderMap,
) -> Response {
    let drawn = async {
        let page = page(&pages, &slug).await?;
        Ok(badge::page(page.snapshot(), &requested(options)?))
    };
    match drawn.await {
        Ok(svg) => image(svg, &headers),
        Err(refusal) => PageRefusal::response(refusal, &pages),
    }
}

async fn item_badge(
    State(pages): State<PageCache>,
    Path(path): Path<PagePart>,
    options: BadgeOptions,
    headers: HeaderMap,
) -> Response {
    let drawn = async {
        let page = page(&pages, &path.slug).await?;
        let key = path.part.strip_suffix(".svg");
        let mut items = page.snapshot().items();
        let item = items.find(|item| Some(item.key.as_str()) == key);
        let item = item.ok_or(PageRefusal::Missing)?;
        Ok(badge::item(item, &requested(options)?))
    };
    match drawn.await {
        Ok(svg) => image(svg, &headers),
        Err(refusal) => PageRefusal::response(refusal, &pages),
    }
}

fn requested(options: BadgeOptions) -> Result<BadgeRequest, PageRefusal> {
    match options {
        Ok(Query(query)) => query.request(),
        Err(_) => Err(PageRefusal::Invalid("each option may be given once".into())),
    }
}

fn image(svg: String, headers: &HeaderMap) -> Response {
    let kind = badge::CONTENT_TYPE;
    EncodedDocument::new(kind, policy::IMAGE, svg.into_bytes()).response(headers)
}

/// Its address changes with its content, so it is kept for a year.
async fn stylesheet() -> Response {
    let mut headers = security(policy::IMAGE);
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, forever);
    let css = HeaderValue::from_static("text/css; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, css);
    (headers, Body::from(STYLESHEET.body)).into_response()
}
