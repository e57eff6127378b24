//! Faults of what the database is stored on: a full file system, and another process that holds the database.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use crate::harness::{Rollcall, Running};

/// A small file system in place of the folder of a bot. Dropped before the `Rollcall`.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it; `None`: the test may not mount anything.
    pub fn mount(rollcall: &Rollcall) -> Option<Self> {
        let folder = rollcall.path("");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m,mode=700", "rollcall"])
            .arg(&folder)
            .output();
        mounted
            .is_ok_and(|mounted| mounted.status.success())
            .then_some(Self { folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.join("logs/bot.log"));
            println!("the bot's log:\n{}", log.unwrap_or_default());
        }
        // The folder below it is removed afterward.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

/// The limit for the sizes of a process's files: a write beyond it fails.
pub struct FileSizeLimit(u32);

impl FileSizeLimit {
    pub fn of(process: u32) -> Self {
        Self(process)
    }

    pub fn set(&self, bytes: u64) {
        self.run(&bytes.to_string());
    }

    pub fn lift(&self) {
        self.run("unlimited");
    }

    /// Sets the soft limit only: the hard one cannot be raised again.
    fn run(&self, limit: &str) {
        let done = Command::new("prlimit")
            .arg(format!("--pid={}", self.0))
            .arg(format!("--fsize={limit}:"))
            .status()
            .unwrap();
        assert!(done.success());
    }
}

/// A disk without room; there is room again when it is dropped.
pub enum FullDisk {
    /// A file takes all the room of a `SmallDisk`.
    Ballast(PathBuf),
    /// No file may grow.
    Limit(FileSizeLimit),
}

impl FullDisk {
    pub fn fill(running: &Running<'_>, disk: Option<&SmallDisk>) -> Self {
        match disk {
            Some(disk) => Self::Ballast(fill(&disk.folder)),
            None => {
                let limit = running.file_size_limit();
                limit.set(running.log_size());
                Self::Limit(limit)
            }
        }
    }
}

fn fill(folder: &Path) -> PathBuf {
    let ballast = folder.join("ballast");
    let mut file = File::create(&ballast).unwrap();
    let block = [0; 4096];
    while file.write_all(&block).is_ok() {}
    ballast
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        match self {
            Self::Ballast(ballast) => std::fs::remove_file(ballast).unwrap(),
            Self::Limit(limit) => limit.lift(),
        }
    }
}

/// Another process's write transaction, as far as SQLite can tell; it ends when this is dropped.
pub struct ForeignLock {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ForeignLock {
    pub fn take(rollcall: &Rollcall) -> Self {
        let url = format!("sqlite://{}", rollcall.path("rollcall.db").display());
        let (end, ended) = mpsc::channel();
        let (taken, is_taken) = mpsc::channel();
        let thread = std::thread::spawn(move || hold(&url, &taken, &ended));
        is_taken.recv().unwrap();
        Self {
            end: Some(end),
            thread: Some(thread),
        }
    }
}

fn hold(url: &str, taken: &Sender<()>, ended: &Receiver<()>) {
    use sqlx::Connection;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut database = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut database)
            .await
            .unwrap();
        taken.send(()).unwrap();
        // An error: the sender was dropped.
        let _ = ended.recv();
        sqlx::query("ROLLBACK")
            .execute(&mut database)
            .await
            .unwrap();
        database.close().await.unwrap();
    });
}

impl Drop for ForeignLock {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
