//! The socket of a connection, which reports its progress, and the body of a response, which reports its end.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::progress::{CloseReason, ConnectionProgress};
use crate::clock::Stopwatch;

/// One open connection, shared by its socket, its requests and the table of connections.
#[derive(Debug)]
pub(super) struct OpenConnection {
    since_start: Stopwatch,
    progress: Mutex<ConnectionProgress>,
    /// Wakes the connection when it is to end.
    pub wake: Notify,
}

impl OpenConnection {
    /// A new connection; `since_start` runs since the start of the server.
    pub fn new(since_start: Stopwatch) -> Self {
        Self {
            since_start,
            progress: Mutex::new(ConnectionProgress::new(since_start.elapsed())),
            wake: Notify::new(),
        }
    }

    pub fn now(&self) -> Duration {
        self.since_start.elapsed()
    }

    /// When the connection ends if nothing happens before, and why.
    pub fn deadline(&self) -> (tokio::time::Instant, CloseReason) {
        let (deadline, reason) = self.progress().deadline();
        (self.since_start.after(deadline), reason)
    }

    pub fn progress(&self) -> MutexGuard<'_, ConnectionProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that reports its progress.
#[derive(Debug)]
pub(super) struct WatchedStream {
    pub stream: TcpStream,
    pub connection: Arc<OpenConnection>,
}

impl WatchedStream {
    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        let now = self.connection.now();
        match written {
            Poll::Pending => self.connection.progress().blocked(now),
            Poll::Ready(_) => self.connection.progress().written(),
        }
    }
}

impl Drop for WatchedStream {
    /// Resets a connection whose client does not read. Otherwise, the kernel would keep what was not sent for minutes.
    fn drop(&mut self) {
        if self.connection.progress().is_blocked() {
            // On failure, the kernel keeps it.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() && buffer.filled().len() > before {
            let now = self.connection.now();
            self.connection.progress().read(now);
        }
        read
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes once it has written everything.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            let now = self.connection.now();
            self.connection.progress().flushed(now);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The body of a response, which reports its end: hyper drops it when it has taken the last bytes.
#[derive(Debug)]
pub(super) struct WatchedBody {
    pub body: Body,
    pub connection: Arc<OpenConnection>,
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.connection.progress().complete_response();
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
