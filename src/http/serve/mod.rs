//! The accept loop of the HTTP server, and its limits. `axum::serve` has none: a client that sends or reads slowly, or not at
//! all, would hold its connection for ever.

mod admission;
mod progress;
mod refusal;
mod stream;
mod supervise;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use strum::VariantArray;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::api::Peer;
use super::refused_body::{RequestBody, announce_close};
use super::{HttpState, operator_pages, operator_routes, routes};
use crate::metrics::Metrics;
use admission::{AcceptedConnection, ConnectionLimits, Connections, RefusedConnection};
use progress::CloseReason;
use refusal::REFUSALS;
use stream::{OpenConnection, WatchedBody, WatchedStream};

/// The maximum size of the head of a request, in bytes: twice what other servers accept. Beyond it, the response is 431.
const LONGEST_HEAD: usize = 16 * 1024;

/// The maximum number of headers, as many as other servers accept. Beyond it, the response is 431.
const MOST_HEADERS: usize = 100;

/// How long shutdown waits for open requests.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// The wait after an error while accepting.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Why the listening socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// This can change without a change of the settings.
    #[error(
        "{setting}: cannot listen on {address}: another program uses this port. Stop that program, or choose another port. Example: {setting}=127.0.0.1:8081"
    )]
    InUse {
        setting: &'static str,
        address: SocketAddr,
    },
    #[error(
        "{setting}: cannot listen on {address}: {reason}. Use an address of this machine and a port that Rollcall may open. Example: {setting}=127.0.0.1:8080"
    )]
    Refused {
        setting: &'static str,
        address: SocketAddr,
        reason: std::io::Error,
    },
}

/// Opens a listening socket; `setting` is the name of the setting with the address.
pub async fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|reason| match reason.kind() {
            std::io::ErrorKind::AddrInUse => BindError::InUse { setting, address },
            _ => BindError::Refused {
                setting,
                address,
                reason,
            },
        })
}

/// The HTTP server, ready to run.
#[derive(Debug)]
pub struct HttpServer {
    pub listener: TcpListener,
    /// The port of the operator's pages; `None`: they are on the other one.
    pub metrics_listener: Option<TcpListener>,
    pub app: HttpState,
    /// What people read in a browser, with its state.
    pub pages: Router,
}

impl HttpServer {
    /// Serves until `stop` turns true, then waits for open requests.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let app = self.app;
        app.metrics.show_http_reasons(
            RefusedConnection::VARIANTS.iter().map(|of| of.into_str()),
            CloseReason::VARIANTS.iter().map(|of| of.into_str()),
        );
        let connections = |limits| Arc::new(Connections::new(limits, &app));
        let all = connections(ConnectionLimits::DEFAULT);
        match self.metrics_listener {
            None => {
                let routes = routes(app.clone(), Some(operator_pages())).merge(self.pages);
                serve(self.listener, routes, all, stop).await;
            }
            Some(listener) => {
                let scrapers = connections(ConnectionLimits::OF_OPERATOR);
                let operator = operator_routes(app.clone());
                let operator = serve(listener, operator, scrapers, stop.clone());
                let routes = routes(app.clone(), None).merge(self.pages);
                let others = serve(self.listener, routes, all, stop);
                tokio::join!(operator, others);
            }
        }
    }
}

/// Serves until `stop` turns true.
async fn serve(
    listener: TcpListener,
    routes: Router,
    connections: Arc<Connections>,
    mut stop: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(routes);
    let graceful = GracefulShutdown::new();
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    loop {
        let (stream, peer) = tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let own = stream.local_addr().map(|address| address.ip()).ok();
        match connections.accept(peer.ip(), own) {
            Ok(accepted) => {
                let end = run(stream, peer.ip(), &accepted, service.clone(), &graceful);
                let metrics = Arc::clone(&connections.metrics);
                tokio::spawn(async move {
                    report(end.await, &metrics);
                    drop(accepted);
                });
            }
            Err(refused) => {
                let label = [refused.into_str()];
                let counter = &connections.metrics.http_connections_refused;
                counter.with_label_values(&label).inc();
                // Without a permit, the connection is closed at once.
                if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                    tokio::spawn(async move {
                        refusal::refuse(stream, refused).await;
                        drop(permit);
                    });
                }
            }
        }
    }
    if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("shutdown aborted open HTTP requests");
    }
}

/// Why a connection was closed; `None` if it ended by itself.
type End = Option<CloseReason>;

