//! Runs the product as a user does, and asks its API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::seed::{GUILD, database};
use crate::{Result, clock, process};

/// The requests that a key may make at once.
const BURST: usize = 10;

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    let database = database(folder);
    command
        .env_clear()
        .env("DATABASE_URL", format!("sqlite://{}", database.display()))
        .env("LOG_DIR", folder.join("logs"))
        .env("DISCORD_GUILD_ID", GUILD)
        .env("HTTP_BIND", "127.0.0.1:0")
        .env("ROLLCALL_ADDR_FILE", folder.join("address"))
        .env("PROBE_ALLOW", "loopback")
        .env("CONNECTIVITY_HOSTS", "")
        .env("CONNECTIVITY_NAMES", "")
        // The log stays, so that packing alone is measured, and the same rows can be read again.
        .env("RETENTION_CHECK_RESULTS", "400d")
        .current_dir(folder)
        .stderr(Stdio::null());
    command
}

/// Makes the database, with keys to read.
pub fn keys(folder: &Path, count: usize) -> Result<Vec<String>> {
    std::fs::create_dir_all(folder)?;
    let key = || {
        let made = program(folder)
            .args(["key", "create", "--kind", "read", "--json"])
            .output()?;
        let made: serde_json::Value = serde_json::from_slice(&made.stdout)?;
        let key = made["key"].as_str().ok_or("the product made no key")?;
        Ok(key.to_owned())
    };
    (0..count).map(|_| key()).collect()
}

/// The product, which is killed on drop: its data is discarded.
pub struct Product {
    child: Child,
    address: String,
}

impl Product {
    pub fn start(folder: &Path) -> Result<Self> {
        let file = folder.join("address");
        let _ = std::fs::remove_file(&file);
        let child = program(folder).arg("run").stdout(Stdio::null()).spawn()?;
        let mut product = Self {
            child,
            address: String::new(),
        };
        let started = clock::now();
        while product.address.is_empty() {
            if started.elapsed() > Duration::from_secs(120) || product.child.try_wait()?.is_some() {
                return Err("the product did not start".into());
            }
            std::thread::sleep(Duration::from_millis(10));
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            text.trim().clone_into(&mut product.address);
        }
        Ok(product)
    }

    /// The CPU time since its start.
    pub fn cpu(&self) -> Result<Duration> {
        process::cpu(self.child.id())
    }

    /// The median time of as many requests as a key may make at once, and the length of the answer.
    pub fn ask(&self, key: &str, path: &str) -> Result<(Duration, usize)> {
        let mut connection = BufReader::new(TcpStream::connect(&self.address)?);
        connection.get_ref().set_nodelay(true)?;
        let mut times = Vec::new();
        let mut length = 0;
        for _ in 0..BURST {
            let started = clock::now();
            length = request(&mut connection, key, path)?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        Ok((times.get(BURST / 2).copied().unwrap_or_default(), length))
    }
}

/// Reads an answer to its end; returns the length of its body.
fn request(connection: &mut BufReader<TcpStream>, key: &str, path: &str) -> Result<usize> {
    let head =
        format!("GET /api/v1{path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n");
    connection.get_mut().write_all(head.as_bytes())?;
    let mut length = None;
    let mut line = String::new();
    connection.read_line(&mut line)?;
    if !line.contains("200") {
        return Err(format!("{path}: {line}").into());
    }
    while line.trim() != "" {
        line.clear();
        connection.read_line(&mut line)?;
        if let Some(found) = line.strip_prefix("content-length: ") {
            length = Some(found.trim().parse()?);
        }
    }
    match length {
        Some(length) => {
            connection.read_exact(&mut vec![0; length])?;
            Ok(length)
        }
        None => chunks(connection),
    }
}

fn chunks(connection: &mut BufReader<TcpStream>) -> Result<usize> {
    let mut sum = 0;
    loop {
        let mut line = String::new();
        connection.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16)?;
        connection.read_exact(&mut vec![0; length + 2])?;
        if length == 0 {
            return Ok(sum);
        }
        sum += length;
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
