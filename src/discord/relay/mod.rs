//! Between serenity and the gateway: an in-process relay on loopback that holds the real connection itself.
//!
//! serenity 0.12.5 wedges for ever in several ways: an upgrade that is never answered, a RESUME that is never answered,
//! an empty close frame that makes it spin, a presence sent into a dead socket. All of them lie in how it reconnects, so it
//! never has to: it opens one socket per shard to this relay, which stays open, and the relay opens the gateway, resumes
//! or begins sessions, beats its own heart, keeps the presence, spaces attempts and identifies, and counts them.
//! serenity is told of dispatches only. Where Discord's refusal is final, its socket is closed with a code that ends it.
//!
//! `bridge` serves a socket of serenity's (`client`); `connection` is one connection to the gateway (`upstream`);
//! `session` is what outlives it; `frames` reads the payloads; `reason` says why something ended; `gateway_state` remembers.

mod bridge;
mod client;
mod connection;
mod frames;
mod gateway_state;
mod reason;
mod session;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(super) use gateway_state::GatewayState;
pub(super) use reason::Final;

use crate::domain::presence::PresenceUpdate;

/// How the relay is to behave.
#[derive(Clone)]
pub(super) struct RelayConfig {
    /// Where the real gateway is, as Discord told: `wss://…` or `ws://…`.
    pub gateway_url: String,
    /// No ack for this long: the connection is given up.
    pub ack_limit: Duration,
    /// Trusted for `wss://`.
    pub tls: Arc<rustls::ClientConfig>,
    pub presence: watch::Receiver<PresenceUpdate>,
    /// What serenity must ask for; nobody else knows it.
    pub path: String,
}

/// A path that nobody can guess.
pub(super) fn secret_path(tls: &rustls::ClientConfig) -> Result<String, rustls::Error> {
    let mut bytes = [0; 16];
    let random = tls.crypto_provider().secure_random;
    random
        .fill(&mut bytes)
        .map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("/{hex}"))
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

/// Opens the loopback socket; gives its address, and what serves it. Where that is dropped, every connection that it
/// carries ends.
pub(super) async fn start(
    config: RelayConfig,
    gateway_state: Arc<GatewayState>,
) -> std::io::Result<(String, impl Future<Output = ()> + Send + 'static)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("ws://{}{}", listener.local_addr()?, config.path);
    let serving = async move {
        let mut carried = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(carried.spawn(bridge::bridge(stream, config.clone(), Arc::clone(&gateway_state)))),
                    Err(error) => {
                        tracing::warn!(%error, "the gateway relay could not accept");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                // Those that have ended are forgotten.
                Some(_) = carried.join_next() => {}
            }
        }
    };
    Ok((address, serving))
}

/// Waits until serenity has left a shard without a socket for longer than `limit`: it is wedged, and only a new client
/// helps. Runs where its timers are its own.
pub(super) async fn watch_detached(gateway_state: Arc<GatewayState>, limit: Duration) {
    while gateway_state.detached_for() <= limit {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
