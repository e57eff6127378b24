//! The floor: hyper, a channel, and one task that writes what has come to a log in SQLite and answers after the commit.
//! No keys, no rules, no rows but the log's.

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

type Beat = (String, oneshot::Sender<()>);

pub struct Floor {
    child: Child,
    pub address: SocketAddr,
}

impl Floor {
    /// In a process of its own.
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
        let begun = clock::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Ok(text) = fs::read_to_string(&file)
                && let Ok(address) = text.parse()
            {
                floor.address = address;
                return Ok(floor);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("the floor did not start".into())
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays the floor until it is killed.
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
        let (sender, beats) = mpsc::channel(4096);
        tokio::spawn(write(beats, database));
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
    beats: mpsc::Sender<Beat>,
) -> std::result::Result<Response<String>, Infallible> {
    let uuid = request.uri().path().split('/').nth(4).unwrap_or_default();
    let (sender, stored) = oneshot::channel();
    let is_sent = beats.send((uuid.to_owned(), sender)).await.is_ok();
    let mut response = Response::new("{\"status\":\"online\"}\n".to_owned());
    if !is_sent || stored.await.is_err() {
        *response.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

async fn write(mut beats: mpsc::Receiver<Beat>, mut database: SqliteConnection) {
    let mut waiting = Vec::new();
    while beats.recv_many(&mut waiting, 512).await > 0 {
        let stored = store(&mut database, &waiting).await;
        for (_, answer) in waiting.drain(..) {
            if stored.is_ok() {
                let _ = answer.send(());
            }
        }
    }
}

async fn store(database: &mut SqliteConnection, beats: &[Beat]) -> sqlx::Result<()> {
    let mut transaction = database.begin().await?;
    let mut rest = beats;
    // Few sizes, so that the prepared statements are few.
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
