//! The baseline: hyper, a channel, and one task that appends heartbeats to a table in SQLite and answers after the
//! commit. No keys, no rules, no other rows.

use std::convert::Infallible;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::{Result, clock};

type Heartbeat = (String, oneshot::Sender<()>);

pub struct Floor {
    child: Child,
    pub address: SocketAddr,
}

impl Floor {
    /// Starts the baseline in its own process.
    pub fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join("address");
        let _ = fs::remove_file(&file);
        let child = Command::new(std::env::current_exe()?)
            .args(["--role", "floor"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()?;
        let mut floor = Self {
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        let started = clock::now();
        while started.elapsed() < Duration::from_secs(20) {
            if let Ok(text) = fs::read_to_string(&file)
                && let Ok(address) = text.parse()
            {
                floor.address = address;
                return Ok(floor);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("the baseline did not start".into())
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the baseline until it is killed.
pub fn run(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let _ = fs::remove_file(folder.join("floor.db"));
        let mut database = SqliteConnectOptions::new()
            .filename(folder.join("floor.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await?;
        database
            .execute("CREATE TABLE beats (id INTEGER PRIMARY KEY, device TEXT NOT NULL)")
            .await?;
        let (sender, heartbeats) = mpsc::channel(4096);
        tokio::spawn(write(heartbeats, database));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        fs::write(folder.join("new"), address)?;
        fs::rename(folder.join("new"), folder.join("address"))?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(request, sender.clone()));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                let _ = connection.await;
            });
        }
    })
}

async fn answer(
    request: Request<Incoming>,
    heartbeats: mpsc::Sender<Heartbeat>,
) -> std::result::Result<Response<String>, Infallible> {
    let uuid = request.uri().path().split('/').nth(4).unwrap_or_default();
    let (sender, stored) = oneshot::channel();
    let is_sent = heartbeats.send((uuid.to_owned(), sender)).await.is_ok();
    let mut response = Response::new("{\"status\":\"online\"}\n".to_owned());
    if !is_sent || stored.await.is_err() {
        *response.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

async fn write(mut heartbeats: mpsc::Receiver<Heartbeat>, mut database: SqliteConnection) {
    let mut waiting = Vec::new();
    while heartbeats.recv_many(&mut waiting, 512).await > 0 {
        let stored = store(&mut database, &waiting).await;
        for (_, answer) in waiting.drain(..) {
            if stored.is_ok() {
                let _ = answer.send(());
            }
        }
    }
}

async fn store(database: &mut SqliteConnection, heartbeats: &[Heartbeat]) -> sqlx::Result<()> {
    let mut transaction = database.begin().await?;
    let mut rest = heartbeats;
    // Few sizes, so that there are few prepared statements.
    while let Some(size) = [256, 16, 1].into_iter().find(|size| *size <= rest.len()) {
        let (piece, more) = rest.split_at(size);
        let places = vec!["(?)"; size].join(",");
        let sql = format!("INSERT INTO beats (device) VALUES {places}");
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (device, _) in piece {
            query = query.bind(device);
        }
        query.execute(&mut *transaction).await?;
        rest = more;
    }
    transaction.commit().await
}
