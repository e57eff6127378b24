//! The accept loop of the HTTP server. `axum::serve` installs no timer, so a client that sends its headers slowly would
//! never be disconnected. Here headers must arrive within five seconds, and the number of connections is limited.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::api::Peer;
use super::refused_body::{RequestBody, announce_close};
use super::{HttpState, TrustedProxies, routes};

/// The time a client has to send its headers; no legitimate client needs longer.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum number of open connections; more wait in the kernel's queue.
const CONNECTIONS: usize = 1_000;

/// How long shutdown waits for open requests.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// The address is in use, or is not an address of this machine.
#[derive(Debug, thiserror::Error)]
#[error(
    "HTTP_BIND: cannot listen on {address}: {reason}. Stop the program that uses this port, or choose another one. Example: HTTP_BIND=127.0.0.1:8081"
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

/// The HTTP server, ready to run.
#[derive(Debug)]
pub struct HttpServer {
    pub listener: TcpListener,
    pub app: HttpState,
}

impl HttpServer {
    /// Serves until `stop` turns true, then waits for open requests.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let trusted = self.app.trusted_proxies.clone();
        serve(self.listener, routes(self.app), CONNECTIONS, trusted, stop).await;
    }
}

/// Serves at most `slots` connections at the same time, until `stop` turns true.
async fn serve(
    listener: TcpListener,
    routes: Router,
    slots: usize,
    trusted: TrustedProxies,
    mut stop: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(routes);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(slots));
    loop {
        let (permit, stream, peer) = tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => break,
            accepted = accept(&listener, &slots) => match accepted {
                Some(accepted) => accepted,
                None => break,
            },
        };
        let routes = service.clone();
        let trusted = trusted.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let client = trusted.client(peer.ip(), request.headers());
            request.extensions_mut().insert(Peer(client));
            answer(routes.clone(), request)
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT);
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "HTTP connection ended early");
            }
            drop(permit);
        });
    }
    if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("shutdown aborted open HTTP requests");
    }
}

/// Answers one request.
async fn answer(
    routes: TowerToHyperService<Router>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let (body, progress) = RequestBody::new(body);
    let mut response = routes.call(Request::from_parts(parts, body)).await?;
    announce_close(&mut response, &progress);
    Ok(response)
}

/// The next connection, with its permit. An error while accepting (such as no free file descriptors) is temporary, so it is
/// tried again after 100 ms.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let permit = Arc::clone(slots).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Some((permit, stream, peer)),
            Err(error) => {
                tracing::warn!(%error, "cannot accept HTTP connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use axum::http::StatusCode;
    use axum::routing::get;

    use super::*;

    /// A client with a keep-alive connection.
    struct Client(std::net::TcpStream);

    impl Client {
        fn connect(address: SocketAddr) -> Self {
            Self(std::net::TcpStream::connect(address).unwrap())
        }

        fn send_request(&mut self) {
            self.0
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .unwrap();
        }

        /// The start of a response; `None` if there is none yet.
        fn answer(&mut self, wait: bool) -> Option<String> {
            self.0.set_nonblocking(!wait).unwrap();
            let mut answer = [0; 512];
            let length = self.0.read(&mut answer).ok()?;
            Some(String::from_utf8_lossy(&answer[..length]).into_owned())
        }
    }

    /// A server with a page, and with a request that is refused without reading its body.
    fn refusing() -> Router {
        Router::new()
            .route("/", get(async || "here"))
            .route(
                "/refused",
                axum::routing::post(async || StatusCode::FORBIDDEN),
            )
            .route(
                "/read",
                axum::routing::post(async |_: axum::body::Bytes| StatusCode::FORBIDDEN),
            )
    }

    /// Sends a request with a body of this length, and reads everything until the server closes, or, if it does not, one
    /// response.
    fn post(address: SocketAddr, path: &str, length: usize) -> (String, bool) {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![b'x'; length]).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let is_second_answered = answer.contains("here");
        (answer, is_second_answered)
    }

    #[test]
    fn a_refused_body_closes_the_connection_and_the_client_gets_the_response() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime
            .block_on(bind("127.0.0.1:0".parse().unwrap()))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopping) = watch::channel(false);
        runtime.spawn(serve(
            listener,
            refusing(),
            10,
            TrustedProxies::default(),
            stopping,
        ));
        for (path, length, is_closed) in [
            ("/refused", 0, false),
            ("/refused", 10, true),
            ("/refused", 900_000, true),
            ("/read", 900_000, false),
        ] {
            let (answer, is_second_answered) = post(address, path, length);
            assert!(
                answer.starts_with("HTTP/1.1 403"),
                "{path} {length}: {answer}"
            );
            let first = answer.split("\r\n\r\n").next().unwrap_or_default();
            let announces = first.contains("connection: close");
            assert_eq!(
                (announces, is_second_answered),
                (is_closed, !is_closed),
                "{path} {length}: {answer}"
            );
        }
    }

    #[test]
    fn a_connection_over_the_limit_waits_for_a_free_slot() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime
            .block_on(bind("127.0.0.1:0".parse().unwrap()))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(async || "here"));
        let (stop, stopping) = watch::channel(false);
        let serving = runtime.spawn(serve(
            listener,
            routes,
            2,
            TrustedProxies::default(),
            stopping,
        ));
        let mut clients = [0, 1, 2].map(|_| Client::connect(address));
        for client in &mut clients {
            client.send_request();
        }
        let [mut first, second, mut third] = clients;
        assert!(first.answer(true).unwrap().ends_with("here"));
        for _ in 0..20 {
            first.send_request();
            assert!(first.answer(true).unwrap().ends_with("here"));
            assert_eq!(third.answer(false), None, "two are open already");
        }
        drop(second);
        assert!(third.answer(true).unwrap().ends_with("here"));
        // With every slot taken, shutdown is immediate and does not wait for the header timeout.
        stop.send(true).unwrap();
        let ended = async { tokio::time::timeout(HEADER_TIMEOUT / 2, serving).await };
        runtime.block_on(ended).unwrap().unwrap();
        drop((first, third));
    }
}
