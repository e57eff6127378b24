//! An in-process relay on loopback between serenity and the gateway. The relay owns the real gateway connection.
//!
//! serenity 0.12.5 can hang forever in several ways: an upgrade that is never answered, a RESUME that is never answered,
//! an empty close frame that makes it spin, a presence sent into a dead socket. All of these are defects of its reconnect
//! code, so the relay makes sure that it never reconnects. serenity opens one socket per shard to the relay, and it stays
//! open. The relay connects to the gateway, starts or resumes sessions, sends heartbeats and the presence, spaces connection
//! attempts and IDENTIFYs, and counts them. serenity receives dispatches only. If Discord's refusal is final, the relay
//! closes serenity's socket with a code that ends serenity.
//!
//! `bridge` serves one of serenity's sockets (`client`); `connection` is one gateway connection (`upstream`); `session` is
//! the state that survives a connection; `frames` parses payloads; `reason` lists why a connection ended; `gateway_state`
//! holds the state of all shards.

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

pub use gateway_state::GatewayState;
pub use reason::{Final, reconnect_reasons};

use crate::presence::PresenceUpdate;

/// How to reach the gateway.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Address of the real gateway from Discord's lookup: `wss://…` or `ws://…`.
    pub gateway_url: String,
    /// The connection is dropped if no heartbeat is acknowledged for this long.
    pub ack_limit: Duration,
    /// The presence, sent again whenever it changes.
    pub presence: watch::Receiver<PresenceUpdate>,
}

/// Why the relay could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot open the local socket of the gateway relay: {0}")]
    Socket(#[from] std::io::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The relay as its connections see it.
#[derive(Clone)]
struct Relay {
    config: RelayConfig,
    /// TLS settings and trusted roots for `wss://`.
    tls: Arc<rustls::ClientConfig>,
    /// The secret path that serenity must request.
    path: String,
}

/// A random path that cannot be guessed: `/` and 32 hexadecimal digits.
fn secret_path(tls: &rustls::ClientConfig) -> Result<String, rustls::Error> {
    let mut bytes = [0; 16];
    let random = tls.crypto_provider().secure_random;
    random
        .fill(&mut bytes)
        .map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("/{hex}"))
}

/// TLS settings for the real gateway: current rustls with the public root certificates.
fn public_tls() -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
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

/// Opens the loopback socket; returns its address and the future that serves it. Dropping that future ends every
/// connection.
///
/// # Errors
/// `StartError` if the socket cannot be opened or TLS cannot be set up.
pub async fn start(
    config: RelayConfig,
    gateway_state: Arc<GatewayState>,
) -> Result<(String, impl Future<Output = ()> + Send + 'static), StartError> {
    let tls = public_tls()?;
    let relay = Relay {
        config,
        path: secret_path(&tls)?,
        tls,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("ws://{}{}", listener.local_addr()?, relay.path);
    let serving = async move {
        let mut bridges = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let gateway_state = Arc::clone(&gateway_state);
                        bridges.spawn(bridge::bridge(stream, relay.clone(), gateway_state));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the gateway relay cannot accept a local connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                // Removes finished connections from the set.
                Some(_) = bridges.join_next() => {}
            }
        }
    };
    Ok((address, serving))
}

/// Waits until a shard has had no socket for longer than `limit`. Then serenity is stuck and only a new client helps. Run
/// it on another runtime than serenity,
/// which can block the timers of its own.
pub async fn watch_detached(gateway_state: Arc<GatewayState>, limit: Duration) {
    while gateway_state.detached_for() <= limit {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
