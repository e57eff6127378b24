//! The bot as its own process with a temporary database, exactly as a user runs it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use discord_sandbox::Sandbox;

/// The file with what the bot writes on standard error, in its folder.
const ERRORS: &str = "errors";

/// How often the demo checks whether the bot still runs.
const POLL: Duration = Duration::from_millis(100);

/// The bot's program and its temporary folder, which is removed with it.
pub struct Bot {
    program: PathBuf,
    folder: tempfile::TempDir,
    child: Option<Child>,
    environment: Vec<(&'static str, String)>,
}

impl Bot {
    /// Starts the bot. `reference_hosts` are those that it asks whether its own network works.
    pub fn start(sandbox: &Sandbox, reference_hosts: &[SocketAddr]) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("rollcall-demo-")
            .tempdir()?;
        let in_folder = |name: &str| folder.path().join(name).display().to_string();
        let hosts: Vec<String> = reference_hosts.iter().map(ToString::to_string).collect();
        let environment = vec![
            ("DISCORD_TOKEN", sandbox.token()),
            ("DISCORD_API_URL", sandbox.api_url()),
            ("DISCORD_GUILD_ID", sandbox.guild().0.to_string()),
            (
                "DATABASE_URL",
                format!("sqlite://{}", in_folder("rollcall.db")),
            ),
            ("LOG_DIR", in_folder("logs")),
            ("HTTP_BIND", "127.0.0.1:0".to_owned()),
            ("ROLLCALL_ADDR_FILE", in_folder("address")),
            ("PROBE_ALLOW", "loopback".to_owned()),
            ("CONNECTIVITY_HOSTS", hosts.join(",")),
            ("CONNECTIVITY_NAMES", String::new()),
            // A minute is too short for the intervals that people use.
            ("PROBE_INTERVAL", "1s".to_owned()),
            ("PROBE_RETRY_INTERVAL", "1s".to_owned()),
            ("PROBE_TIMEOUT", "1s".to_owned()),
            ("PROBE_FAILURES_TO_OFFLINE", "2".to_owned()),
            ("BOARD_INTERVAL", "2s".to_owned()),
        ];
        let mut bot = Self {
            program: program()?,
            folder,
            child: None,
            environment,
        };
        bot.start_again()?;
        Ok(bot)
    }

    /// Starts the bot after it was killed, on the same database.
    pub fn start_again(&mut self) -> std::io::Result<()> {
        let mut run = self.command();
        let errors = std::fs::File::create(self.file(ERRORS))?;
        run.arg("run").stdout(Stdio::null()).stderr(errors);
        self.child = Some(run.spawn()?);
        Ok(())
    }

    /// Starts the bot again if the story has killed it.
    pub fn start_again_if_killed(&mut self) -> std::io::Result<()> {
        match self.child {
            Some(_) => Ok(()),
            None => self.start_again(),
        }
    }

    /// Ends the bot as a power failure would.
    pub fn kill(&mut self) -> std::io::Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Runs another command of the program, such as `ping`.
    pub fn run(&self, arguments: &[&str]) -> std::io::Result<Output> {
        self.command().args(arguments).output()
    }

    /// The program with an environment of its own: the terminal's, such as a proxy, must not interfere.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Resolves when the bot ends by itself, to what it wrote on standard error.
    pub async fn ended(&mut self) -> String {
        loop {
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                let errors = std::fs::read_to_string(self.file(ERRORS)).unwrap_or_default();
                return format!("the bot ended with {status}: {errors}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// A file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stops the bot as systemd or Docker would, and waits until it has exited.
    pub fn stop(mut self) -> std::io::Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()?;
        let status = child.wait()?;
        match status.success() {
            true => Ok(()),
            false => Err(std::io::Error::other(format!(
                "the bot ended with {status}"
            ))),
        }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // It has usually ended by now.
        let _ = self.kill();
    }
}

/// The path of the bot's program, which cargo builds beside the examples.
fn program() -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."));
    // `cargo run --example` builds the library and the example, not the program, so that an old program may exist.
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        // Builds the example, too: alone, the program's dependencies would have other features and be rebuilt.
        build.args(["build", "--quiet", "--example", "demo", "--bin", "rollcall"]);
        // Cargo knows both in the root of the project only.
        build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        if let Some(target) = folder.parent() {
            build.arg("--target-dir").arg(target);
        }
        // The build of the example has fetched everything.
        build.args(["--locked", "--offline"]);
        // With the variables that `cargo run` sets for this package, ring's build script would run again, and half of the
        // dependencies would be rebuilt.
        let is_about_package =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars().filter(|(name, _)| is_about_package(name)) {
            build.env_remove(name);
        }
        if folder.ends_with("release") {
            build.arg("--release");
        }
        if !build.status()?.success() {
            return Err(std::io::Error::other(
                "the bot could not be built; `cargo build` says why",
            ));
        }
    }
    Ok(folder.join("rollcall"))
}
