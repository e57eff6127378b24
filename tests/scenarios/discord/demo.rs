//! The demo in a terminal, as a stranger uses it: Tab, text that appears above the prompt, and an end that leaves nothing behind.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::wait_for;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
/// Removes the typed line.
const CTRL_U: &str = "\u{15}";

/// The demo's program. Only `cargo test` without a choice of tests builds examples.
fn program() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_rollcall")).parent().unwrap();
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "-q", "--locked", "--target-dir"])
            .arg(folder.parent().unwrap())
            .args(["--example", "demo", "--bin", "rollcall"]);
        // With what `cargo test` sets for this package, build scripts would run again.
        let is_of_package =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars().filter(|(name, _)| is_of_package(name)) {
            build.env_remove(name);
        }
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success());
    }
    folder.join("examples/demo")
}

/// The demo in a terminal. It is stopped when dropped.
struct Demo {
    process: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    /// Where the screen has been read up to.
    read: usize,
    /// Where the demo creates its folder.
    folder: tempfile::TempDir,
}

impl Demo {
    /// Starts the demo in a terminal with as many columns.
    fn start(columns: u16) -> Self {
        let program = program();
        let size = Winsize {
            ws_row: 40,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let terminal = openpty(&size, None).unwrap();
        let stream = || Stdio::from(terminal.slave.try_clone().unwrap());
        let folder = tempfile::tempdir().unwrap();
        // Without cargo, it does not build anything.
        let process = Command::new(program)
            .env_remove("CARGO")
            .env("TMPDIR", folder.path())
            .env("TERM", "xterm")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        Self {
            process,
            keyboard: File::from(terminal.master.try_clone().unwrap()),
            screen: recorded(terminal.master),
            read: 0,
            folder,
        }
    }

    /// The same, at the prompt: the story is skipped.
    fn at_the_prompt(columns: u16) -> Self {
        let mut demo = Self::start(columns);
        demo.shows("Press Enter to skip to the prompt");
        demo.shows("types /alerts setup");
        demo.types("\r");
        demo.shows("ada> ");
        demo
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.process.id()).unwrap())
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a text appears after what has been read, and reads up to its end.
    fn shows(&mut self, text: &str) {
        self.read += wait_for(text, || {
            let shown = self.unread();
            shown.find(text).map(|at| at + text.len())
        });
    }

    /// What has been printed since, without the colors and the movements of the cursor.
    fn unread(&self) -> String {
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        plain(&String::from_utf8_lossy(&screen)).split_off(self.read)
    }

    /// Waits until the demo has ended with this exit code, and checks that it has left no process and no file.
    fn ends(mut self, code: i32) {
        let ended = wait_for("the end of the demo", || self.process.try_wait().unwrap());
        assert_eq!(ended.code(), Some(code), "{}", self.unread());
        let files: Vec<_> = std::fs::read_dir(self.folder.path()).unwrap().collect();
        assert!(files.is_empty(), "{files:?}");
        let processes = std::fs::read_dir("/proc").unwrap();
        let folders =
            processes.filter_map(|one| std::fs::read_link(one.ok()?.path().join("cwd")).ok());
        // The bot runs in the folder of the demo.
        let left: Vec<_> = folders
            .filter(|folder| folder.starts_with(self.folder.path()))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the terminal since then:\n{}", self.unread());
        }
        // It has usually ended. A signal that it can handle makes it stop its bot, too.
        if let Ok(None) = self.process.try_wait() {
            let _ = kill(self.pid(), Signal::SIGTERM);
            let _ = self.process.wait();
        }
    }
}

/// What a terminal has been sent, as it comes.
fn recorded(terminal: OwnedFd) -> Arc<Mutex<Vec<u8>>> {
    let screen = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&screen);
    let mut terminal = File::from(terminal);
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        // It fails when the last program has closed the terminal.
        while let Ok(count @ 1..) = terminal.read(&mut bytes) {
            let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
            written.extend_from_slice(&bytes[..count]);
        }
    });
    screen
}

/// A text without escape sequences, as far as it is complete.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut parts = text.split("\u{1b}[");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|one: char| ('\u{40}'..='\u{7e}').contains(&one));
        plain.push_str(end.map_or("", |end| &part[end + 1..]));
    }
    plain
}

#[test]
fn tab_completes_commands_options_and_names() {
    let mut demo = Demo::at_the_prompt(80);
    demo.types("/al\t");
    demo.shows("ada> /alerts ");
    demo.types("se\t");
    demo.shows("ada> /alerts setup ");
    demo.types("ch\tal\t");
    demo.shows("ada> /alerts setup channel:#alerts ");
    demo.types("ro\t@o\t");
    demo.shows("ada> /alerts setup channel:#alerts role:@on-call ");
    demo.types(CTRL_U);
    demo.types("/endpoint pause endpoint:web-0\t");
    demo.shows("web-01 · tcp://127.0.0.1:");
    demo.shows("web-09 · tcp://127.0.0.1:");
    // Several begin so, which changes nothing.
    demo.shows("ada> /endpoint pause endpoint:web-0");
    demo.types("3\t");
    demo.shows("ada> /endpoint pause endpoint:web-03 ");
    demo.types(CTRL_U);
    // All of them contain this, and their names have another beginning.
    demo.types("/endpoint pause endpoint:0.1\t");
    demo.shows("web-12 · tcp://127.0.0.1:");
    demo.shows("ada> /endpoint pause endpoint:0.1");
    demo.types(CTRL_U);
    demo.types("/endpoint pause endpoint:web-03\r");
    demo.shows("Paused web-03");
    demo.shows("ada> ");
    demo.types("as s\t\r");
    demo.shows("sam> ");
    demo.types("/endpoint pause endpoint:web-03\r");
    demo.shows("this member does not see that command");
    demo.shows("sam> ");
    demo.types(CTRL_D);
    demo.shows("Stopping the bot");
    demo.ends(0);
}

#[test]
fn text_appears_above_a_line_that_is_being_typed() {
    // Narrower than the line.
    let mut demo = Demo::at_the_prompt(40);
    demo.types("toggle shop\r");
    demo.shows("shop is down");
    demo.shows("ada> ");
    let typed = "/endpoint add target:example.org name:typed-while-others-fail";
    demo.types(typed);
    // The line is wrapped within its name.
    demo.shows("me:typed-while-others-fail");
    demo.shows("shop is offline");
    demo.shows(&format!("ada> {typed}"));
    demo.types(CTRL_U);
    demo.types("press ack\t");
    demo.shows("ada> press Acknowledge");
    demo.types("\r");
    demo.shows("Acknowledged");
    demo.types("choose nothing\r");
    demo.shows("There is no menu option yet.");
    demo.types("press nothing\r");
    demo.shows("There is no button `nothing`.");
    demo.shows("ada> ");
    demo.types(CTRL_C);
    demo.shows("Stopping the bot");
    demo.ends(0);
}

#[test]
fn a_signal_ends_the_story_and_leaves_nothing_behind() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut demo = Demo::start(80);
        demo.shows("types /alerts setup");
        kill(demo.pid(), signal).unwrap();
        demo.shows("Stopping the bot");
        demo.ends(0);
    }
}
