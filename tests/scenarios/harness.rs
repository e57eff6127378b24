//! A Rollcall of one's own: its folder, its settings, its processes, and listeners that go down and come back.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::calm::Machine;

/// Nothing in a scenario takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with settings and a database; running processes end with it.
pub struct Rollcall {
    folder: tempfile::TempDir,
    settings: BTreeMap<&'static str, String>,
}

/// What the API answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// As it came; hyper writes names in lower case.
    pub head: String,
    pub json: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// The value of a header, as it came.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }
}

/// What a one-shot command printed.
#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

impl Rollcall {
    /// Everything time-compressed to a second, loopback allowed, no Discord.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = BTreeMap::from([
            (
                "DATABASE_URL",
                format!("sqlite://{}/rollcall.db", folder.path().display()),
            ),
            ("LOG_LEVEL", "debug".to_owned()),
            ("LOG_DIR", folder.path().join("logs").display().to_string()),
            ("HTTP_BIND", "127.0.0.1:0".to_owned()),
            (
                "ROLLCALL_ADDR_FILE",
                folder.path().join("addr").display().to_string(),
            ),
            ("PROBE_ALLOW", "loopback".to_owned()),
            ("PROBE_WITNESSES", String::new()),
            ("PROBE_INTERVAL", "1s".to_owned()),
            ("PROBE_RETRY_INTERVAL", "1s".to_owned()),
            ("PROBE_TIMEOUT", "2s".to_owned()),
        ]);
        Self { folder, settings }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.insert(name, value.into());
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .args(arguments)
            .env_clear()
            .envs(&self.settings)
            .current_dir(self.folder.path());
        command
    }

    /// Runs a one-shot command.
    pub fn say(&self, arguments: &[&str]) -> Said {
        blocking(|| self.command(arguments).output().unwrap().into())
    }

    /// Runs a one-shot command that must succeed.
    pub fn done(&self, arguments: &[&str]) -> Said {
        let said = self.say(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said
    }

    /// Starts a one-shot command without waiting for its end.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts the bot and waits until it serves.
    pub fn run(&self) -> Running<'_> {
        let _ = std::fs::remove_file(self.path("addr"));
        let child = self
            .command(&["run"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut running = Running {
            rollcall: self,
            child,
            err: None,
            machine: Machine::watch(),
        };
        let error_pipe = running.child.stderr.take().unwrap();
        running.err = Some(std::thread::spawn(move || {
            let mut text = String::new();
            let mut pipe = error_pipe;
            // What is not UTF-8 would fail the test that reads it, not the reading.
            let _ = pipe.read_to_string(&mut text);
            text
        }));
        wait_for("the bot to serve", || {
            self.path("addr").exists().then_some(())
        });
        running
    }

    /// The roll as `endpoint list --json` shows it.
    pub fn list(&self) -> Vec<Value> {
        self.done(&["endpoint", "list", "--json"])
            .json()
            .as_array()
            .unwrap()
            .clone()
    }

    /// Adds an endpoint and gives its id.
    pub fn add(&self, target: &str) -> i64 {
        self.done(&["endpoint", "add", target, "--json"]).json()["id"]
            .as_i64()
            .unwrap()
    }

    /// Waits until the endpoint with this id is as `is` wants it.
    pub fn wait_until(&self, what: &str, id: i64, is: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || {
            self.list()
                .into_iter()
                .find(|endpoint| endpoint["id"] == id && is(endpoint))
        })
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("logs/bot.log")).unwrap_or_default()
    }

    /// Runs a statement on the database.
    pub fn sql(&self, statement: &str) -> Vec<String> {
        let url = format!("sqlite://{}", self.path("rollcall.db").display());
        let statement = statement.to_owned();
        // In a thread of its own: the caller may be in a runtime already.
        let asked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                use sqlx::Connection;
                let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
                sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
                    .fetch_all(&mut database)
                    .await
                    .unwrap()
            })
        });
        asked.join().unwrap()
    }
}

impl Drop for Rollcall {
    /// A scenario that fails shows what the bot wrote.
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the bot's log:\n{}", self.log());
        }
    }
}

