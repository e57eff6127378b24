//! What Rollcall answers to the mistakes of people who set it up. Each mistake is a row: a command line, with the settings and
//! files that it needs. The answers of a group are one snapshot, which can be read as a page.

mod arguments;
mod import_files;
mod settings;
mod startup;
mod targets;

use std::fmt::Write as _;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regex::Regex;

/// A mistake does not start the bot. If one does, it is killed after this time.
const LONGEST: Duration = Duration::from_secs(60);

/// Settings with which Rollcall reaches nothing but its own folder.
const SETTINGS: [(&str, &str); 7] = [
    ("DATABASE_URL", "sqlite://rollcall.db"),
    ("LOG_DIR", "logs"),
    ("HTTP_BIND", "127.0.0.1:0"),
    ("CONNECTIVITY_HOSTS", ""),
    ("CONNECTIVITY_NAMES", ""),
    ("DISCORD_API_URL", "http://127.0.0.1:1"),
    ("PROBE_RESOLVER", "127.0.0.1:1"),
];

/// One mistake.
struct Row {
    /// The arguments, separated by spaces; `'two words'` are one.
    command: &'static str,
    /// Set in addition to `SETTINGS`, or in place of them.
    settings: Vec<(&'static str, String)>,
    /// Written to the working directory for this row only.
    files: Vec<File>,
}

struct File {
    name: &'static str,
    content: Vec<u8>,
    mode: u32,
}

/// A row that needs no settings and no files.
fn row(command: &'static str) -> Row {
    Row {
        command,
        settings: Vec::new(),
        files: Vec::new(),
    }
}

impl Row {
    fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    fn file(mut self, name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        self.files.push(File {
            name,
            content,
            mode: 0o600,
        });
        self
    }

    /// The mode of the last file.
    fn mode(mut self, mode: u32) -> Self {
        self.files.last_mut().unwrap().mode = mode;
        self
    }

    /// Runs the command in a folder, and returns the row as it is printed.
    fn play(&self, folder: &Path, number: usize) -> String {
        for file in &self.files {
            let path = folder.join(file.name);
            std::fs::write(&path, &file.content).unwrap();
            let mode = std::fs::Permissions::from_mode(file.mode);
            std::fs::set_permissions(&path, mode).unwrap();
        }
        let (out, err, code) = self.run(folder);
        for file in &self.files {
            std::fs::remove_file(folder.join(file.name)).unwrap();
        }
        let mut page = format!("{number:>3}. $ ");
        for (name, value) in &self.settings {
            write!(page, "{name}={:?} ", shortened(value)).unwrap();
        }
        writeln!(page, "rollcall {}", shortened(self.command)).unwrap();
        for file in &self.files {
            let content = String::from_utf8_lossy(&file.content);
            let content = shortened(&content);
            writeln!(page, "     {} ({:o}): {content:?}", file.name, file.mode).unwrap();
        }
        writeln!(page, "     exit {code}").unwrap();
        for (mark, text) in [('>', out), ('!', err)] {
            let text = normalized(&text, folder);
            let lines = text.lines().filter(|line| !is_noise(line));
            for line in lines {
                writeln!(page, "     {mark} {line}").unwrap();
            }
        }
        page
    }

    /// Standard output, standard error and the exit code.
    fn run(&self, folder: &Path) -> (String, String, i32) {
        let settings = self.settings.iter();
        let settings = settings.map(|(name, value)| (*name, value.as_str()));
        let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall"))
            .args(words(self.command))
            .env_clear()
            .envs(SETTINGS)
            .envs(settings)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let process = Pid::from_raw(child.id().try_into().unwrap());
        let (ended, end) = mpsc::channel::<()>();
        let watch = std::thread::spawn(move || {
            if end.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
                kill(process, Signal::SIGKILL).unwrap();
            }
        });
        // Nothing prints more than a pipe holds.
        let (mut out, mut err) = (String::new(), String::new());
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        let status = child.wait().unwrap();
        drop(ended);
        watch.join().unwrap();
        (out, err, status.code().unwrap_or(-1))
    }
}

/// Splits a command line at its spaces, except in single quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        match index % 2 {
            1 => words.push(part.to_owned()),
            _ => words.extend(part.split_whitespace().map(str::to_owned)),
        }
    }
    words
}

/// Long texts are cut, so that the page stays readable.
fn shortened(text: &str) -> String {
    match text.chars().count() {
        ..=160 => text.to_owned(),
        length => format!(
            "{}… ({length} characters)",
            text.chars().take(40).collect::<String>()
        ),
    }
}

/// Lines of the log that no mistake changes.
fn is_noise(line: &str) -> bool {
    line.is_empty()
        || line.contains("[INFO]")
        || line.contains("DISCORD_TOKEN is not set; Rollcall runs without")
}

/// Replaces what differs between two runs.
fn normalized(text: &str, folder: &Path) -> String {
    let text = text
        .replace(&folder.display().to_string(), "FOLDER")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let patterns = [
        (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "TIME"),
        (r"in \d+\.\d s", "in SECONDS s"),
    ];
    patterns.iter().fold(text, |text, (pattern, word)| {
        Regex::new(pattern)
            .unwrap()
            .replace_all(&text, *word)
            .into_owned()
    })
}

/// The answers to all rows, in one folder with one database.
fn page(rows: &[Row]) -> String {
    let folder = tempfile::tempdir().unwrap();
    page_in(folder.path(), rows)
}

fn page_in(folder: &Path, rows: &[Row]) -> String {
    // Most rows read it, and a command that only reads does not create it.
    row("endpoint import /dev/null").run(folder);
    let played = rows.iter().enumerate();
    let played: Vec<String> = played
        .map(|(index, row)| row.play(folder, index + 1))
        .collect();
    played.join("\n")
}

#[test]
fn at_least_120_mistakes_are_in_the_tables() {
    let port = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    for (group, number, least) in [
        ("arguments", arguments::rows().len(), 39),
        ("settings", settings::rows().len(), 32),
        ("startup", startup::rows(port).len(), 10),
        ("targets", targets::rows().len(), 28),
        ("import files", import_files::rows().len(), 14),
    ] {
        assert!(number >= least, "{group}: {number}");
    }
}
