//! Hosts behind a line that can be cut: while it is, connections are neither accepted nor refused.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::sync::watch;

pub struct Host {
    pub address: SocketAddr,
    is_cut: watch::Sender<bool>,
    /// Whether the host has stopped accepting connections.
    has_stopped: watch::Receiver<bool>,
    /// They fill the queue of connections.
    connections: Vec<TcpStream>,
}

impl Host {
    /// Call it within a Tokio runtime.
    pub fn start() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let (is_cut, mut cut) = watch::channel(false);
        let (stopped, has_stopped) = watch::channel(false);
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                stopped.send_replace(*cut.borrow_and_update());
                if cut.wait_for(|cut| !cut).await.is_err() {
                    return;
                }
                stopped.send_replace(false);
                tokio::select! {
                    accepted = listener.accept() => drop(accepted),
                    changed = cut.changed() => if changed.is_err() { return },
                }
            }
        });
        Self {
            address,
            is_cut,
            has_stopped,
            connections: Vec::new(),
        }
    }

    fn cut(&mut self) {
        self.is_cut.send_replace(true);
        // A connection that it accepts after the queue is full would leave a free place.
        while !*self.has_stopped.borrow() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        let limit = Duration::from_millis(500);
        while let Ok(stream) = TcpStream::connect_timeout(&self.address, limit) {
            self.connections.push(stream);
        }
    }

    fn restore(&mut self) {
        self.connections.clear();
        self.is_cut.send_replace(false);
    }
}

/// Cuts the line to all of these hosts at once.
pub fn cut<'a>(hosts: impl IntoIterator<Item = &'a mut Host>) {
    std::thread::scope(|scope| {
        for host in hosts {
            scope.spawn(|| host.cut());
        }
    });
}

pub fn restore<'a>(hosts: impl IntoIterator<Item = &'a mut Host>) {
    hosts.into_iter().for_each(Host::restore);
}
