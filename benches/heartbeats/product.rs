//! Runs the product as a user does, with a hundred thousand devices and a fleet key.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use crate::{DEVICES, Result, clock, process};

/// The check interval of the heartbeat monitor in these runs.
const PERIOD: &str = "2s";
const THRESHOLD_MILLIS: u32 = 3_600_000;

/// Devices that are overdue in the busy pass.
const OVERDUE: u32 = 10_000;

pub struct Product {
    child: Child,
    folder: PathBuf,
    pub address: SocketAddr,
    pub key: String,
}

impl Product {
    pub fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let made = command(folder)
            .args(["key", "create", "--kind", "fleet", "--json"])
            .output()?;
        let made: serde_json::Value = serde_json::from_slice(&made.stdout)?;
        let key = made["key"].as_str().ok_or("no key was created")?.to_owned();
        seed(folder)?;
        let (child, address) = run(folder)?;
        Ok(Self {
            child,
            folder: folder.to_owned(),
            address,
            key,
        })
    }

    pub fn memory(&self) -> Result<u64> {
        process::memory(self.child.id())
    }

    /// How long a pass of the heartbeat monitor takes when no device is overdue, and when `OVERDUE` devices are.
    pub fn passes(mut self) -> Result<(Duration, Duration)> {
        let calm = self.next_pass(None)?;
        // Backdated while the product is stopped, so that the first pass finds them.
        self.stop();
        let sql = format!(
            "UPDATE monitor_state SET last_seen_at = last_seen_at - {} WHERE monitor_id <= {OVERDUE};
             UPDATE observation_windows SET started_at = started_at - {}",
            3 * THRESHOLD_MILLIS,
            4 * THRESHOLD_MILLIS
        );
        ask(&self.folder, &sql)?;
        let (child, address) = run(&self.folder)?;
        (self.child, self.address) = (child, address);
        let busy = self.next_pass(Some(OVERDUE))?;
        Ok((calm, busy))
    }

    /// How long the next pass takes. With `found`: the longest one until that many devices were found overdue, which is not the
    /// first one after a start, because no device is judged before everything that has arrived is stored.
    fn next_pass(&self, found: Option<u32>) -> Result<Duration> {
        let runs = || self.metric(r#"rollcall_job_runs_total{job="heartbeat_monitor"}"#);
        let (mut before, mut longest) = (runs()?, 0.0_f64);
        let started = clock::now();
        loop {
            if started.elapsed() > Duration::from_secs(60) {
                return Err("no pass has found all overdue devices".into());
            }
            std::thread::sleep(Duration::from_millis(5));
            // Asked first: the pass that logs this ends before the next change of the number of passes.
            let is_found = found.is_none_or(|found| self.log_holds(found));
            let now = runs()?;
            if now > before {
                before = now;
                longest = longest.max(self.metric(
                    r#"rollcall_job_last_run_duration_seconds{job="heartbeat_monitor"}"#,
                )?);
                if is_found {
                    return Ok(Duration::from_secs_f64(longest));
                }
            }
        }
    }

    fn log_holds(&self, found: u32) -> bool {
        let log = fs::read_to_string(self.folder.join("logs/bot.log")).unwrap_or_default();
        log.contains(&format!("devices went offline count={found}\n"))
    }

    fn metric(&self, name: &str) -> Result<f64> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        Ok(value.map_or(Ok(0.0), |value| value.trim().parse())?)
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Product {
    /// Kills the product: its data is discarded, so a clean shutdown is not needed.
    fn drop(&mut self) {
        self.stop();
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command
        .env_clear()
        .env(
            "DATABASE_URL",
            format!("sqlite://{}", folder.join("rollcall.db").display()),
        )
        .env("LOG_DIR", folder.join("logs"))
        .env("DISCORD_GUILD_ID", "1")
        .env("HTTP_BIND", "127.0.0.1:0")
        .env("ROLLCALL_ADDR_FILE", folder.join("address"))
        .env("HEARTBEAT_CHECK_INTERVAL", PERIOD)
        .env(
            "HEARTBEAT_OFFLINE_THRESHOLD",
            format!("{THRESHOLD_MILLIS}ms"),
        )
        .env("MALLOC_ARENA_MAX", "1")
        .current_dir(folder)
        .stderr(Stdio::null());
    command
}

fn run(folder: &Path) -> Result<(Child, SocketAddr)> {
    let file = folder.join("address");
    let _ = fs::remove_file(&file);
    let mut child = command(folder).arg("run").stdout(Stdio::null()).spawn()?;
    let started = clock::now();
    while started.elapsed() < Duration::from_secs(60) && child.try_wait()?.is_none() {
        if let Ok(text) = fs::read_to_string(&file) {
            let address = text.trim().parse();
            return Ok((child, address.unwrap_or((Ipv4Addr::LOCALHOST, 0).into())));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    Err("the product did not start".into())
}

/// Inserts all devices, online with a heartbeat just now. One statement per table writes the rows, because registering
/// the devices takes longer than measuring them.
fn seed(folder: &Path) -> Result<()> {
    let sql = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {DEVICES} - 1)
         INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
         SELECT n + 1, 1, 'device', 'device ' || n, 'online', unixepoch() * 1000, unixepoch() * 1000 FROM numbers;
         INSERT INTO device_details (monitor_id, guild_id, uuid)
         SELECT id, 1, printf('00000000-0000-4000-8000-%012d', id - 1) FROM monitors;
         INSERT INTO monitor_state (monitor_id, last_seen_at) SELECT id, unixepoch() * 1000 FROM monitors"
    );
    ask(folder, &sql)
}

fn ask(folder: &Path, sql: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let url = format!("sqlite://{}", folder.join("rollcall.db").display());
        let mut database = SqliteConnection::connect(&url).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&mut database)
            .await?;
        database.close().await?;
        Ok(())
    })
}
