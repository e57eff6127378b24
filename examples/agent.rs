//! A small agent for Linux: registers this machine as a device, sends its heartbeats, and reports a server's metrics.
//!
//! `ROLLCALL_URL`            the address of Rollcall (default: `http://127.0.0.1:8080`)
//! `ROLLCALL_FLEET_KEY`      the key to register with (default: register no device)
//! `ROLLCALL_SERVER_KEY`     the key to report with (default: send no reports)
//! `ROLLCALL_AGENT_FILE`     the file for the device's uuid and key (default: `agent.json`)
//! `ROLLCALL_AGENT_SECONDS`  the seconds between two reports (default: 60)
//!
//! `cargo run --example agent` runs until it is stopped; `-- --once` reports once. Keys come from the environment and never
//! from the command line, which every user of the machine can read.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The time-out of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let is_once = std::env::args().any(|argument| argument == "--once");
    let agent = match Agent::from_environment() {
        Ok(agent) => agent,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    loop {
        let reported = agent.report().await;
        if let Err(error) = &reported {
            eprintln!(
                "error: {error}; trying again in {} s",
                agent.every.as_secs()
            );
        }
        if is_once {
            return ExitCode::from(u8::from(reported.is_err()));
        }
        tokio::time::sleep(agent.every).await;
    }
}

struct Agent {
    client: Client,
    url: String,
    fleet_key: Option<String>,
    server_key: Option<String>,
    file: PathBuf,
    every: Duration,
}

/// This machine as a device.
struct Device {
    uuid: String,
    key: String,
}

impl Agent {
    fn from_environment() -> Result<Self> {
        let setting = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let seconds = setting("ROLLCALL_AGENT_SECONDS").unwrap_or_else(|| "60".into());
        let seconds = seconds.parse().ok().filter(|seconds| *seconds > 0);
        let seconds = seconds.ok_or(
            "ROLLCALL_AGENT_SECONDS must be a number of seconds. Example: ROLLCALL_AGENT_SECONDS=60",
        )?;
        let agent = Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            url: setting("ROLLCALL_URL").unwrap_or_else(|| "http://127.0.0.1:8080".into()),
            fleet_key: setting("ROLLCALL_FLEET_KEY"),
            server_key: setting("ROLLCALL_SERVER_KEY"),
            file: setting("ROLLCALL_AGENT_FILE").map_or("agent.json".into(), PathBuf::from),
            every: Duration::from_secs(seconds),
        };
        if agent.fleet_key.is_none() && agent.server_key.is_none() && !agent.file.exists() {
            return Err("neither ROLLCALL_FLEET_KEY nor ROLLCALL_SERVER_KEY is set; `rollcall key create --kind fleet` and `rollcall server add NAME` make them".into());
        }
        Ok(agent)
    }

    async fn report(&self) -> Result<()> {
        if let Some(device) = self.device().await? {
            let path = format!("device/{}/heartbeat", device.uuid);
            self.post(&path, &device.key, &json!({})).await?;
            println!("beat for {}", device.uuid);
        }
        if let Some(key) = &self.server_key {
            self.post("server-stats", key, &metrics()).await?;
            println!("figures posted");
        }
        Ok(())
    }

    /// The device from the file. Registers it and writes the file the first time.
    async fn device(&self) -> Result<Option<Device>> {
        if self.file.exists() {
            return read(&self.file).map(Some);
        }
        let Some(fleet_key) = &self.fleet_key else {
            return Ok(None);
        };
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let body = json!({ "device_name": name.trim(), "device_type": "agent" });
        let registered = self.post("device/register", fleet_key, &body).await?;
        store(&self.file, &registered)?;
        read(&self.file).map(Some)
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/api/v1/{path}", self.url.trim_end_matches('/'));
        let answer = self.client.post(url).bearer_auth(key).json(body).send();
        let answer = answer.await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        let response: Value = answer.json().await.unwrap_or_default();
        match status {
            StatusCode::OK | StatusCode::CREATED => Ok(response),
            _ => {
                let detail = response["detail"].as_str().unwrap_or("no reason was given");
                Err(format!("{path} was answered with {status}: {detail}").into())
            }
        }
    }
}

fn read(file: &Path) -> Result<Device> {
    let kept: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let field = |name: &str| {
        let text = kept[name].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{} has no {name}", file.display()))
    };
    Ok(Device {
        uuid: field("uuid")?,
        key: field("device_key")?,
    })
}

/// Writes the file so that only its owner can read it, because it contains a key.
fn store(file: &Path, registered: &Value) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(registered.to_string().as_bytes())?;
    Ok(())
}

/// The metrics of this machine, as the kernel reports them.
fn metrics() -> Value {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let numbers = |text: &str, count: usize| -> Vec<f64> {
        let words = text.split_whitespace().take(count);
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let memory = file("/proc/meminfo");
    let kib = |name: &str| {
        let line = memory.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
    };
    let mut metrics = json!({
        "load": numbers(&file("/proc/loadavg"), 3),
        "agent_version": env!("CARGO_PKG_VERSION"),
    });
    if let Some(uptime) = numbers(&file("/proc/uptime"), 1).first() {
        metrics["uptime"] = json!(uptime);
    }
    if let (Some(total), Some(available)) = (kib("MemTotal:"), kib("MemAvailable:")) {
        let used = total.saturating_sub(available);
        metrics["memory"] = json!({ "total_kib": total, "used_kib": used });
    }
    metrics
}
