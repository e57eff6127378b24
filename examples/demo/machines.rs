//! The machines whose endpoints the demo checks: web servers on loopback that can go down and come back on the same ports.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// A machine with some web servers.
pub struct Machine {
    addresses: Vec<SocketAddr>,
    servers: Vec<JoinHandle<()>>,
    /// Sockets whose queues are full, while the machine hangs.
    hanging: Vec<(TcpListener, TcpStream)>,
}

impl Machine {
    /// Starts a machine with as many web servers.
    pub async fn start(servers: usize) -> std::io::Result<Self> {
        let mut machine = Self {
            addresses: Vec::with_capacity(servers),
            servers: Vec::with_capacity(servers),
            hanging: Vec::new(),
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

    /// Stops all its servers as if its cable were pulled: connections are not even refused.
    pub async fn hangs(&mut self) -> std::io::Result<()> {
        self.goes_down().await;
        for address in &self.addresses {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(*address)?;
            // Room for one connection, which is never accepted: the kernel drops all others.
            let listener = socket.listen(0)?;
            let only = TcpStream::connect(address).await?;
            self.hanging.push((listener, only));
        }
        Ok(())
    }

    /// Starts its servers on the same ports. Does nothing while they run.
    pub async fn recovers(&mut self) -> std::io::Result<()> {
        if self.is_up() {
            return Ok(());
        }
        self.hanging.clear();
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
