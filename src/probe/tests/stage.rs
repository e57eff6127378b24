//! Servers on the loopback that behave, or misbehave, as they are told.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A listening server; it ends when dropped.
pub(super) struct Stand {
    pub(super) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    /// The heads of the questions that came, where the script kept them.
    pub(super) questions: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Stand {
    /// Every connection gets the script, in a task of its own.
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

    /// Reads the question, writes these bytes and closes.
    pub(super) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::saying(vec![answer.into()], End::Close).await
    }

    /// Reads the question, writes the pieces (each in a packet of its own, as far as the kernel lets us) and ends so.
    pub(super) async fn saying(pieces: Vec<Vec<u8>>, end: End) -> Self {
        let questions = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&questions);
        let pieces = Arc::new(pieces);
        let mut stand = Self::with(move |mut stream| {
            let (pieces, heard) = (Arc::clone(&pieces), Arc::clone(&heard));
            async move {
                stream.set_nodelay(true).unwrap();
                let question = hear(&mut stream).await;
                heard.lock().unwrap().push(question);
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
    /// Kept open for ever: the far side hangs.
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

/// Reads a question up to its empty line.
pub(super) async fn hear<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut question = Vec::new();
    while !question.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut question).await.unwrap_or(0) == 0 {
            break;
        }
    }
    String::from_utf8(question).unwrap()
}

/// Writes the same bytes until nobody takes them any more.
pub(super) async fn repeat<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) {
    while stream.write_all(bytes).await.is_ok() {}
}

/// An address of the loopback where nobody listens: bound once, and closed again.
pub(super) async fn closed_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}
