//! HTTP clients with a source address of their own: every address of 127.0.0.0/8 is one client to Rollcall.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use tokio::net::TcpSocket;

/// A client at one address.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    source: Ipv4Addr,
    server: SocketAddr,
}

/// Status, header lines and body of a response. The status is 0 if the server closed the connection without a response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Client {
    /// A client at 127.0.0.`number` of the server at this address or, if it is bound to all addresses, at 127.0.0.1.
    pub fn new(number: u8, server: SocketAddr) -> Self {
        let server = match server.ip().is_unspecified() {
            true => SocketAddr::from((Ipv4Addr::LOCALHOST, server.port())),
            false => server,
        };
        Self {
            source: Ipv4Addr::new(127, 0, 0, number),
            server,
        }
    }

    /// A new connection; its receive buffer has this many bytes, or the system's default.
    pub async fn connect(self, receive_buffer: Option<u32>) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.source, 0).into())?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(self.server).await?.into_std()?;
        stream.set_nonblocking(false)?;
        Ok(stream)
    }

    /// A new connection, outside of a runtime.
    pub fn connect_blocking(self) -> std::io::Result<TcpStream> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        runtime.block_on(self.connect(None))
    }

    /// A response to a request that ends the connection. `headers` are whole lines.
    pub async fn get(self, path: &str, headers: &str) -> Response {
        let mut stream = self.connect(None).await.unwrap();
        tokio::task::block_in_place(|| {
            let head =
                format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
            // A server that refuses a connection may hang up before it has read everything.
            let _ = stream.write_all(head.as_bytes());
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
            Response {
                status: head.get(9..12).map_or(0, |status| status.parse().unwrap()),
                head: head.to_owned(),
                body: body.to_owned(),
            }
        })
    }
}
