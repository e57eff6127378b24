//! What a guild can do with all that it may have, all at once: until it is stopped.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use discord_sandbox::{File, GuildId, Member, Sandbox};
use serde_json::json;

use super::connection::{Connection, Request};
use crate::devices::http_devices_servers::{key, text};
use crate::harness::client::Client;
use crate::harness::{Rollcall, Running};

/// Keys of the guild of each of the kinds `read` and `admin`.
const KEYS: usize = 20;

const DEVICES: usize = 50;
const SERVERS: usize = 30;

/// Endpoints, all on one of the machine's own addresses.
pub const ENDPOINTS: usize = 300;

/// The addresses that the guild sends from: for requests with its keys, and for idle connections.
const SENDER: u8 = 66;
const IDLER: u8 = 67;

/// Connections that send nothing or read nothing: more than an address may have.
const IDLE: usize = 120;

/// What the guild has, and whether it still attacks.
pub struct Attack {
    guild: GuildId,
    sender: Client,
    idler: Client,
    readers: Vec<String>,
    admins: Vec<String>,
    /// Path of the logs, and own key.
    devices: Vec<(String, String)>,
    servers: Vec<String>,
    is_over: AtomicBool,
    accepted: AtomicUsize,
    refused: AtomicUsize,
}

impl Attack {
    /// Fills the guild up to its limits.
    pub fn prepare(
        rollcall: &Rollcall,
        running: &Running<'_>,
        guild: GuildId,
        target: &str,
    ) -> Self {
        let id = guild.0.to_string();
        let keys =
            |kind: &str| -> Vec<String> { (0..KEYS).map(|_| key(rollcall, kind, &id)).collect() };
        let (readers, admins, fleet) = (keys("read"), keys("admin"), key(rollcall, "fleet", &id));
        let list = (0..ENDPOINTS).map(|number| format!("{target}?{number}\n"));
        let file = rollcall.path("hostile.txt");
        std::fs::write(&file, list.collect::<String>()).unwrap();
        let file = file.display().to_string();
        rollcall.done(&["endpoint", "import", &file, "--guild", &id]);
        let devices = (0..DEVICES).map(|_| {
            let made = running.call("POST", "/api/v1/device/register", &fleet, "{}");
            let path = format!("/api/v1/device/{}/logs", text(&made.json["uuid"]));
            (path, text(&made.json["device_key"]))
        });
        let devices = devices.collect();
        let servers = (0..SERVERS).map(|number| {
            let admin = &admins[number % KEYS];
            let body = format!(r#"{{"name":"db {number}"}}"#);
            let made = running.call("POST", "/api/v1/servers", admin, &body);
            text(&made.json["key"])
        });
        let servers = servers.collect();
        Self {
            guild,
            sender: Client::new(SENDER, running.address()),
            idler: Client::new(IDLER, running.address()),
            readers,
            admins,
            devices,
            servers,
            is_over: AtomicBool::new(false),
            accepted: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    /// Starts everything that is sent over HTTP.
    pub fn start(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        self.is_over.store(false, Ordering::SeqCst);
        let loads: [fn(&Self); 10] = [
            Self::read,
            Self::read,
            Self::read,
            Self::read,
            Self::log,
            Self::log,
            Self::report,
            Self::edit,
            Self::guess,
            Self::hold_connections,
        ];
        let start = |load: fn(&Self)| {
            let attack = Arc::clone(self);
            std::thread::spawn(move || load(&attack))
        };
        loads.into_iter().map(start).collect()
    }

    pub fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// How many requests were sent so far.
    pub fn requests(&self) -> String {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        format!(
            "accepted {} requests, refused {}",
            count(&self.accepted),
            count(&self.refused)
        )
    }

    /// Whether the attack continues, after a pause: the machine that attacks is the one that is attacked.
    fn continues(&self, pause: Duration) -> bool {
        std::thread::park_timeout(pause);
        !self.is_over.load(Ordering::SeqCst)
    }

    fn send(&self, connection: &mut Connection, request: &Request<'_>) {
        let counter = match connection.send(request) {
            200..300 => &self.accepted,
            _ => &self.refused,
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }

    /// Reads the largest answers with every key, more often than each may.
    fn read(&self) {
        let mut connection = Connection::new(self.sender);
        let paths = [
            "/api/v1/endpoints?limit=1000",
            "/api/v1/events?limit=200",
            "/api/v1/devices",
            "/api/v1/incidents?limit=200",
        ];
        for (path, key) in paths.iter().cycle().zip(self.readers.iter().cycle()) {
            if !self.continues(Duration::from_millis(20)) {
                return;
            }
            let request = Request {
                method: "GET",
                path,
                key,
                body: "",
            };
            self.send(&mut connection, &request);
        }
    }

    /// Sends as many log lines as a request may have, for all devices in turn.
    fn log(&self) {
        let mut connection = Connection::new(self.sender);
        let body = json!(vec!["x".repeat(200); 200]).to_string();
        for (path, key) in self.devices.iter().cycle() {
            if !self.continues(Duration::from_millis(20)) {
                return;
            }
            let request = Request {
                method: "POST",
                path,
                key,
                body: &body,
            };
            self.send(&mut connection, &request);
        }
    }

    /// Sends as many numbers as a report may have, for all servers in turn.
    fn report(&self) {
        let mut connection = Connection::new(self.sender);
        let body = json!({ "load": vec![1.5; 200] }).to_string();
        for key in self.servers.iter().cycle() {
            if !self.continues(Duration::from_millis(20)) {
                return;
            }
            let request = Request {
                method: "POST",
                path: "/api/v1/server-stats",
                key,
                body: &body,
            };
            self.send(&mut connection, &request);
        }
    }

    /// Renames a device with every admin key, more often than each may.
    fn edit(&self) {
        let mut connection = Connection::new(self.sender);
        let paths: Vec<String> = self
            .devices
            .iter()
            .map(|(path, _)| path.replace("/device/", "/devices/").replace("/logs", ""))
            .collect();
        let names = [r#"{"name":"one"}"#, r#"{"name":"two"}"#];
        let edits = paths.iter().cycle().zip(names.iter().cycle());
        for ((path, body), key) in edits.zip(self.admins.iter().cycle()) {
            if !self.continues(Duration::from_millis(20)) {
                return;
            }
            let request = Request {
                method: "PATCH",
                path,
                key,
                body,
            };
            self.send(&mut connection, &request);
        }
    }

    /// Tries keys that do not exist.
    fn guess(&self) {
        let mut connection = Connection::new(self.sender);
        while self.continues(Duration::from_millis(20)) {
            let request = Request {
                method: "GET",
                path: "/api/v1/devices",
                key: "rc_read_000000000000_wrong",
                body: "",
            };
            self.send(&mut connection, &request);
        }
    }

    /// Holds connections that never finish a request, or read no response.
    fn hold_connections(&self) {
        let mut streams: Vec<TcpStream> = Vec::new();
        let never_read = "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20);
        let never_end = "GET /healthz HTTP/1.1\r\nX-Slow: ".to_owned();
        for bytes in [never_read, never_end].iter().cycle() {
            if !self.continues(Duration::from_millis(10)) {
                return;
            }
            if streams.len() >= IDLE {
                streams.remove(0);
            }
            if let Ok(mut stream) = self.idler.connect_blocking() {
                // It may be refused and reset already.
                let _ = stream.set_nonblocking(true);
                let _ = stream.write(bytes.as_bytes());
                streams.push(stream);
            }
        }
    }

    /// Uses commands in Discord, and imports a long list over and over.
    pub async fn use_discord(&self, sandbox: &Sandbox) {
        let member = Member::manager(666, "Mallory");
        let list: String = (0..1_000)
            .map(|number| format!("tcp://192.0.2.1:{}\n", number + 1))
            .collect();
        let lines = [
            "/endpoints list all:true",
            "/status",
            "/audit",
            "/devices list",
            "/offline_endpoints stats",
        ];
        for line in lines.iter().cycle() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let file = File {
                name: "list.txt".into(),
                description: None,
                content: list.clone().into_bytes(),
            };
            let mallory = || sandbox.member(&member).in_guild(self.guild);
            // A refusal is an answer, too.
            let (import, first, second) = (mallory(), mallory(), mallory());
            let _ = tokio::join!(
                import.try_slash_with_file("/endpoint import", "file", file),
                first.try_slash(line),
                second.try_slash(line),
            );
        }
    }
}