/// Serves one connection.
fn run(
    stream: TcpStream,
    peer: IpAddr,
    accepted: &AcceptedConnection,
    routes: TowerToHyperService<Router>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = End> + use<> {
    let connection = Arc::clone(&accepted.connection);
    let trusted = accepted.trusted().clone();
    let open = Arc::clone(&connection);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let now = open.now();
        open.progress().begin_request(now);
        let client = trusted.client(peer, request.headers());
        request.extensions_mut().insert(Peer(client));
        answer(routes.clone(), request, Arc::clone(&open))
    });
    let stream = WatchedStream {
        stream,
        connection: Arc::clone(&connection),
    };
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.max_buf_size(LONGEST_HEAD).max_headers(MOST_HEADERS);
    let served = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
    async move { supervise::supervise(served, &connection).await }
}

fn report(end: End, metrics: &Metrics) {
    if let Some(reason) = end {
        let label = [reason.into_str()];
        metrics
            .http_connections_closed
            .with_label_values(&label)
            .inc();
    }
}

/// Answers one request.
async fn answer(
    routes: TowerToHyperService<Router>,
    request: Request<Incoming>,
    connection: Arc<OpenConnection>,
) -> Result<hyper::Response<WatchedBody>, Infallible> {
    let (parts, body) = request.into_parts();
    let (body, progress) = RequestBody::new(body);
    let mut response: Response = routes.call(Request::from_parts(parts, body)).await?;
    announce_close(&mut response, &progress);
    Ok(response.map(|body| WatchedBody { body, connection }))
}

/// The next connection. An error while accepting (such as no free file descriptors) is temporary, so it is tried again.
async fn accept(listener: &TcpListener, connections: &Connections) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept HTTP connection");
                connections.note_full();
                tokio::time::sleep(ACCEPT_AGAIN).await;
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
    use crate::health::Health;
    use crate::http::{KnownCallers, TrustedProxies};

    /// At most this many connections, all of them from one network.
    fn at_most(all: usize) -> Arc<Connections> {
        let limits = ConnectionLimits {
            all,
            kept_for_known: 0,
            kept_for_this_machine: 0,
            network: all + 1,
            has_heartbeats: true,
        };
        Arc::new(Connections::with(
            limits,
            KnownCallers::default(),
            TrustedProxies::default(),
            Arc::new(Metrics::new().unwrap()),
            Arc::new(Health::new()),
        ))
    }

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
            .block_on(bind("HTTP_BIND", "127.0.0.1:0".parse().unwrap()))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopping) = watch::channel(false);
        runtime.spawn(serve(listener, refusing(), at_most(10), stopping));
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
    fn at_the_limit_idle_connections_give_way_and_without_one_new_ones_are_refused() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime
            .block_on(bind("HTTP_BIND", "127.0.0.1:0".parse().unwrap()))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(async || "here"));
        let (stop, stopping) = watch::channel(false);
        let connections = at_most(2);
        let serving = runtime.spawn(serve(listener, routes, Arc::clone(&connections), stopping));
        let [mut first, mut second] = [0, 1].map(|_| Client::connect(address));
        // Neither has sent a request, so neither is idle.
        let mut third = Client::connect(address);
        let refused = third.answer(true).unwrap();
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        let counter = &connections.metrics.http_connections_refused;
        assert_eq!(counter.with_label_values(&["full"]).get(), 1);
        for client in [&mut first, &mut second] {
            client.send_request();
            assert!(client.answer(true).unwrap().ends_with("here"));
        }
        second.send_request();
        assert!(second.answer(true).unwrap().ends_with("here"));
        let mut third = Client::connect(address);
        third.send_request();
        assert!(third.answer(true).unwrap().ends_with("here"));
        assert_eq!(first.answer(true).as_deref(), Some(""), "closed");
        let counter = &connections.metrics.http_connections_closed;
        let replaced = counter.with_label_values(&["replaced"]);
        // It is counted after the connection was closed.
        let counted = async {
            while replaced.get() == 0 {
                tokio::task::yield_now().await;
            }
        };
        let counted = async { tokio::time::timeout(Duration::from_secs(5), counted).await };
        runtime.block_on(counted).unwrap();
        // Shutdown is immediate: it does not wait for idle connections, nor for heads.
        stop.send(true).unwrap();
        let ended = async { tokio::time::timeout(Duration::from_secs(3), serving).await };
        runtime.block_on(ended).unwrap().unwrap();
        drop((second, third));
    }
}
