//! Between serenity and the gateway: an in-process relay on loopback that holds the real connection itself.
//!
//! serenity 0.12.5 wedges for ever in several ways: an upgrade that is never answered, a RESUME that is never answered,
//! an empty close frame that makes it spin. None of them can happen to a client whose server is this relay: serenity is
//! only let in when the real gateway has been reached, its heartbeats are answered here, and what could wedge it ends in
//! a dropped socket, after which it resumes. The relay beats its own heart towards the gateway, so acks and latency are
//! exact; it keeps the presence; it counts reconnects, resumes and identifies, and spaces them.

mod carry;
mod frames;
mod line;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(super) use line::{Final, Line};

use crate::domain::presence::Presence;

/// How the relay is to behave.
#[derive(Clone)]
pub(super) struct RelayConfig {
    /// Where the real gateway is, as Discord told: `wss://…` or `ws://…`.
    pub gateway_url: String,
    /// No ack for this long: the connection is given up.
    pub ack_limit: Duration,
    /// Reconnects in a row before the retries become slow.
    pub max_reconnects: u32,
    /// Trusted for `wss://`.
    pub tls: Arc<rustls::ClientConfig>,
    pub presence: watch::Receiver<Presence>,
}

/// TLS towards the real gateway: current rustls, the public roots.
pub(super) fn public_tls() -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    tls(roots)
}

fn tls(roots: rustls::RootCertStore) -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?;
    Ok(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}

/// Opens the loopback socket and serves it until aborted, which ends every connection that it carries; gives its address.
pub(super) async fn start(
    config: RelayConfig,
    line: Arc<Line>,
) -> std::io::Result<(String, tokio::task::AbortHandle)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("ws://{}", listener.local_addr()?);
    let serving = tokio::spawn(async move {
        let mut carried = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(carried.spawn(carry::carry(stream, config.clone(), Arc::clone(&line)))),
                    Err(error) => {
                        tracing::warn!(%error, "the gateway relay could not accept");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                // Those that have ended are forgotten.
                Some(_) = carried.join_next() => {}
            }
        }
    });
    Ok((address, serving.abort_handle()))
}
