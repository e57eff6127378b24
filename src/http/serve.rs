//! Our own accept loop: `axum::serve` installs no timer, so a client that sends its headers slowly would never be cut
//! off. Headers must come within five seconds, and there is a limit to connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::api::Peer;
use super::{Desk, routes};

/// A client that needs longer for its headers is not one of ours.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Open connections; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 1_000;

/// How long open requests are waited for at the end.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// The address is taken or not ours.
#[derive(Debug, thiserror::Error)]
#[error(
    "HTTP_BIND: {address} cannot be listened on: {reason}; a right one is HTTP_BIND=127.0.0.1:8080"
)]
pub struct BindError {
    address: SocketAddr,
    reason: std::io::Error,
}

/// Opens the listening socket.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|reason| BindError { address, reason })
}

/// A server that is about to run.
#[derive(Debug)]
pub struct Server {
    pub listener: TcpListener,
    pub desk: Desk,
}

impl Server {
    /// Serves until `stop` turns true, then lets open requests end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let service = TowerToHyperService::new(routes(self.desk));
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                break;
            };
            let (stream, peer) = tokio::select! {
                _ = stop.wait_for(|stopping| *stopping) => break,
                accepted = accept(&self.listener) => accepted,
            };
            let routes = service.clone();
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer.ip()));
                routes.call(request)
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT);
            let connection =
                graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "an HTTP connection ended early");
                }
                drop(place);
            });
        }
        if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("open HTTP requests were cut off");
        }
    }
}

/// The next connection. Trouble while accepting (no file descriptors) passes; accepting goes on a moment later.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
