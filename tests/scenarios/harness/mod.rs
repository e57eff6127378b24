//! The test harness: a Rollcall with its own folder, settings and processes, and web servers that go down and recover.

pub mod alerting;
pub mod client;
pub mod collector;
pub mod copied_lines;
pub mod frozen_threads;
pub mod heartbeats;
pub mod machine_load;
#[path = "../../../src/probe/tests/name_server.rs"]
pub mod name_server;
pub mod other_machine;
pub mod own_timer;
pub mod query_plans;
pub mod storage_faults;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use discord_sandbox::Reply;
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::harness::frozen_threads::FrozenThreads;
use crate::harness::own_timer::{Machine, stopwatch};
use crate::harness::storage_faults::FileSizeLimit;

/// The time-out of every wait: nothing in a scenario takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary folder with a database, and the settings of the processes that run in it.
pub struct Rollcall {
    folder: tempfile::TempDir,
    settings: BTreeMap<&'static str, String>,
}

/// A response of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and headers, unchanged. hyper writes header names in lower case.
    pub head: String,
    pub json: Value,
    /// The body, unchanged.
    pub text: String,
}

impl Answer {
    /// The lines of the body, each as JSON.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The value of a header, unchanged.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }
}

/// A complete chunked body.
fn without_chunks(mut body: &str) -> String {
    let mut text = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n").expect("the length of a chunk");
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return text;
        }
        text += &rest[..length];
        body = rest[length..].strip_prefix("\r\n").unwrap();
    }
}

/// The output and the exit code of a one-shot command.
#[derive(Debug)]
pub struct CommandOutput {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl CommandOutput {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

impl Rollcall {
    /// Intervals of one second, loopback addresses allowed, no Discord.
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
            ("CONNECTIVITY_HOSTS", String::new()),
            ("CONNECTIVITY_NAMES", String::new()),
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
        // A write beyond a file size limit is an error, and does not end the process by SIGXFSZ (25).
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#"trap '' 25; exec "$0" "$@""#])
            .arg(env!("CARGO_BIN_EXE_rollcall"))
            .args(arguments)
            .env_clear()
            .envs(&self.settings)
            .current_dir(self.folder.path());
        command
    }

    /// Runs a one-shot command.
    pub fn execute(&self, arguments: &[&str]) -> CommandOutput {
        blocking(|| self.command(arguments).output().unwrap().into())
    }

    /// Runs a program that is not Rollcall in the bot's environment, with these variables added.
    pub fn execute_other(
        &self,
        program: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> CommandOutput {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(&self.settings)
            .envs(variables.iter().copied())
            .current_dir(self.folder.path());
        blocking(|| command.output().unwrap().into())
    }

    /// Runs a one-shot command that must succeed.
    pub fn done(&self, arguments: &[&str]) -> CommandOutput {
        let output = self.execute(arguments);
        assert_eq!(output.code, 0, "{arguments:?}: {output:?}");
        output
    }

    /// Starts a one-shot command without waiting for its end.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts the bot and waits until its HTTP server is up.
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
            // Output that is not UTF-8 should fail the test that expects it, not this thread.
            let _ = pipe.read_to_string(&mut text);
            text
        }));
        wait_for("the bot's HTTP server", || {
            self.path("addr").exists().then_some(())
        });
        running
    }

    /// Creates an empty database. Commands that only read do not.
    pub fn create_database(&self) {
        self.execute(&["endpoint", "import", "/dev/null"]);
    }

    /// All endpoints, as `endpoint list --json` prints them.
    pub fn list(&self) -> Vec<Value> {
        self.done(&["endpoint", "list", "--json"])
            .json()
            .as_array()
            .unwrap()
            .clone()
    }

    /// Adds an endpoint and returns its id.
    pub fn add(&self, target: &str) -> i64 {
        self.done(&["endpoint", "add", target, "--json"]).json()["id"]
            .as_i64()
            .unwrap()
    }

    /// Waits until `is` holds for the endpoint with this id, and returns the endpoint.
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

    /// Runs a statement on the database and returns its only column.
    pub fn sql(&self, statement: &str) -> Vec<String> {
        let url = format!("sqlite://{}", self.path("rollcall.db").display());
        let statement = statement.to_owned();
        // In its own thread, because the caller may be in a runtime already.
        let query = std::thread::spawn(move || {
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
        query.join().unwrap()
    }
}

impl Drop for Rollcall {
    /// Prints the bot's log if the scenario has failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the bot's log:\n{}", self.log());
        }
    }
}

/// Calls `ask` until it returns a value. Yields the processor between two calls.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = stopwatch();
    blocking(|| {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "timed out after {PATIENCE:?} waiting for {what}"
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    })
}

