//! What the endpoints of the guild are: a server that answers with `200` and closes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Result;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// Serves until the end of the process; returns the port.
pub async fn start() -> Result<u16> {
    let listener = TcpListener::bind(("0.0.0.0", 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        }
    });
    Ok(port)
}

async fn serve(mut stream: TcpStream) {
    let mut request = [0_u8; 1024];
    let read = stream.read(&mut request).await;
    if read.is_ok_and(|length| length > 0) && stream.write_all(ANSWER).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}
