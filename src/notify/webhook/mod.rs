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

use super::transport::{Address, Content, Outgoing, Transport};
use crate::domain::Timestamp;
use crate::domain::discord_id::MessageRef;
use crate::domain::endpoints::target::{Host, Target};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::store::notifications::webhook::Webhook;

/// Timeout of a request, from the connection to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Discord's error code for a webhook that was deleted.
const UNKNOWN_WEBHOOK: u64 = 10_015;

/// Bytes of an answer that are read to find an error code.
const LONGEST_ANSWER: usize = 4_096;

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
    ) -> Result<(), DeliveryError> {
        let addresses = self.gate.addresses(&webhook.url).await;
        let addresses = addresses.map_err(|closed| match closed {
            Closed::NotAllowed => {
                DeliveryError::DestinationBroken("its address is not allowed (PROBE_ALLOW)".into())
            }
            Closed::NotFound => later("its host name could not be resolved"),
        })?;
        let client = self.client(&webhook.url, &addresses)?;
        let body =
            serde_json::to_vec(body).map_err(|_| later("the message could not be encoded"))?;
        let timestamp = now.seconds();
        let signature = signature::sign(&webhook.signing_key, id, timestamp, &body)
            .ok_or_else(|| DeliveryError::DestinationBroken("its signing key is invalid".into()))?;
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
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers().clone());
                let code = match status.is_client_error() {
                    true => error_code(response).await,
                    false => None,
                };
                evaluate(status, &headers, code)
            }
            Err(error) if error.is_timeout() => Err(later("it did not respond in time")),
            Err(_) => Err(later("it could not be reached")),
        }
    }

    /// A client for one message, which connects to the checked addresses only.
    fn client(
        &self,
        url: &Target,
        addresses: &[SocketAddr],
    ) -> Result<reqwest::Client, DeliveryError> {
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

impl Transport for WebhookSender {
    fn ready<'a>(&'a self, _: &'a Address) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn deliver<'a>(
        &'a self,
        message: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, DeliveryError>> {
        Box::pin(async move {
            let (Address::Webhook(webhook), Content::Incident(current)) =
                (&message.to, &message.content)
            else {
                let reason = "webhooks receive incidents only";
                return Err(DeliveryError::Rejected(reason.into()));
            };
            let body = payload::of_incident(webhook, current, message.now);
            let body = body.map_err(DeliveryError::DestinationBroken)?;
            let id = format!("msg_{}", message.nonce);
            self.post(webhook, &id, &body, message.now).await?;
            Ok(None)
        })
    }
}

fn later(reason: &str) -> DeliveryError {
    DeliveryError::Retry {
        is_unanswered: false,
        after: None,
        reason: reason.into(),
    }
}

/// What the answer of a webhook means. `code`: the error code in the body, as Discord sends it.
fn evaluate(
    status: StatusCode,
    headers: &header::HeaderMap,
    code: Option<u64>,
) -> Result<(), DeliveryError> {
    if status.is_success() {
        return Ok(());
    }
    let reason = format!("it responded with HTTP status {}", status.as_u16());
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            return Err(DeliveryError::DestinationBroken(reason));
        }
        _ if code == Some(UNKNOWN_WEBHOOK) => {
            return Err(DeliveryError::DestinationBroken(reason));
        }
        // Proxies and overloaded receivers answer these, too.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => {}
        status if status.is_server_error() => {}
        _ => return Err(DeliveryError::Rejected(reason)),
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
    Err(DeliveryError::Retry {
        after,
        reason,
        is_unanswered: false,
    })
}

/// The error code in the first bytes of an answer, if it is Discord's.
async fn error_code(mut response: reqwest::Response) -> Option<u64> {
    let mut body = Vec::new();
    while body.len() < LONGEST_ANSWER
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    let body: Value = serde_json::from_slice(&body).ok()?;
    body["code"].as_u64()
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
        for (status, code, retry_after, expected) in [
            (200, None, None, "ok"),
            (204, None, Some("9"), "ok"),
            (500, None, None, "retry"),
            (503, None, Some("7"), "retry after 7 s"),
            (429, None, Some("0"), "retry after 0 s"),
            (429, None, Some("soon"), "retry"),
            (429, None, Some("1e300"), "retry after 3600 s"),
            (408, None, None, "retry"),
            (425, None, None, "retry"),
            (401, None, None, "retry"),
            (403, None, None, "retry"),
            (301, None, None, "rejected"),
            (400, None, None, "rejected"),
            (413, None, None, "rejected"),
            (404, None, Some("1"), "broken"),
            (410, None, None, "broken"),
            (400, Some(UNKNOWN_WEBHOOK), None, "broken"),
        ] {
            let mut headers = header::HeaderMap::new();
            if let Some(text) = retry_after {
                headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            }
            let evaluated = evaluate(StatusCode::from_u16(status).unwrap(), &headers, code);
            let found = match evaluated {
                Ok(()) => "ok".to_owned(),
                Err(DeliveryError::Retry { after: None, .. }) => "retry".to_owned(),
                Err(DeliveryError::Retry {
                    after: Some(after), ..
                }) => format!("retry after {} s", after.as_secs()),
                Err(DeliveryError::DestinationBroken(_)) => "broken".to_owned(),
                Err(DeliveryError::Rejected(_)) => "rejected".to_owned(),
                Err(other) => other.to_string(),
            };
            assert_eq!(found, expected, "{status} {code:?}");
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
            template: None,
            signing_key: signature::key_text(&[7; signature::KEY_LENGTH]),
            last_sent_at: None,
            destination: crate::domain::notifications::destinations::DestinationId(1),
            health: crate::domain::notifications::destination_health::DestinationHealth::default(),
        }
    }

    async fn post(gate: To, roots: &str, port: u16) -> Result<(), DeliveryError> {
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
            assert_eq!(
                matches!(failure, DeliveryError::DestinationBroken(_)),
                is_final
            );
            assert!(!failure.to_string().contains("canary"));
        }
    }
}
