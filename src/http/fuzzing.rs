//! Calls the routes without a connection, so that a fuzz target can send any request to the API.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;

use super::api::{BASE, RateLimit};
use super::{HttpState, Limits, operator_pages, routes};

/// The largest answer: the OpenAPI description has about 200 KiB.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Adds one of each kind that requests name by an id, so that 1, 2 and 3 are a device, a server and an endpoint.
const SETUP: [&str; 9] = [
    r#"POST /api/v1/devices
{"name":"pump","uuid":"7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f","slug":"pump"}"#,
    r#"POST /api/v1/servers
{"name":"mail"}"#,
    r#"POST /api/v1/endpoints
{"target":"https://example.org/health","name":"shop"}"#,
    r#"POST /api/v1/groups
{"name":"web","monitors":[1,2,3]}"#,
    r#"POST /api/v1/silences
{"kind":"maintenance","title":"router","monitors":[2],"duration":"2h"}"#,
    r#"POST /api/v1/webhooks
{"name":"pager","url":"https://example.org/hook"}"#,
    r#"POST /api/v1/keys
{"kind":"fleet"}"#,
    // Opens an incident.
    "POST /ping/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f/fail\n",
    r#"POST /api/v1/incidents/1/notes
{"text":"restarted"}"#,
];

/// The routes of a bot, and keys that they accept.
pub struct Interface {
    routes: TowerToHyperService<Router>,
    admin_key: String,
    server_key: String,
}

/// A request in the form of the seeds: a line with the method, the path and maybe the content type, then the body.
struct WrittenRequest<'a> {
    method: Method,
    uri: Uri,
    content_type: &'a str,
    body: &'a [u8],
}

struct HttpAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl<'a> WrittenRequest<'a> {
    /// `None` if a server could not receive it.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let end = text.iter().position(|byte| *byte == b'\n')?;
        let mut words = std::str::from_utf8(&text[..end]).ok()?.split(' ');
        Some(Self {
            method: words.next()?.parse().ok()?,
            uri: words.next()?.parse().ok()?,
            content_type: words.next().unwrap_or("application/json"),
            body: &text[end + 1..],
        })
    }
}

impl Interface {
    /// The routes without rate limits, for a store with nothing but `admin_key`.
    pub async fn new(mut app: HttpState, admin_key: String) -> Self {
        let unlimited = || RateLimit::new(1, Duration::ZERO, 1);
        app.limits = Limits {
            authenticated: unlimited(),
            unauthenticated: unlimited(),
            lookups: unlimited(),
            probes: unlimited(),
        };
        let mut interface = Self {
            routes: TowerToHyperService::new(routes(app, Some(operator_pages()))),
            server_key: admin_key.clone(),
            admin_key,
        };
        for text in SETUP {
            let request = WrittenRequest::parse(text.as_bytes()).expect("it is valid");
            let answer = interface.answer(request).await.expect("it is valid");
            assert!(answer.status.is_success(), "{text}: {}", answer.text());
            if let Some(key) = answer.json()["key"]
                .as_str()
                .filter(|_| text.contains("servers"))
            {
                interface.server_key = key.to_owned();
            }
        }
        interface
    }

    /// Sends a request. Asserts that the answer is no failure of Rollcall, and that a refusal is a problem.
    pub async fn check(&self, text: &[u8]) {
        let Some(request) = WrittenRequest::parse(text) else {
            return;
        };
        let (method, path) = (request.method.clone(), request.uri.path().to_owned());
        let Some(answer) = self.answer(request).await else {
            return;
        };
        let needs_discord = path == "/api/v1/alerts" && method == Method::PUT;
        assert!(
            !answer.status.is_server_error() || needs_discord,
            "{}",
            answer.text()
        );
        if is_of_api(&path) && answer.status.is_client_error() && method != Method::HEAD {
            answer.assert_problem();
        }
    }

    async fn answer(&self, request: WrittenRequest<'_>) -> Option<HttpAnswer> {
        let key = match request.uri.path().ends_with("/server-stats") {
            true => &self.server_key,
            false => &self.admin_key,
        };
        let request = Request::builder()
            .method(request.method)
            .uri(request.uri)
            .header(header::CONTENT_TYPE, request.content_type)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header("x-api-key", key)
            .body(Body::from(request.body.to_vec()))
            .ok()?;
        let Ok(response) = self.routes.call(request).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, LARGEST_ANSWER).await;
        Some(HttpAnswer {
            status: parts.status,
            headers: parts.headers,
            body: body.expect("the answer is in memory").to_vec(),
        })
    }
}

/// Whether a path belongs to the API, and not to the one of Healthchecks, which has other refusals.
fn is_of_api(path: &str) -> bool {
    let below = path.strip_prefix(BASE).map(|rest| rest.split('/'));
    let mut parts = below.into_iter().flatten();
    parts.next() == Some("") && parts.next() != Some("checks")
}

impl HttpAnswer {
    fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn assert_problem(&self) {
        let problem = self.json();
        let kind = self.headers.get(header::CONTENT_TYPE);
        let is_problem = kind.is_some_and(|kind| kind == "application/problem+json")
            && problem["status"] == self.status.as_u16()
            && problem["detail"]
                .as_str()
                .is_some_and(|text| !text.is_empty());
        assert!(is_problem, "{}", self.text());
    }
}
