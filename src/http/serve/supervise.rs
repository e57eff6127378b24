//! Serves a connection until it ends by itself, or until its progress says that it must end.

use std::pin::pin;
use std::task::Poll;

use super::progress::CloseReason;
use super::stream::OpenConnection;

/// Serves the connection. Returns why it was closed, or `None` if it ended by itself.
pub(super) async fn supervise(
    served: impl Future<Output = Result<(), hyper::Error>>,
    connection: &OpenConnection,
) -> Option<CloseReason> {
    let mut served = pin!(served);
    let mut woken = pin!(connection.wake.notified());
    let mut timer = pin!(tokio::time::sleep_until(connection.deadline().0));
    std::future::poll_fn(|context| {
        // It only wakes this task: the deadline below has passed for a connection that was replaced.
        let _ = woken.as_mut().poll(context);
        let reason = connection.deadline().1;
        if reason == CloseReason::Replaced {
            return Poll::Ready(Some(reason));
        }
        if let Poll::Ready(ended) = served.as_mut().poll(context) {
            if let Err(error) = ended {
                tracing::debug!(%error, "HTTP connection ended early");
            }
            return Poll::Ready(None);
        }
        let (deadline, reason) = connection.deadline();
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context).map(|()| Some(reason))
    })
    .await
}
