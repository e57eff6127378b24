//! Runs the product as a user does, connected to a stand-in for Discord, with devices in a guild that has an alert channel.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use discord_sandbox::Sandbox;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use crate::{Result, clock};

/// A guild that keeps its channel busy.
pub struct Busy {
    pub guild: u64,
    pub channel: u64,
    /// Incidents whose first message is still to be posted, and others, which change.
    pub due: u64,
    pub changing: u64,
}

pub struct Product {
    child: Child,
    folder: PathBuf,
    address: String,
}

impl Product {
    /// Starts the product and adds `count` devices, which are online.
    pub async fn start(folder: &Path, sandbox: &Sandbox, count: u32) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join("address");
        let child = Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .arg("run")
            .env_clear()
            .env(
                "DATABASE_URL",
                format!("sqlite://{}", folder.join("rollcall.db").display()),
            )
            .env("LOG_DIR", folder.join("logs"))
            .env("DISCORD_TOKEN", sandbox.token())
            .env("DISCORD_API_URL", sandbox.api_url())
            .env("HTTP_BIND", "127.0.0.1:0")
            .env("ROLLCALL_ADDR_FILE", &file)
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut product = Self {
            child,
            folder: folder.to_owned(),
            address: String::new(),
        };
        let started = clock::now();
        while product.address.is_empty() {
            if started.elapsed() > Duration::from_secs(60) {
                return Err("the product did not start".into());
            }
            std::thread::sleep(Duration::from_millis(10));
            let text = fs::read_to_string(&file).unwrap_or_default();
            text.trim().clone_into(&mut product.address);
        }
        product.seed(sandbox, count).await?;
        Ok(product)
    }

    async fn seed(&self, sandbox: &Sandbox, count: u32) -> Result<()> {
        let guild = sandbox.guild().0;
        let channel = sandbox.channel(sandbox.guild());
        self.ask(&format!(
            "INSERT INTO alert_settings (guild_id) VALUES ({guild});
             INSERT INTO destinations (guild_id, kind, address) VALUES ({guild}, 'channel', {channel});
             WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
             INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
             SELECT n, {guild}, 'device', 'device ' || n, 'online', 1, 1 FROM numbers;
             INSERT INTO device_details (monitor_id, guild_id, uuid)
             SELECT id, {guild}, printf('00000000-0000-4000-8000-%012d', id) FROM monitors;
             INSERT INTO monitor_state (monitor_id, last_seen_at) SELECT id, unixepoch() * 1000 FROM monitors"
        ))
        .await
    }

    /// Adds the incidents of a busy guild.
    pub async fn add_busy(&self, busy: &Busy) -> Result<()> {
        let Busy {
            guild,
            channel,
            due,
            changing,
        } = busy;
        self.ask(&format!(
            "INSERT INTO alert_settings (guild_id) VALUES ({guild});
             INSERT INTO destinations (id, guild_id, kind, address) VALUES (900, {guild}, 'channel', {channel});
             WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {due} + {changing})
             INSERT INTO incidents (id, guild_id, scope, opened_at, created_at, joined_at)
             SELECT 900000 + n, {guild}, '', 1, 1, 1 FROM numbers;
             INSERT INTO deliveries (destination_id, incident_id, wanted_revision, delivered_revision, channel_id, message_id)
             SELECT 900, id, 1, id > 900000 + {due}, {channel}, CASE WHEN id > 900000 + {due} THEN 7 END
             FROM incidents WHERE guild_id = {guild}"
        ))
        .await
    }

    /// Changes the incidents of the busy guild that have been posted.
    pub async fn change_busy(&self, busy: &Busy) -> Result<()> {
        let posted = 900_000 + busy.due;
        let guild = busy.guild;
        self.ask(&format!(
            "UPDATE incidents SET revision = revision + 1 WHERE guild_id = {guild} AND id > {posted}"
        ))
        .await
    }

    /// Moves all incidents into the past, so that no outage joins them.
    pub async fn age_incidents(&self) -> Result<()> {
        self.ask("UPDATE incidents SET joined_at = joined_at - 60000")
            .await
    }

    /// Reports that the job of a device failed, which takes it offline. Returns when that is committed.
    pub fn fail(&self, device: u32) -> Result<()> {
        let mut stream = TcpStream::connect(&self.address)?;
        let path = format!("/ping/00000000-0000-4000-8000-{device:012}/fail");
        stream.write_all(
            format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").as_bytes(),
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.starts_with("HTTP/1.1 200") {
            true => Ok(()),
            false => Err(format!("a ping was answered {answer}").into()),
        }
    }

    async fn ask(&self, sql: &str) -> Result<()> {
        let url = format!("sqlite://{}", self.folder.join("rollcall.db").display());
        let mut database = SqliteConnection::connect(&url).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&mut database)
            .await?;
        database.close().await?;
        Ok(())
    }
}

impl Drop for Product {
    /// Kills the product: its data is discarded, so a clean shutdown is not needed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
