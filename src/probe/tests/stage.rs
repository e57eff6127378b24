//! Test servers on loopback that behave, or misbehave, as scripted.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A listening server; it stops on drop.
pub(super) struct Stand {
    pub(super) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    /// The heads of the received requests, if the script records them.
    pub(super) questions: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Stand {
    /// Runs the script for every connection, in its own task.
    pub(super) async fn with<F, Fut>(script: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::on(Ipv4Addr::LOCALHOST.into(), script).await
    }

    pub(super) async fn on<F, Fut>(ip: IpAddr, script: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(stream));
            }
        });
        Self {
            address,
            accepted,
            questions: Arc::default(),
            task,
        }
    }

    /// Reads the request, writes these bytes and closes.
    pub(super) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::saying(vec![answer.into()], End::Close).await
    }

    /// Reads the request, writes the pieces (each in its own packet, as far as the kernel allows) and ends as given.
    pub(super) async fn saying(pieces: Vec<Vec<u8>>, end: End) -> Self {
        let questions = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&questions);
        let pieces = Arc::new(pieces);
        let mut stand = Self::with(move |mut stream| {
            let (pieces, requests) = (Arc::clone(&pieces), Arc::clone(&requests));
            async move {
                stream.set_nodelay(true).unwrap();
                let request = read_request(&mut stream).await;
                requests.lock().unwrap().push(request);
                for piece in pieces.iter() {
                    if stream.write_all(piece).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                end.of(stream).await;
            }
        })
        .await;
        stand.questions = questions;
        stand
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) fn tcp(&self) -> String {
        format!("tcp://{}", self.address)
    }

    pub(super) fn http(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(super) fn questions(&self) -> Vec<String> {
        self.questions.lock().unwrap().clone()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How a connection ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    Close,
    Reset,
    /// Stays open forever: the server hangs.
    Hold,
}

impl End {
    pub(super) async fn of(self, stream: TcpStream) {
        match self {
            Self::Close => drop(stream),
            Self::Reset => {
                stream.set_zero_linger().unwrap();
                drop(stream);
            }
            Self::Hold => {
                std::future::pending::<()>().await;
                drop(stream);
            }
        }
    }
}

/// Reads a request up to its empty line.
pub(super) async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            break;
        }
    }
    String::from_utf8(request).unwrap()
}

/// Writes the same bytes until the client closes the connection.
pub(super) async fn repeat<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) {
    while stream.write_all(bytes).await.is_ok() {}
}

/// A loopback address where nothing listens: bound once and closed again.
pub(super) async fn closed_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}
