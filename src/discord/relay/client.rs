//! serenity's end: the socket that it opens on loopback. It is greeted at once and its heartbeats are always answered, so
//! nothing that the real gateway does can wedge it. Other programs on this machine can reach the port, so the path is a
//! secret.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::frames::{self, FromClient};

/// A client that reads nothing for this long, with its buffers full, is not there.
const DEAF: Duration = Duration::from_secs(10);

/// Something that serenity said.
pub(super) struct Received {
    pub kind: FromClient,
    pub text: String,
}

/// One socket of serenity's.
pub(super) struct Client(WebSocketStream<TcpStream>);

impl Client {
    /// Takes the upgrade of whoever knows the path, and says hello.
    pub(super) async fn accept(stream: TcpStream, path: &str) -> Result<Self, Error> {
        #[expect(
            clippy::result_large_err,
            reason = "the callback's type is the library's"
        )]
        let only_ours = |request: &Request, response: Response| {
            if request.uri().path() == path {
                return Ok(response);
            }
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = StatusCode::NOT_FOUND;
            Err(refusal)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, only_ours).await?;
        socket.send(Message::Text(frames::hello())).await?;
        Ok(Self(socket))
    }

    /// What serenity says next; `None` when it is gone. Nothing is lost where the wait is given up.
    pub(super) async fn receive(&mut self) -> Option<Received> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    let kind = frames::from_client(&text);
                    return Some(Received { kind, text });
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits until serenity is gone, its heartbeats answered and whatever else it says passed over.
    pub(super) async fn gone(&mut self) {
        while let Some(received) = self.receive().await {
            if received.kind == FromClient::Heartbeat && !self.answer_heartbeat().await {
                return;
            }
        }
    }

    /// Whether serenity took it, in time.
    pub(super) async fn send(&mut self, text: String) -> bool {
        let telling = self.0.send(Message::Text(text));
        matches!(tokio::time::timeout(DEAF, telling).await, Ok(Ok(())))
    }

    /// Whether serenity took it.
    pub(super) async fn answer_heartbeat(&mut self) -> bool {
        self.send(frames::heartbeat_ack()).await
    }

    /// Ends it with a close code.
    pub(super) async fn close(mut self, code: u16) {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        };
        // serenity may have gone first.
        let _ = self.0.close(Some(frame)).await;
    }
}
