//! The built demo as its own process, as `cargo run --example demo -- --web` starts it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// The limit of every wait for the demo. A busy machine needs some seconds to start the bot.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the demo plays its story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    Played,
    /// Only its monitors and its alert channel are set up.
    Skipped,
}

/// A demo with its bot. Both are stopped when it is dropped.
pub struct Demo {
    process: Child,
    lines: Receiver<String>,
    url: String,
}

impl Demo {
    /// Builds the demo if needed, starts it with its files in `folder`, and waits until its page is there.
    ///
    /// # Panics
    /// If it cannot be built, or does not start within a minute.
    pub fn start(story: Story, folder: &Path) -> Self {
        let variable = match story {
            Story::Played => "play",
            Story::Skipped => "skip",
        };
        let mut process = Command::new(program())
            .arg("--web")
            .env("DEMO_STORY", variable)
            // Both programs are built. With this variable, the demo would build the bot again.
            .env_remove("CARGO")
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demo was built");
        let output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let (sender, lines) = mpsc::channel();
        // Ends with the demo. The lines that nobody waits for are dropped.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut demo = Self {
            process,
            lines,
            url: String::new(),
        };
        let opened = demo.wait_for_line("Open http://");
        let url = opened.split_whitespace().nth(1);
        demo.url = url.unwrap_or_default().to_owned();
        if story == Story::Skipped {
            demo.wait_for_line("The bot goes on running");
        }
        demo
    }

    /// The address of its page.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn wait_for_line(&self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut printed = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => printed.push(line),
                Err(error) => panic!(
                    "the demo did not print `{words}` ({error}), but:\n{}",
                    printed.join("\n")
                ),
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // On this signal, the demo stops its bot and removes its files. Its output ends with it.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let until = Instant::now() + PATIENCE;
        let left = || until.saturating_duration_since(Instant::now());
        while self.lines.recv_timeout(left()).is_ok() {}
        // Does nothing unless it hangs.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The path of the demo, which is built once. A build that finds nothing to do takes half a second.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build
            .args([
                "build",
                "--locked",
                "--example",
                "demo",
                "--bin",
                "rollcall",
            ])
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(root)
            .stderr(Stdio::inherit());
        // Those of this package would let build scripts run again.
        let is_about_package =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars().filter(|(name, _)| is_about_package(name)) {
            build.env_remove(name);
        }
        let built = build.output().expect("cargo can be started");
        assert!(built.status.success(), "the demo cannot be built");
        executable(&String::from_utf8_lossy(&built.stdout)).expect("cargo names the demo")
    })
}

/// The path of the example in what cargo prints.
fn executable(messages: &str) -> Option<PathBuf> {
    let of_line = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_demo = message["target"]["name"] == "demo";
        message["executable"]
            .as_str()
            .filter(|_| is_demo)
            .map(PathBuf::from)
    };
    messages.lines().find_map(of_line)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::executable;

    #[test]
    fn the_path_of_the_demo_is_in_the_messages_of_cargo() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"rollcall"},"executable":"/t/debug/rollcall"}
{"reason":"compiler-artifact","target":{"name":"demo"},"executable":"/t/debug/examples/demo"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages),
            Some(PathBuf::from("/t/debug/examples/demo"))
        );
        assert_eq!(executable("{}\nno json"), None);
    }
}