/// Runs work that blocks its thread. In a multi-threaded runtime, the thread's other tasks, such as the sandbox's, move to
/// another thread.
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

/// A running bot; killed when dropped.
pub struct Running<'a> {
    rollcall: &'a Rollcall,
    child: Child,
    err: Option<JoinHandle<String>>,
    /// Shows whether the machine stalled while the bot ran.
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

    /// A connection to the HTTP server. A bot that hangs must not hang the scenario.
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The status and body of a page.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = self.connect();
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

    /// Calls the API. `key` goes into the `Authorization` header unless it is empty.
    pub fn call(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        self.call_with(method, path, (key, &[]), body)
    }

    /// Calls the API with extra headers.
    pub fn call_with(
        &self,
        method: &str,
        path: &str,
        (key, headers): (&str, &[(&str, &str)]),
        body: &str,
    ) -> Answer {
        let mut stream = self.connect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        if !key.is_empty() {
            head += &format!("Authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let length = body.len();
        // A server that rejects a request may hang up before it has read everything.
        let _ = write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let text = match head.contains("transfer-encoding: chunked") {
            true => without_chunks(body),
            false => body.to_owned(),
        };
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }

    /// The value of a metric, by its name with all labels.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, page) = self.get("/metrics");
        page.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// Whether `/readyz` reports the connection to Discord as ready.
    pub fn gateway_is_ready(&self) -> bool {
        self.get("/readyz").1.contains(r#""gateway":"ready""#)
    }

    /// Processor time that the bot has used so far.
    pub fn processor_time(&self) -> Duration {
        let stat = self.proc_file("stat");
        // After the program's name, which may contain anything, user time is the 12th field and system time the 13th.
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

    /// The bot's anonymous memory in KiB: resident, and not backed by a file.
    pub fn own_memory(&self) -> u64 {
        let status = self.proc_file("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The number of the bot's open file descriptors.
    pub fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// The permissions that the bot takes from every new file, in octal.
    pub fn umask(&self) -> String {
        let status = self.proc_file("status");
        let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        line.unwrap().trim().to_owned()
    }

    fn proc_file(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    /// Stops the threads whose name begins with `name`.
    pub fn freeze_threads(&self, name: &str) -> FrozenThreads {
        FrozenThreads::freeze(self.child.id(), name)
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// The size of the write-ahead log of the database, in bytes.
    pub fn log_size(&self) -> u64 {
        let log = std::fs::metadata(self.rollcall.path("rollcall.db-wal"));
        log.map_or(0, |log| log.len())
    }

    /// The limit for the sizes of the bot's files.
    pub fn file_size_limit(&self) -> FileSizeLimit {
        FileSizeLimit::of(self.child.id())
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM. Returns the exit code, the standard error output, and how long the exit took.
    pub fn stop(mut self) -> (i32, String, Duration) {
        let start = stopwatch();
        self.signal("TERM");
        let status = blocking(|| self.child.wait().unwrap());
        let err = self.err.take().unwrap().join().unwrap();
        (status.code().unwrap_or(-1), err, start.elapsed())
    }

    /// Waits until the bot exits by itself. Returns the exit code and the standard error output.
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

/// A web server that comes back on the same port after it was down.
pub struct Web {
    address: SocketAddr,
    /// Holds the port while the server is down: no other program gets it.
    _held: Socket,
    requests: Arc<AtomicUsize>,
    up: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Web {
    pub fn up() -> Self {
        let held = Self::bind((Ipv4Addr::LOCALHOST, 0).into());
        let mut web = Self {
            address: held.local_addr().unwrap().as_socket().unwrap(),
            _held: held,
            requests: Arc::default(),
            up: None,
        };
        web.recovers();
        web
    }

    pub fn target(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn goes_down(&mut self) {
        let Some((stop, thread)) = self.up.take() else {
            return;
        };
        stop.store(true, Ordering::SeqCst);
        // Wakes the accept loop. An error does not matter.
        let _ = TcpStream::connect(self.address);
        thread.join().unwrap();
    }

    pub fn recovers(&mut self) {
        let listener = Self::bind(self.address);
        listener.listen(128).unwrap();
        self.serve(listener.into());
    }

    /// A socket that shares its port with the other sockets of the server.
    fn bind(address: SocketAddr) -> Socket {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.bind(&address.into()).unwrap();
        socket
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
                // A client that hangs up early gets no response, which is fine.
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

/// Fails if a reply does not contain these words, and shows the reply.
pub fn assert_contains(reply: &Reply, words: &str) {
    assert!(
        reply.text().contains(words),
        "{words} is not in\n{}",
        reply.render()
    );
}
