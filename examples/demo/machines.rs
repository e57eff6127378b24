//! The machines whose endpoints the demo checks: web servers on loopback that can go down and come back on the same ports.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A machine with some web servers.
pub struct Machine {
    addresses: Vec<SocketAddr>,
    servers: Vec<JoinHandle<()>>,
}

impl Machine {
    /// Starts a machine with as many web servers.
    pub async fn start(servers: usize) -> std::io::Result<Self> {
        let mut machine = Self {
            addresses: Vec::with_capacity(servers),
            servers: Vec::with_capacity(servers),
        };
        for _ in 0..servers {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            machine.addresses.push(listener.local_addr()?);
            machine.servers.push(tokio::spawn(serve(listener)));
        }
        Ok(machine)
    }

    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.addresses.iter().map(SocketAddr::port)
    }

    /// Stops all its servers: connections are refused.
    pub async fn goes_down(&mut self) {
        for server in self.servers.drain(..) {
            server.abort();
            // Returns "cancelled", as requested. The socket is closed then.
            let _ = server.await;
        }
    }

    /// Starts its servers on the same ports. Does nothing while they run.
    pub async fn comes_back(&mut self) -> std::io::Result<()> {
        if self.is_up() {
            return Ok(());
        }
        for address in &self.addresses {
            let listener = TcpListener::bind(address).await?;
            self.servers.push(tokio::spawn(serve(listener)));
        }
        Ok(())
    }

    pub fn is_up(&self) -> bool {
        !self.servers.is_empty()
    }
}

async fn serve(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut request = [0; 1024];
            // A client that hangs up early gets no response, which is fine.
            let _ = stream.read(&mut request).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                .await;
        });
    }
}
