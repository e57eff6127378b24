//! The client side of the relay: the socket that serenity opens on loopback. It gets HELLO immediately and its heartbeats
//! are always acknowledged, so serenity cannot get stuck, whatever the real gateway does. Other programs on this machine
//! can reach the port, so the path is secret.

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

/// Limit for a send. A client that has full buffers and reads nothing for this long counts as disconnected.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// A payload from serenity.
pub(super) struct Received {
    pub kind: FromClient,
    pub text: String,
}

/// One of serenity's sockets.
pub(super) struct Client(WebSocketStream<TcpStream>);

impl Client {
    /// Accepts the WebSocket upgrade if the path is right, and sends HELLO.
    pub(super) async fn accept(stream: TcpStream, path: &str) -> Result<Self, Error> {
        #[expect(
            clippy::result_large_err,
            reason = "the library defines the callback's type"
        )]
        let check_path = |request: &Request, response: Response| {
            if request.uri().path() == path {
                return Ok(response);
            }
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = StatusCode::NOT_FOUND;
            Err(refusal)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, check_path).await?;
        socket.send(Message::Text(frames::hello())).await?;
        Ok(Self(socket))
    }

    /// The next payload from serenity; `None` when it has disconnected. Cancel-safe.
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

    /// Waits until serenity disconnects. Acknowledges heartbeats and ignores everything else.
    pub(super) async fn gone(&mut self) {
        while let Some(received) = self.receive().await {
            if received.kind == FromClient::Heartbeat && !self.answer_heartbeat().await {
                return;
            }
        }
    }

    /// Sends a payload; returns whether serenity accepted it in time.
    pub(super) async fn send(&mut self, text: String) -> bool {
        let sending = self.0.send(Message::Text(text));
        let sent = tokio::time::timeout(SEND_TIMEOUT, sending).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Acknowledges a heartbeat; returns whether serenity accepted that.
    pub(super) async fn answer_heartbeat(&mut self) -> bool {
        self.send(frames::heartbeat_ack()).await
    }

    /// Closes the socket with a close code.
    pub(super) async fn close(mut self, code: u16) {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        };
        // serenity may have disconnected first.
        let _ = self.0.close(Some(frame)).await;
    }
}
