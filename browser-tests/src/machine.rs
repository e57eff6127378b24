//! A machine with web servers on loopback, which goes down for a real incident.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Its servers answer every request with 200 until it hangs.
pub struct Machine {
    servers: Vec<Server>,
}

struct Server {
    address: SocketAddr,
    state: State,
}

enum State {
    Serving(Serving),
    /// The port and the only connection that its queue has room for.
    Hanging {
        _queue: (TcpListener, TcpStream),
    },
    Stopped,
}

struct Serving {
    is_stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Machine {
    /// Starts web servers on these addresses; with port 0, on a free one.
    ///
    /// # Errors
    /// If an address is not of this machine, or is taken.
    pub fn start(addresses: &[SocketAddr]) -> std::io::Result<Self> {
        let start = |address: &SocketAddr| {
            let listener = TcpListener::bind(address)?;
            Ok(Server {
                address: listener.local_addr()?,
                state: State::Serving(Serving::of(listener)),
            })
        };
        let servers = addresses
            .iter()
            .map(start)
            .collect::<std::io::Result<_>>()?;
        Ok(Self { servers })
    }

    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.servers.iter().map(|server| server.address)
    }

    /// Stops all its servers as if its cable were pulled: connections are not even refused.
    ///
    /// # Errors
    /// If another program has taken one of the ports meanwhile.
    pub fn hangs(&mut self) -> std::io::Result<()> {
        for server in &mut self.servers {
            server.stop();
            let listener = TcpListener::bind(server.address)?;
            // Room for one connection, which is never accepted: the kernel drops all others.
            rustix::net::listen(&listener, 0)?;
            let only = TcpStream::connect(server.address)?;
            server.state = State::Hanging {
                _queue: (listener, only),
            };
        }
        Ok(())
    }

    /// Starts its servers on the same ports.
    ///
    /// # Errors
    /// If another program has taken one of the ports meanwhile.
    pub fn recovers(&mut self) -> std::io::Result<()> {
        for server in &mut self.servers {
            server.stop();
            let listener = TcpListener::bind(server.address)?;
            server.state = State::Serving(Serving::of(listener));
        }
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.servers.iter_mut().for_each(Server::stop);
    }
}

impl Server {
    /// Closes its port.
    fn stop(&mut self) {
        if let State::Serving(serving) = std::mem::replace(&mut self.state, State::Stopped) {
            serving.stop(self.address);
        }
    }
}

impl Serving {
    fn of(listener: TcpListener) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                // A client that hangs up early gets no response, which is fine.
                let _ = stream.and_then(respond);
            }
        });
        Self { is_stopped, thread }
    }

    /// Wakes the thread with a connection, and waits until it has closed the port.
    fn stop(self, address: SocketAddr) {
        self.is_stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(address);
        let _ = self.thread.join();
    }
}

fn respond(mut stream: TcpStream) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 1024])?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}