/// A point on the monotonic clock, to measure from.
#[expect(
    clippy::disallowed_methods,
    reason = "a test measures what its user would wait"
)]
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// Asks again and again until there is an answer. Between two questions the processor is given away.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = stopwatch();
    blocking(|| {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "waited {PATIENCE:?} in vain for {what}"
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    })
}

/// Work that blocks its thread. In a runtime it hands over what else the thread has to do, such as the sandbox's tasks.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let is_shared = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_shared {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

/// The bot while it runs; killed when dropped.
pub struct Running<'a> {
    rollcall: &'a Rollcall,
    child: Child,
    err: Option<JoinHandle<String>>,
    /// What else could run beside the bot.
    pub machine: Machine,
}

impl Running<'_> {
    pub fn address(&self) -> SocketAddr {
        std::fs::read_to_string(self.rollcall.path("addr"))
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }

    /// Status and body of a page.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            head.split(' ').nth(1).unwrap().parse().unwrap(),
            body.to_owned(),
        )
    }

    /// Calls the API: status, head and JSON body. `key` goes into the header where it is not empty.
    pub fn call(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        self.call_with(method, path, (key, &[]), body)
    }

    /// Calls the API with further headers.
    pub fn call_with(
        &self,
        method: &str,
        path: &str,
        (key, headers): (&str, &[(&str, &str)]),
        body: &str,
    ) -> Answer {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        if !key.is_empty() {
            head += &format!("Authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let length = body.len();
        // A server that has refused may hang up before it has read everything.
        let _ = write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            json: serde_json::from_str(body).unwrap_or(Value::Null),
            text: body.to_owned(),
        }
    }

    /// The value of a metric, by its whole name with labels.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, page) = self.get("/metrics");
        page.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// Whether `/readyz` says that the connection to Discord is ready.
    pub fn gateway_is_ready(&self) -> bool {
        self.get("/readyz").1.contains(r#""gateway":"ready""#)
    }

    /// Processor time that the bot has used so far.
    pub fn processor_time(&self) -> Duration {
        let stat = self.proc_file("stat");
        // Behind the name, which may hold anything: user time is the 12th field and system time the 13th.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks: u64 = fields
            .split(' ')
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().unwrap())
            .sum();
        // Linux counts it in hundredths of a second.
        Duration::from_millis(ticks * 10)
    }

    /// Memory of the bot's own in KiB: what is resident and not a file's.
    pub fn own_memory(&self) -> u64 {
        let status = self.proc_file("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn proc_file(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and gives the exit code, what was written to standard error, and how long it took.
    pub fn stop(mut self) -> (i32, String, Duration) {
        let start = stopwatch();
        self.signal("TERM");
        let status = blocking(|| self.child.wait().unwrap());
        let err = self.err.take().unwrap().join().unwrap();
        (status.code().unwrap_or(-1), err, start.elapsed())
    }

    /// Waits for an end that comes by itself.
    pub fn ended(mut self) -> (i32, String) {
        let status = blocking(|| self.child.wait().unwrap());
        (
            status.code().unwrap_or(-1),
            self.err.take().unwrap().join().unwrap(),
        )
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A web server on a port that stays its own while it is down.
pub struct Web {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    up: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Web {
    pub fn up() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut web = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            up: None,
        };
        web.serve(listener);
        web
    }

    pub fn target(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have come so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn goes_down(&mut self) {
        let Some((stop, thread)) = self.up.take() else {
            return;
        };
        stop.store(true, Ordering::SeqCst);
        // Wakes the accept; whether it is still heard does not matter.
        let _ = TcpStream::connect(self.address);
        thread.join().unwrap();
    }

    pub fn comes_back(&mut self) {
        let address = self.address;
        let listener = wait_for("the port to be free again", || {
            TcpListener::bind(address).ok()
        });
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let requests = Arc::clone(&self.requests);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                requests.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 1024];
                // Whoever hangs up early gets no answer, that is all.
                let _ = stream.read(&mut request);
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
                );
            }
        });
        self.up = Some((stop, thread));
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.goes_down();
    }
}
