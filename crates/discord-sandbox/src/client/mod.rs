//! The sandbox as a page in the browser, for people who want to use a bot by hand.
//!
//! The page is on loopback only, and only its own page can act: another site's page that a browser has open sends another
//! `Host` or `Origin`, or a content type for which the browser asks first.

mod actions;
mod events;
mod page;
mod pings;
mod refusal;
mod view;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use tokio::net::TcpListener;

use crate::sandbox::Sandbox;
use refusal::Refusal;

/// A client that is being served. It stops with the runtime that it was started on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebClient {
    address: SocketAddr,
}

impl WebClient {
    /// The address of its page.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The address that it listens on, with the port that the system chose if it was 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Sandbox {
    /// Serves a page that looks and behaves like Discord, where people act as the members of the guilds that are known by
    /// name (`Sandbox::add_members`). A guild without such members has two: ada, who may manage it, and sam.
    ///
    /// # Errors
    /// If the address is not on loopback (`InvalidInput`), or cannot be opened.
    pub async fn serve_client(&self, address: SocketAddr) -> io::Result<WebClient> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the client is served on loopback only",
            ));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let served = Arc::new(Served {
            sandbox: self.clone(),
            address,
        });
        let app = routes(served);
        // Ends with the runtime.
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(WebClient { address })
    }
}

/// What the routes share.
#[derive(Debug)]
struct Served {
    sandbox: Sandbox,
    address: SocketAddr,
}

type ServedState = State<Arc<Served>>;

fn routes(served: Arc<Served>) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/client/{file}", get(page::file))
        .route("/files/{message}/{id}", get(page::attachment))
        .route("/api/state", get(events::state))
        .route("/api/events", get(events::events))
        .route("/api/command", post(actions::command))
        .route("/api/complete", post(actions::complete))
        .route("/api/component", post(actions::component))
        .route("/api/form", post(actions::form))
        .route("/api/dismiss", post(actions::dismiss))
        .route("/api/files/{name}", put(actions::upload))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "There is no such page."))
        .layer(middleware::from_fn_with_state(Arc::clone(&served), guard))
        .with_state(served)
}

/// Refuses requests of other sites' pages, and adds the headers that confine the page.
async fn guard(State(served): ServedState, request: Request, next: Next) -> Response {
    let mut response = match refuse_site(&served, request.method(), request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    page::confine(response.headers_mut());
    response
}

fn refuse_site(served: &Served, method: &Method, headers: &HeaderMap) -> Option<Refusal> {
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str());
    let port = served.address.port();
    let is_own = |host: &str| {
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|name| host == format!("{name}:{port}"))
            || host == served.address.to_string()
    };
    let refuse = |why: &str| Some(Refusal::new(StatusCode::FORBIDDEN, why));
    // A name of another site may lead to loopback; its pages send that name.
    if !matches!(text(header::HOST), Some(Ok(host)) if is_own(host)) {
        return refuse("The client answers to its own address only.");
    }
    match text(header::ORIGIN) {
        None => {}
        Some(Ok(origin)) if origin.strip_prefix("http://").is_some_and(is_own) => {}
        Some(_) => return refuse("Only the client's own page may send this."),
    }
    // Browsers send other content types, such as that of forms, to any site.
    let needed = match *method {
        Method::POST => "application/json",
        Method::PUT => "application/octet-stream",
        _ => return None,
    };
    let given = text(header::CONTENT_TYPE).and_then(Result::ok);
    let media_type = given.unwrap_or_default().split(';').next();
    if media_type.is_some_and(|given| given.trim().eq_ignore_ascii_case(needed)) {
        return None;
    }
    Some(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("Send this as {needed}."),
    ))
}
