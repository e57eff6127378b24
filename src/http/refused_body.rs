//! A request that is refused before its body was read. The rest of the body is still on its way: the connection cannot be
//! used again, and the response says so. What arrives is read and dropped for a moment, because closing a connection with
//! unread data resets it, and the client might lose the response.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// How much of a refused body is read, and for how long.
const MOST: u64 = 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(2);

/// The body of a request, which knows whether it was read to its end.
pub(super) struct RequestBody {
    /// `None` once its rest is read elsewhere.
    inner: Option<Incoming>,
    is_read: Arc<AtomicBool>,
}

/// Whether the body of a request was read to its end.
#[derive(Clone, Debug)]
pub(super) struct BodyProgress(Arc<AtomicBool>);

impl RequestBody {
    pub fn new(inner: Incoming) -> (Self, BodyProgress) {
        let is_read = Arc::new(AtomicBool::new(inner.is_end_stream()));
        let progress = BodyProgress(Arc::clone(&is_read));
        let inner = Some(inner);
        (Self { inner, is_read }, progress)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(&mut *inner).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || inner.is_end_stream() {
            self.is_read.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map(Incoming::size_hint)
            .unwrap_or_default()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.is_read.load(Ordering::Relaxed) {
            return;
        }
        if let Some(rest) = self.inner.take() {
            tokio::spawn(tokio::time::timeout(LONGEST, discard(rest)));
        }
    }
}

/// Reads and drops the rest of a body.
async fn discard(mut rest: Incoming) {
    let mut seen = 0;
    while seen <= MOST {
        let frame = std::future::poll_fn(|context| Pin::new(&mut rest).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { return };
        seen += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}

/// Announces the end of the connection if the request was refused without reading its body.
pub(super) fn announce_close<B>(response: &mut Response<B>, progress: &BodyProgress) {
    let is_refused = response.status() >= StatusCode::BAD_REQUEST;
    if is_refused && !progress.0.load(Ordering::Relaxed) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
}
