//! Messages to webhooks: signed, sent once at a time, never to where looks may not go, and never through a redirect.

pub mod payload;
pub mod signature;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{StatusCode, header};
use serde_json::Value;

use crate::domain::Instant;
use crate::domain::target::{Host, Target};
use crate::store::webhook::Webhook;

/// The other side may take so long, from the connection to the end of its answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Nobody is waited for longer than this, whatever he asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Why a host may not be posted to, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    NotAllowed,
    /// Its name leads nowhere at the moment.
    NotFound,
}

/// Says where a message may go.
pub trait Gate: Send + Sync + fmt::Debug {
    /// The addresses of a target's host, each of which may be posted to.
    fn addresses<'a>(
        &'a self,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, Closed>>;
}

/// Why a message did not arrive. Nothing in it shows the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostFailure {
    /// It may work later; not before `after`, where the other side said so.
    Later {
        after: Option<Duration>,
        reason: String,
    },
    /// It will not, until somebody mends it.
    Final(String),
}

impl fmt::Display for PostFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Later { reason, .. } | Self::Final(reason) => out.write_str(reason),
        }
    }
}

/// Sends messages to webhooks.
#[derive(Clone, Debug)]
pub struct Poster {
    gate: Arc<dyn Gate>,
    extra_roots: Vec<reqwest::Certificate>,
}

impl Poster {
    /// `extra_roots_pem`: certificates of the operator's own CAs, trusted beside the public ones; empty for none. Whether they
    /// can be used is judged where looks are set up; what cannot is left out here.
    pub fn new(gate: Arc<dyn Gate>, extra_roots_pem: &[u8]) -> Self {
        Self {
            gate,
            extra_roots: reqwest::Certificate::from_pem_bundle(extra_roots_pem).unwrap_or_default(),
        }
    }

    /// Sends one message. `id` is the same for the same message, sent once or twice.
    pub async fn post(
        &self,
        webhook: &Webhook,
        id: &str,
        body: &Value,
        now: Instant,
    ) -> Result<(), PostFailure> {
        let addresses = self.gate.addresses(&webhook.url).await;
        let addresses = addresses.map_err(|closed| match closed {
            Closed::NotAllowed => PostFailure::Final(
                "its address is one that this Rollcall may not go to (PROBE_ALLOW)".into(),
            ),
            Closed::NotFound => later("its name could not be resolved"),
        })?;
        let client = self.client(&webhook.url, &addresses)?;
        let body =
            serde_json::to_vec(body).map_err(|_| later("the message could not be written"))?;
        let timestamp = now.seconds();
        let signature = signature::sign(&webhook.signing_key, (id, timestamp), &body)
            .ok_or_else(|| PostFailure::Final("its signing key cannot be read".into()))?;
        let sent = client
            .post(webhook.url.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body)
            .send()
            .await;
        match sent {
            Ok(response) => judge(response.status(), response.headers()),
            Err(error) if error.is_timeout() => Err(later("it took too long to answer")),
            Err(_) => Err(later("it could not be reached")),
        }
    }

    /// A client for one message: it goes to the addresses that were judged and nowhere else.
    fn client(
        &self,
        url: &Target,
        addresses: &[SocketAddr],
    ) -> Result<reqwest::Client, PostFailure> {
        let mut builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("Rollcall/", env!("CARGO_PKG_VERSION")));
        if let Host::Name(name) = &url.host {
            builder = builder.resolve_to_addrs(name, addresses);
        }
        for root in &self.extra_roots {
            builder = builder.add_root_certificate(root.clone());
        }
        builder
            .build()
            .map_err(|_| later("TLS could not be set up"))
    }
}

fn later(reason: &str) -> PostFailure {
    PostFailure::Later {
        after: None,
        reason: reason.into(),
    }
}

fn judge(status: StatusCode, headers: &header::HeaderMap) -> Result<(), PostFailure> {
    if status.is_success() {
        return Ok(());
    }
    let reason = format!("it answered {}", status.as_u16());
    let is_passing = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    if !is_passing {
        return Err(PostFailure::Final(reason));
    }
    let asked = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let after = asked.map(|seconds| {
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(LONGEST_WAIT)
            .min(LONGEST_WAIT)
    });
    Err(PostFailure::Later { after, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_whether_to_try_again() {
        let ok = Ok(());
        let later = |seconds: Option<u64>, status: u16| {
            Err(PostFailure::Later {
                after: seconds.map(Duration::from_secs),
                reason: format!("it answered {status}"),
            })
        };
        let gone = |status: u16| Err(PostFailure::Final(format!("it answered {status}")));
        for (status, retry_after, expected) in [
            (200, None, ok.clone()),
            (204, Some("9"), ok),
            (500, None, later(None, 500)),
            (503, Some("7"), later(Some(7), 503)),
            (429, Some("0"), later(Some(0), 429)),
            (429, Some("soon"), later(None, 429)),
            (429, Some("1e300"), later(Some(3600), 429)),
            (408, None, later(None, 408)),
            (425, None, later(None, 425)),
            (301, None, gone(301)),
            (400, None, gone(400)),
            (404, Some("1"), gone(404)),
            (410, None, gone(410)),
        ] {
            let mut headers = header::HeaderMap::new();
            if let Some(text) = retry_after {
                headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            }
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(judge(status, &headers), expected, "{status}");
        }
    }
}
