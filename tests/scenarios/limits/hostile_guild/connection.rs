//! A connection that is kept for many requests, so that sending them costs the machine little.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::client::Client;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects when it is needed, again and again.
pub struct Connection {
    client: Client,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

/// A request with a key.
pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub key: &'a str,
    pub body: &'a str,
}

impl Connection {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            stream: None,
            received: Vec::new(),
        }
    }

    /// The status of the response, or 0 if the connection ended before it.
    pub fn send(&mut self, request: &Request<'_>) -> u16 {
        let status = self.exchange(request).unwrap_or(0);
        if status == 0 {
            self.stream = None;
        }
        status
    }

    fn exchange(&mut self, request: &Request<'_>) -> std::io::Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.client.connect_blocking()?,
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
            request.method,
            request.path,
            request.key,
            request.body.len(),
            request.body
        );
        stream.write_all(head.as_bytes())?;
        self.received.clear();
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = stream.read(&mut buffer)?;
            self.received.extend_from_slice(&buffer[..count]);
            let Some((head, length)) = self.parts() else {
                if count == 0 {
                    return Ok(0);
                }
                continue;
            };
            let is_last = head.contains("connection: close");
            if self.received.len() >= length || count == 0 {
                let status = head.get(9..12).and_then(|status| status.parse().ok());
                self.stream = Some(stream).filter(|_| !is_last);
                return Ok(status.unwrap_or(0));
            }
        }
    }

    /// The head of the response in lower case, and the length of the whole response, once the head has arrived.
    fn parts(&self) -> Option<(String, usize)> {
        let end = self
            .received
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.received[..end]).to_lowercase();
        let body: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        Some((head, end + 4 + body))
    }
}
