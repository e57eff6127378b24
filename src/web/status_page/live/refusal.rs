//! Why a request gets no document of a page, and what the reader sees instead.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::cache::PageCache;
use super::encoded::security;
use crate::web::status_page::{html, policy, texts};

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageRefusal {
    /// There is no such page, or the page has no such part: the response is the same.
    Missing,
    /// The page cannot be loaded now.
    Unavailable,
    /// What is wrong with the address, for people who write one.
    Invalid(String),
}

impl PageRefusal {
    pub fn response(self, pages: &PageCache) -> Response {
        match self {
            Self::Missing => not_found(pages),
            Self::Unavailable => unavailable(),
            Self::Invalid(sentence) => {
                let body = format!("{sentence}\n");
                (StatusCode::BAD_REQUEST, security(policy::IMAGE), body).into_response()
            }
        }
    }
}

fn not_found(pages: &PageCache) -> Response {
    let mut headers = security(policy::PAGE);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    let body = html::not_found(pages.root_path());
    (StatusCode::NOT_FOUND, headers, body).into_response()
}

fn unavailable() -> Response {
    let mut headers = security(policy::PAGE);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    (StatusCode::SERVICE_UNAVAILABLE, headers, texts::UNAVAILABLE).into_response()
}
