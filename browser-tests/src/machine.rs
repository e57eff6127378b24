//! A machine with web servers on loopback, which goes down for a real incident.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::net::sockopt::{set_socket_reuseaddr, set_socket_reuseport};
use rustix::net::{AddressFamily, SocketType, socket};

/// How many connections wait until a server accepts them.
const QUEUE: i32 = 128;

/// Its servers answer every request with 200 until it hangs.
pub struct Machine {
    servers: Vec<Server>,
}

struct Server {
    address: SocketAddr,
    /// Holds the port while nothing listens: no other program gets it.
    _held: OwnedFd,
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
            let held = bind(*address)?;
            let address = rustix::net::getsockname(&held)?.try_into()?;
            Ok(Server {
                address,
                _held: held,
                state: State::Serving(Serving::of(listen(address, QUEUE)?)),
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
    /// If the system refuses a socket.
    pub fn hangs(&mut self) -> std::io::Result<()> {
        for server in &mut self.servers {
            server.stop();
            // Room for one connection, which is never accepted: the kernel drops all others.
            let listener = listen(server.address, 0)?;
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
    /// If the system refuses a socket.
    pub fn recovers(&mut self) -> std::io::Result<()> {
        for server in &mut self.servers {
            server.stop();
            server.state = State::Serving(Serving::of(listen(server.address, QUEUE)?));
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

/// A socket that shares its port with the other sockets of the machine.
fn bind(address: SocketAddr) -> std::io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket(family, SocketType::STREAM, None)?;
    // As soon as a server has ended, the next one may have its port.
    set_socket_reuseaddr(&socket, true)?;
    set_socket_reuseport(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

/// A listener with room for this many connections that are not accepted yet.
fn listen(address: SocketAddr, queue: i32) -> std::io::Result<TcpListener> {
    let socket = bind(address)?;
    rustix::net::listen(&socket, queue)?;
    Ok(socket.into())
}

fn respond(mut stream: TcpStream) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 1024])?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}
