//! A machine on which nothing of Rollcall is but its program: no settings and no database. Any setting that is read there, or
//! any file that is created, shows.

use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::{blocking, wait_for};

pub struct OtherMachine {
    folder: tempfile::TempDir,
}

impl OtherMachine {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A program that read it would fail.
        std::fs::write(folder.path().join(".env"), "PROBE_INTERVAL=soon\n").unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes a file that only its owner can read, and returns its path.
    pub fn secret_file(&self, name: &str, content: &str) -> String {
        let mut options = std::fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(self.path(name)).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        self.path(name)
    }

    /// Writes a program, and returns its path.
    pub fn program(&self, name: &str, script: &str) -> String {
        let path = self.path(name);
        let folder = PathBuf::from(&path).parent().unwrap().to_owned();
        std::fs::create_dir_all(folder).unwrap();
        let mut options = std::fs::OpenOptions::new();
        let options = options.write(true).create(true).mode(0o755);
        let mut file = options.open(&path).unwrap();
        file.write_all(script.as_bytes()).unwrap();
        path
    }

    /// The names of all files but `.env`.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != ".env").collect();
        names.sort();
        names
    }

    /// Starts Rollcall's program.
    pub fn rollcall(&self, arguments: &[&str]) -> Program {
        let path = std::env::var("PATH").unwrap();
        self.start(env!("CARGO_BIN_EXE_rollcall"), arguments, &path)
    }

    /// Starts a program, which finds others in these folders.
    pub fn start(&self, program: &str, arguments: &[&str], path: &str) -> Program {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", path)
            .env("DISCORD_TOKEN", "")
            .env("PROBE_TIMEOUT", "soon")
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = Printed::of(child.stdout.take().unwrap());
        let err = Printed::of(child.stderr.take().unwrap());
        Program { child, out, err }
    }
}

/// What a program has printed so far.
struct Printed {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Printed {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 16 * 1024];
            while let Ok(read @ 1..) = pipe.read(&mut piece) {
                kept.lock().unwrap().extend_from_slice(&piece[..read]);
            }
        });
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn all(&mut self) -> Vec<u8> {
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut self.bytes.lock().unwrap())
    }
}

/// A running program; killed when dropped.
pub struct Program {
    child: Child,
    out: Printed,
    err: Printed,
}

/// What a program has left.
#[derive(Debug)]
pub struct Ended {
    /// -1 if a signal has ended it.
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ended {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

impl Program {
    /// Waits until standard output contains a text.
    pub fn wait_for_output(&self, text: &str) {
        wait_for(text, || self.out.text().contains(text).then_some(()));
    }

    /// Waits until standard error contains a text.
    pub fn wait_for_error(&self, text: &str) {
        wait_for(text, || self.err.text().contains(text).then_some(()));
    }

    /// The number of lines on standard error that contain a text.
    pub fn errors_with(&self, text: &str) -> usize {
        let printed = self.err.text();
        printed.lines().filter(|line| line.contains(text)).count()
    }

    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let done = Command::new("kill")
            .args([&format!("-{name}"), &process])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// Writes to standard input and closes it.
    pub fn input(&mut self, text: &str) {
        let mut input = self.child.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
    }

    /// Resident memory in KiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().split_whitespace().next().unwrap();
        number.parse().unwrap()
    }

    /// Waits until the program has no process of its own any longer.
    pub fn wait_for_children_to_end(&self) {
        let id = self.child.id();
        let file = format!("/proc/{id}/task/{id}/children");
        wait_for("the children to end", || {
            let children = std::fs::read_to_string(&file).unwrap_or_default();
            children.trim().is_empty().then_some(())
        });
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until the program ends by itself.
    pub fn ended(mut self) -> Ended {
        drop(self.child.stdin.take());
        let status = blocking(|| self.child.wait().unwrap());
        Ended {
            code: status.code().unwrap_or(-1),
            out: self.out.all(),
            err: String::from_utf8(self.err.all()).unwrap(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
