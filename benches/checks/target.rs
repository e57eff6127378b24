//! The other side, in a process of its own: answers `200` with two bytes and closes, over HTTP and TLS; takes TCP
//! connections; and one door that takes a question and never answers.

use std::io::Write;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{Result, certificate};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// How a door treats whoever knocks.
#[derive(Clone)]
struct Door {
    tls: Option<TlsAcceptor>,
    manner: Manner,
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Answers,
    Stalls,
    JustOpens,
}

/// Opens every door, prints their ports in one line, and serves until the process is killed.
pub async fn run(folder: &Path) -> Result<()> {
    let tls = TlsAcceptor::from(certificate::server(folder)?);
    let doors = [
        (None, Manner::Answers),
        (Some(tls.clone()), Manner::Answers),
        (None, Manner::JustOpens),
        (None, Manner::Stalls),
        (Some(tls), Manner::Stalls),
    ];
    let mut ports = Vec::new();
    for (tls, manner) in doors {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([0, 0, 0, 0], 0).into())?;
        let listener = socket.listen(4096)?;
        ports.push(listener.local_addr()?.port().to_string());
        tokio::spawn(keep(listener, Door { tls, manner }));
    }
    writeln!(std::io::stdout(), "{}", ports.join(" "))?;
    std::future::pending::<()>().await;
    Ok(())
}

async fn keep(listener: TcpListener, door: Door) {
    loop {
        // Out of file descriptors: the next one may be luckier.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(open(stream, door.clone()));
        }
    }
}

async fn open(stream: TcpStream, door: Door) {
    if door.manner == Manner::JustOpens || stream.set_nodelay(true).is_err() {
        return;
    }
    match door.tls {
        None => serve(stream, door.manner).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, door.manner).await;
            }
        }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, manner: Manner) {
    let mut question = [0_u8; 1024];
    let mut length = 0;
    while !question[..length].ends_with(b"\r\n\r\n") {
        match stream.read(&mut question[length..]).await {
            Ok(more) if more > 0 => length += more,
            _ => return,
        }
    }
    if manner == Manner::Stalls {
        // Until the other side gives up.
        let _ = stream.read(&mut question).await;
    } else if stream.write_all(ANSWER).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}
