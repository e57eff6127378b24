//! Opens the connection to the real gateway: TCP, TLS and the WebSocket upgrade, each with a timeout.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;

/// Timeout for TCP and TLS together, and again for the upgrade; the acknowledgment limit applies if it is shorter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A plain or encrypted stream.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(super) type Socket = WebSocketStream<Box<dyn Duplex>>;

/// Why the gateway could not be reached.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the gateway URL from Discord is invalid")]
    Address,
    #[error("the gateway did not answer in time")]
    TimedOut,
    #[error("the gateway cannot be reached: {0}")]
    Io(#[from] std::io::Error),
    #[error("the gateway refused the websocket: {0}")]
    Upgrade(Box<tokio_tungstenite::tungstenite::Error>),
}

/// Opens a WebSocket to `url`, the gateway's address with the API version and encoding as query.
pub(super) async fn connect(
    url: &str,
    tls: &Arc<rustls::ClientConfig>,
    ack_limit: Duration,
) -> Result<Socket, ConnectError> {
    let timeout = CONNECT_TIMEOUT.min(ack_limit);
    let stream = tokio::time::timeout(timeout, open(url, tls))
        .await
        .map_err(|_| ConnectError::TimedOut)??;
    let upgrade = tokio_tungstenite::client_async(url, stream);
    let upgraded = tokio::time::timeout(timeout, upgrade)
        .await
        .map_err(|_| ConnectError::TimedOut)?;
    let (socket, _) = upgraded.map_err(|error| ConnectError::Upgrade(Box::new(error)))?;
    Ok(socket)
}

async fn open(url: &str, tls: &Arc<rustls::ClientConfig>) -> Result<Box<dyn Duplex>, ConnectError> {
    let (scheme, rest) = url.split_once("://").ok_or(ConnectError::Address)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let is_encrypted = match scheme {
        "wss" => true,
        "ws" => false,
        _ => return Err(ConnectError::Address),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| ConnectError::Address)?),
        None => (authority, if is_encrypted { 443 } else { 80 }),
    };
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    if !is_encrypted {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::Address)?;
    Ok(Box::new(
        TlsConnector::from(Arc::clone(tls))
            .connect(name, stream)
            .await?,
    ))
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;

    /// A server with a certificate for `localhost`, and roots that trust it.
    fn certified() -> (Arc<rustls::ServerConfig>, rustls::RootCertStore) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let key =
            rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        (Arc::new(server), roots)
    }

    /// Starts a TLS echo server; returns its port.
    async fn echo(server: Arc<rustls::ServerConfig>) -> u16 {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = TlsAcceptor::from(Arc::clone(&server)).accept(stream).await else {
                    continue;
                };
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
                    continue;
                };
                while let Some(Ok(message)) = socket.next().await {
                    // The client may have disconnected.
                    let _ = socket.send(message).await;
                }
            }
        });
        port
    }

    #[tokio::test]
    async fn connects_to_a_real_tls_server() {
        let (server, roots) = certified();
        let url = format!("wss://localhost:{}/?v=10", echo(server).await);
        let mut socket = connect(&url, &super::super::tls(roots).unwrap(), CONNECT_TIMEOUT)
            .await
            .unwrap();
        socket.send(Message::Text("hello".into())).await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::Text("hello".into())
        );
    }

    #[tokio::test]
    async fn untrusted_certificates_are_refused() {
        let (server, _) = certified();
        let url = format!("wss://localhost:{}/", echo(server).await);
        let tls = super::super::public_tls().unwrap();
        assert!(matches!(
            connect(&url, &tls, CONNECT_TIMEOUT).await,
            Err(ConnectError::Io(_))
        ));
    }

    #[tokio::test]
    async fn invalid_addresses_are_refused() {
        let tls = super::super::public_tls().unwrap();
        for url in ["", "http://localhost/", "ws://localhost:port/"] {
            assert!(
                matches!(
                    connect(url, &tls, CONNECT_TIMEOUT).await,
                    Err(ConnectError::Address)
                ),
                "{url}"
            );
        }
    }
}
