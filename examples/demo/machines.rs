//! The machines whose endpoints the demo checks: web servers on loopback that can go down and come back on the same ports.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// How many connections wait until a web server accepts them.
const QUEUE: u32 = 128;

/// A machine with some web servers.
pub struct Machine {
    addresses: Vec<SocketAddr>,
    /// Sockets that hold the ports while no server listens: no other program gets them, and connections are refused.
    held: Vec<TcpSocket>,
    servers: Vec<JoinHandle<()>>,
    /// Sockets whose queues are full, while the machine hangs.
    hanging: Vec<(TcpListener, TcpStream)>,
}

impl Machine {
    /// Starts a machine with as many web servers.
    pub fn start(servers: usize) -> std::io::Result<Self> {
        let mut machine = Self {
            addresses: Vec::with_capacity(servers),
            held: Vec::with_capacity(servers),
            servers: Vec::with_capacity(servers),
            hanging: Vec::new(),
        };
        for _ in 0..servers {
            let held = bind((Ipv4Addr::LOCALHOST, 0).into())?;
            let address = held.local_addr()?;
            let listener = bind(address)?.listen(QUEUE)?;
            machine.addresses.push(address);
            machine.held.push(held);
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
            // Room for one connection, which is never accepted: the kernel drops all others.
            let listener = bind(*address)?.listen(0)?;
            let only = TcpStream::connect(address).await?;
            self.hanging.push((listener, only));
        }
        Ok(())
    }

    /// Starts its servers on the same ports. Does nothing while they run.
    pub fn recovers(&mut self) -> std::io::Result<()> {
        if self.is_up() {
            return Ok(());
        }
        self.hanging.clear();
        for address in &self.addresses {
            let listener = bind(*address)?.listen(QUEUE)?;
            self.servers.push(tokio::spawn(serve(listener)));
        }
        Ok(())
    }

    pub fn is_up(&self) -> bool {
        !self.servers.is_empty()
    }
}

/// A socket that shares its port with the other sockets of the machine.
fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // As soon as a server has ended, the next one may have its port.
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
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
