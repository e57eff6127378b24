//! Sends messages to webhooks: signed, one at a time, never to an address that checks may not reach, and never through a
//! redirect.

pub mod payload;
pub mod signature;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{StatusCode, header};
use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::endpoints::target::{Host, Target};
use crate::store::notifications::webhook::Webhook;

/// Timeout of a request, from the connection to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum delay that `Retry-After` can request.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Why nothing can be sent to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    NotAllowed,
    /// Its name cannot be resolved at the moment.
    NotFound,
}

/// Decides where messages may be sent.
pub trait Gate: Send + Sync + fmt::Debug {
    /// The addresses of a target's host, all of which are allowed.
    fn addresses<'a>(
        &'a self,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, Closed>>;
}

/// Why a message was not delivered. It never contains the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostFailure {
    /// A later attempt may succeed, but not before `after`, if the receiver requested a delay.
    Later {
        after: Option<Duration>,
        reason: String,
    },
    /// No attempt will succeed until a person fixes the cause.
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
pub struct WebhookSender {
    gate: Arc<dyn Gate>,
    extra_roots: Vec<reqwest::Certificate>,
}

impl WebhookSender {
    /// `extra_roots_pem`: certificates of the operator's own CAs, trusted in addition to the public ones; empty for none.
    /// The prober reports invalid certificates; they are ignored here.
    pub fn new(gate: Arc<dyn Gate>, extra_roots_pem: &[u8]) -> Self {
        Self {
            gate,
            extra_roots: reqwest::Certificate::from_pem_bundle(extra_roots_pem).unwrap_or_default(),
        }
    }

    /// Sends one message. `id` stays the same when the same message is sent again.
    pub async fn post(
        &self,
        webhook: &Webhook,
        id: &str,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), PostFailure> {
        let addresses = self.gate.addresses(&webhook.url).await;
        let addresses = addresses.map_err(|closed| match closed {
            Closed::NotAllowed => {
                PostFailure::Final("its address is not allowed (PROBE_ALLOW)".into())
            }
            Closed::NotFound => later("its host name could not be resolved"),
        })?;
        let client = self.client(&webhook.url, &addresses)?;
        let body =
            serde_json::to_vec(body).map_err(|_| later("the message could not be encoded"))?;
        let timestamp = now.seconds();
        let signature = signature::sign(&webhook.signing_key, id, timestamp, &body)
            .ok_or_else(|| PostFailure::Final("its signing key is invalid".into()))?;
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
            Ok(response) => evaluate(response.status(), response.headers()),
            Err(error) if error.is_timeout() => Err(later("it did not respond in time")),
            Err(_) => Err(later("it could not be reached")),
        }
    }

    /// A client for one message, which connects to the checked addresses only.
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

fn evaluate(status: StatusCode, headers: &header::HeaderMap) -> Result<(), PostFailure> {
    if status.is_success() {
        return Ok(());
    }
    let reason = format!("it responded with HTTP status {}", status.as_u16());
    let is_temporary = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    if !is_temporary {
        return Err(PostFailure::Final(reason));
    }
    let requested = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let after = requested.map(|seconds| {
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(LONGEST_WAIT)
            .min(LONGEST_WAIT)
    });
    Err(PostFailure::Later { after, reason })
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_response_decides_whether_there_is_another_attempt() {
        let ok = Ok(());
        let later = |seconds: Option<u64>, status: u16| {
            Err(PostFailure::Later {
                after: seconds.map(Duration::from_secs),
                reason: format!("it responded with HTTP status {status}"),
            })
        };
        let last = |status: u16| {
            Err(PostFailure::Final(format!(
                "it responded with HTTP status {status}"
            )))
        };
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
            (301, None, last(301)),
            (400, None, last(400)),
            (404, Some("1"), last(404)),
            (410, None, last(410)),
        ] {
            let mut headers = header::HeaderMap::new();
            if let Some(text) = retry_after {
                headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            }
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(evaluate(status, &headers), expected, "{status}");
        }
    }

    const HOST: &str = "hook.example.org";

    /// Allows every target and resolves it to one address.
    #[derive(Debug)]
    struct To(Result<SocketAddr, Closed>);

    impl Gate for To {
        fn addresses<'a>(
            &'a self,
            _: &'a Target,
        ) -> BoxFuture<'a, Result<Vec<SocketAddr>, Closed>> {
            Box::pin(async move { self.0.map(|address| vec![address]) })
        }
    }

    /// A server with a certificate of a private CA that accepts one request. Returns its address, the received request, and
    /// the certificate of the CA.
    async fn tls_server() -> (SocketAddr, tokio::task::JoinHandle<String>, String) {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Ours");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([HOST.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that does not trust the certificate closes the connection.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = Vec::new();
                while !request.ends_with(b"{\"a\":1}") {
                    stream.read_buf(&mut request).await.unwrap();
                }
                let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                stream.shutdown().await.unwrap();
                return String::from_utf8(request).unwrap();
            }
        });
        (address, server, issuer.pem())
    }

    fn webhook(port: u16) -> Webhook {
        Webhook {
            id: crate::domain::notifications::webhook::WebhookId(1),
            guild_id: crate::domain::discord_id::GuildId(1),
            name: "pager".into(),
            url: format!("https://{HOST}:{port}/canary").parse().unwrap(),
            format: crate::domain::notifications::webhook::WebhookFormat::Standard,
            signing_key: signature::key_text(&[7; signature::KEY_LENGTH]),
            last_delivered_at: None,
            attempts: 0,
            failing_since: None,
            disabled: None,
        }
    }

    async fn post(gate: To, roots: &str, port: u16) -> Result<(), PostFailure> {
        let webhook_sender = WebhookSender::new(Arc::new(gate), roots.as_bytes());
        let body = serde_json::json!({ "a": 1 });
        let now = Timestamp::from_millis(1_700_000_000_000);
        webhook_sender
            .post(&webhook(port), "msg_1_1", &body, now)
            .await
    }

    #[tokio::test]
    async fn a_message_goes_over_tls_to_the_checked_addresses() {
        let (address, server, authority) = tls_server().await;
        // The CA is not trusted: nothing is sent.
        let distrusted = post(To(Ok(address)), "", address.port()).await;
        let distrusted = distrusted.unwrap_err().to_string();
        assert_eq!(distrusted, "it could not be reached");
        // The name cannot be resolved; the message goes to the checked address.
        let sent = post(To(Ok(address)), &authority, address.port()).await;
        assert_eq!(sent, Ok(()));
        let request = server.await.unwrap().to_lowercase();
        assert!(request.starts_with("post /canary http/1.1"), "{request}");
        for header in [
            "host: hook.example.org",
            "webhook-id: msg_1_1",
            "webhook-timestamp: 1700000000",
        ] {
            assert!(request.contains(header), "{header} in {request}");
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_to_blocked_or_unresolved_hosts() {
        for (closed, part, is_final) in [
            (Closed::NotAllowed, "not allowed", true),
            (Closed::NotFound, "could not be resolved", false),
        ] {
            let failure = post(To(Err(closed)), "", 443).await.unwrap_err();
            assert!(failure.to_string().contains(part), "{failure}");
            assert_eq!(matches!(failure, PostFailure::Final(_)), is_final);
            assert!(!failure.to_string().contains("canary"));
        }
    }
}
