//! Pages for people, rendered on the server: nothing in them needs a script, a cookie or a request to somewhere else.

pub mod status_page;

use axum::Router;

use status_page::live::cache::PageCache;

/// The routes of all pages; without a cache, none.
pub fn routes(pages: Option<PageCache>) -> Router {
    match pages {
        Some(pages) => status_page::live::routes::routes(pages),
        None => Router::new(),
    }
}
