//! The gateway: a WebSocket server of the sandbox's own, so that it can misbehave at every stage.

mod session;

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::faults::CloseWith;
use crate::outlet::ToClient;
use crate::shared::Shared;
use session::Connection;

/// Accepts connections forever; `is_for_resumes` if this is the resume address in READY.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, is_for_resumes: bool) {
    // Keeps the sockets that never get an answer; dropping them would close them.
    let mut unanswered = Vec::new();
    while let Ok((stream, _)) = listener.accept().await {
        let faults = shared.change(|world| {
            world.record.connections += 1;
            world.record.connections_to_resume += usize::from(is_for_resumes);
            world.faults
        });
        if faults.refuse {
            continue;
        }
        if faults.never_upgrade {
            unanswered.push(stream);
            continue;
        }
        tokio::spawn(run_connection(stream, Arc::clone(&shared), is_for_resumes));
    }
}

/// Runs one connection, from the upgrade to its end.
async fn run_connection(stream: TcpStream, shared: Arc<Shared>, is_for_resumes: bool) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let (outlet, mut to_client) = mpsc::unbounded_channel();
    let faults = shared.read().faults;
    let skips_hello = faults.never_hello || faults.never_hello_to_resume && is_for_resumes;
    if !skips_hello {
        let interval = u64::try_from(shared.heartbeat_interval.as_millis()).unwrap_or(u64::MAX);
        let hello =
            json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": interval } });
        if send(&mut socket, &hello, false).await.is_err() {
            return;
        }
    }
    let mut connection = Connection::new(Arc::clone(&shared), outlet);
    loop {
        shared
            .wait_until(|world| (!world.faults.unresponsive).then_some(()))
            .await;
        tokio::select! {
            message = socket.next() => {
                let Some(Ok(message)) = message else { break };
                let text = match message {
                    Message::Text(text) => text,
                    Message::Close(_) => break,
                    _ => continue,
                };
                connection.received(&text);
            }
            Some(message) = to_client.recv() => match message {
                ToClient::Payload(payload) => {
                    let compress = shared.compress && connection.wants_compression;
                    if send(&mut socket, &payload, compress).await.is_err() {
                        break;
                    }
                }
                ToClient::Close(how) => {
                    close(&mut socket, how).await;
                    break;
                }
            }
        }
    }
    connection.ended();
}

async fn send(
    socket: &mut WebSocketStream<TcpStream>,
    payload: &Value,
    compress: bool,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let text = payload.to_string();
    if !compress {
        return socket.send(Message::Text(text)).await;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes())?;
    socket.send(Message::Binary(encoder.finish()?)).await
}

async fn close(socket: &mut WebSocketStream<TcpStream>, how: CloseWith) {
    let frame = match how {
        CloseWith::Drop => return,
        CloseWith::Reset => {
            // With zero linger, dropping the socket sends RST. If that fails, the connection closes normally.
            let _ = socket.get_ref().set_zero_linger();
            return;
        }
        CloseWith::Empty => None,
        CloseWith::Code(code) => Some(CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        }),
    };
    // The bot may have closed first.
    let _ = socket.close(frame).await;
}
