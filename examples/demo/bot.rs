//! The bot as its own process with a temporary database, exactly as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use discord_sandbox::Sandbox;

/// A running bot and its temporary folder, which is removed with it.
pub struct Bot {
    child: Child,
    folder: tempfile::TempDir,
}

impl Bot {
    pub fn start(sandbox: &Sandbox) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let database = format!("sqlite://{}", folder.path().join("rollcall.db").display());
        let child = Command::new(binary()?)
            .arg("run")
            // The terminal's own environment, such as a proxy, must not interfere.
            .env_clear()
            .current_dir(folder.path())
            .env("DISCORD_TOKEN", sandbox.token())
            .env("DISCORD_API_URL", sandbox.api_url())
            .env("DISCORD_GUILD_ID", sandbox.guild().0.to_string())
            .env("DATABASE_URL", database)
            .env("LOG_DIR", folder.path().join("logs"))
            .env("HTTP_BIND", "127.0.0.1:0")
            .env("PROBE_ALLOW", "loopback")
            .env("CONNECTIVITY_HOSTS", "")
            .env("CONNECTIVITY_NAMES", "")
            .env("PROBE_INTERVAL", "2s")
            .env("PROBE_RETRY_INTERVAL", "1s")
            .env("PROBE_TIMEOUT", "2s")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, folder })
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("logs/bot.log")
    }

    /// Stops the bot as systemd or Docker would, and waits until it has exited.
    pub fn stop(mut self) -> std::io::Result<()> {
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(std::io::Error::other(format!(
                "the bot ended with {status}"
            )))
        }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // It has usually ended by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of the bot's program, which cargo builds beside the examples.
fn binary() -> std::io::Result<PathBuf> {
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
