//! Requests to Rollcall from the machines that it monitors, for `rollcall agent` and `rollcall ping`. Errors never contain the
//! URL or a header: both may be secrets.

use std::error::Error;
use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode, header, redirect};

use crate::domain::text;

/// Timeout of one request, from the lookup of the name to the end of the answer.
pub(in crate::cli) const TIMEOUT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept. Proxies close theirs after 60 s or later, so none is closed while a request is sent.
const KEPT_CONNECTION: Duration = Duration::from_secs(30);

/// Most bytes that are read of an answer.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Most characters that are shown of what an answer says.
const SHOWN: usize = 200;

/// A client for all requests of a process. Redirects are not followed: they would turn a report into a request that sends
/// nothing.
pub(in crate::cli) fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(KEPT_CONNECTION)
        .user_agent(concat!("Rollcall/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("TLS cannot be set up: {}", error.without_url()))
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct ServerAnswer {
    pub status: StatusCode,
    /// Whether it is a problem as Rollcall's API describes it, and not an answer of a proxy.
    pub is_problem: bool,
    /// What it says, in one line; empty if it says nothing.
    pub detail: String,
    /// The wait that it asks for.
    pub retry_after: Option<Duration>,
}

impl ServerAnswer {
    /// The status and what the answer says about it.
    pub(in crate::cli) fn sentence(&self) -> String {
        let status = self.status;
        if status.is_redirection() {
            return format!("{status}: use the address that it redirects to");
        }
        match self.detail.as_str() {
            "" => status.to_string(),
            detail => format!("{status}: {detail}"),
        }
    }
}

/// Sends a request. The error says why there is no answer.
pub(in crate::cli) async fn send(request: RequestBuilder) -> Result<ServerAnswer, String> {
    let mut response = request.send().await.map_err(reason)?;
    let of = |name| response.headers().get(name)?.to_str().ok();
    let kind = of(header::CONTENT_TYPE).unwrap_or_default().to_owned();
    let seconds = of(header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
    let status = response.status();
    let mut body = Vec::new();
    // The status says enough if the rest does not arrive.
    while let Ok(Some(chunk)) = response.chunk().await {
        let free = LONGEST_ANSWER - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(free)]);
        if body.len() == LONGEST_ANSWER {
            break;
        }
    }
    Ok(ServerAnswer {
        status,
        is_problem: kind.starts_with("application/problem+json"),
        detail: detail(&kind, &body),
        retry_after: seconds.map(Duration::from_secs),
    })
}

/// What a body says, in one line: the detail of a problem, or a text. Pages of proxies say nothing.
fn detail(kind: &str, body: &[u8]) -> String {
    let text = if kind.contains("json") {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let detail = body["detail"].as_str().or(body["title"].as_str());
        detail.unwrap_or_default().to_owned()
    } else if kind.starts_with("text/plain") {
        String::from_utf8_lossy(body).into_owned()
    } else {
        String::new()
    };
    let line = text.lines().next().unwrap_or_default();
    let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
    text::cut(line.trim(), SHOWN)
}

/// Why there is no answer: the innermost error says it best.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {}", text::duration(TIMEOUT));
    }
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_described_in_one_line() {
        let problem = br#"{"title":"unauthorized","detail":"missing or invalid API key"}"#;
        for (kind, body, expected) in [
            (
                "application/problem+json",
                &problem[..],
                "missing or invalid API key",
            ),
            ("application/json", br#"{"title":"busy"}"#, "busy"),
            ("application/json", b"{", ""),
            ("text/plain; charset=utf-8", b"not found\nmore", "not found"),
            ("text/plain", b"a\x1b[31mb", "a[31mb"),
            ("text/html", b"<html>", ""),
            ("", b"text", ""),
        ] {
            assert_eq!(detail(kind, body), expected, "{kind}");
        }
        let long = detail("text/plain", "x".repeat(201).as_bytes());
        assert_eq!(long.chars().count(), SHOWN);
        let whole = detail("text/plain", "x".repeat(200).as_bytes());
        assert_eq!(whole, "x".repeat(200));
    }

    #[test]
    fn the_status_stands_before_what_the_answer_says() {
        for (status, detail, expected) in [
            (
                429,
                "too many requests",
                "429 Too Many Requests: too many requests",
            ),
            (502, "", "502 Bad Gateway"),
            (
                301,
                "elsewhere",
                "301 Moved Permanently: use the address that it redirects to",
            ),
        ] {
            let answer = ServerAnswer {
                status: StatusCode::from_u16(status).unwrap(),
                is_problem: false,
                detail: detail.to_owned(),
                retry_after: None,
            };
            assert_eq!(answer.sentence(), expected);
        }
    }
}
