//! The target of the checks, in its own process: responds with `200` and two bytes and closes, over HTTP and TLS;
//! accepts TCP connections; and has two ports, with and without TLS, that read a request and never respond.

use std::io::Write;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{Result, certificate};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// How a port treats its connections.
#[derive(Clone)]
struct Service {
    tls: Option<TlsAcceptor>,
    manner: Manner,
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Answers,
    Stalls,
    JustOpens,
}

/// Opens every port, prints them in one line, and serves until the process is killed.
pub async fn run(folder: &Path) -> Result<()> {
    let tls = TlsAcceptor::from(certificate::server(folder)?);
    let services = [
        (None, Manner::Answers),
        (Some(tls.clone()), Manner::Answers),
        (None, Manner::JustOpens),
        (None, Manner::Stalls),
        (Some(tls), Manner::Stalls),
    ];
    let mut ports = Vec::new();
    for (tls, manner) in services {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([0, 0, 0, 0], 0).into())?;
        let listener = socket.listen(4096)?;
        ports.push(listener.local_addr()?.port().to_string());
        tokio::spawn(accept_all(listener, Service { tls, manner }));
    }
    writeln!(std::io::stdout(), "{}", ports.join(" "))?;
    std::future::pending::<()>().await;
    Ok(())
}

async fn accept_all(listener: TcpListener, service: Service) {
    loop {
        // An error means that no file descriptor is free: the next attempt may succeed.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(open(stream, service.clone()));
        }
    }
}

async fn open(stream: TcpStream, service: Service) {
    if service.manner == Manner::JustOpens || stream.set_nodelay(true).is_err() {
        return;
    }
    match service.tls {
        None => serve(stream, service.manner).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, service.manner).await;
            }
        }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, manner: Manner) {
    let mut request = [0_u8; 1024];
    let mut length = 0;
    while !request[..length].ends_with(b"\r\n\r\n") {
        match stream.read(&mut request[length..]).await {
            Ok(more) if more > 0 => length += more,
            _ => return,
        }
    }
    if manner == Manner::Stalls {
        // Until the client gives up.
        let _ = stream.read(&mut request).await;
    } else if stream.write_all(ANSWER).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}
