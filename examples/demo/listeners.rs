//! The sample endpoints: a shop, a door and an unresponsive server that do not change, and a flaky one that goes down and
//! recovers.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An endpoint to add.
pub struct Sample {
    pub name: &'static str,
    pub target: String,
}

pub struct Listeners {
    shop: SocketAddr,
    door: SocketAddr,
    unresponsive: SocketAddr,
    flaky: SocketAddr,
    flaky_task: Option<JoinHandle<()>>,
    // Kept open, because it accepts connections and never responds.
    _unresponsive: TcpListener,
}

impl Listeners {
    pub async fn start() -> std::io::Result<Self> {
        let (shop, door, unresponsive, flaky) = (
            bind(None).await?,
            bind(None).await?,
            bind(None).await?,
            bind(None).await?,
        );
        let addresses = (
            shop.local_addr()?,
            door.local_addr()?,
            unresponsive.local_addr()?,
            flaky.local_addr()?,
        );
        tokio::spawn(serve(shop));
        tokio::spawn(serve(door));
        Ok(Self {
            shop: addresses.0,
            door: addresses.1,
            unresponsive: addresses.2,
            flaky: addresses.3,
            flaky_task: Some(tokio::spawn(serve(flaky))),
            _unresponsive: unresponsive,
        })
    }

    pub fn samples(&self) -> Vec<Sample> {
        vec![
            Sample {
                name: "shop",
                target: format!("http://{}/", self.shop),
            },
            Sample {
                name: "door",
                target: format!("tcp://{}", self.door),
            },
            Sample {
                name: "flaky",
                target: self.flaky_target(),
            },
            Sample {
                name: "unresponsive",
                target: format!("http://{}/health", self.unresponsive),
            },
        ]
    }

    pub fn flaky_target(&self) -> String {
        format!("http://{}/", self.flaky)
    }

    pub async fn flaky_goes_down(&mut self) {
        if let Some(task) = self.flaky_task.take() {
            task.abort();
            // Returns "cancelled", as requested. The socket is closed then.
            let _ = task.await;
        }
    }

    pub async fn flaky_recovers(&mut self) -> std::io::Result<()> {
        let listener = bind(Some(self.flaky)).await?;
        self.flaky_task = Some(tokio::spawn(serve(listener)));
        Ok(())
    }

    /// Stops the flaky endpoint if it runs, starts it if it does not.
    pub async fn toggle_flaky(&mut self) -> std::io::Result<&'static str> {
        if self.flaky_task.is_some() {
            self.flaky_goes_down().await;
            return Ok("went down");
        }
        self.flaky_recovers().await?;
        Ok("came back")
    }
}

async fn bind(address: Option<SocketAddr>) -> std::io::Result<TcpListener> {
    match address {
        Some(address) => TcpListener::bind(address).await,
        None => TcpListener::bind("127.0.0.1:0").await,
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
