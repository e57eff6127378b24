//! The bot as a process of its own, on a temporary database, exactly as its user runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use discord_sandbox::Sandbox;

/// A running bot and the folder that goes away with it.
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
            // Nothing of the terminal's own settings, proxies among them, gets in the way.
            .env_clear()
            .current_dir(folder.path())
            .env("DISCORD_TOKEN", sandbox.token())
            .env("DISCORD_API_URL", sandbox.api_url())
            .env("DISCORD_GUILD_ID", sandbox.guild().0.to_string())
            .env("DATABASE_URL", database)
            .env("LOG_DIR", folder.path().join("logs"))
            .env("HTTP_BIND", "127.0.0.1:0")
            .env("PROBE_ALLOW", "loopback")
            .env("PROBE_WITNESSES", "")
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

    /// Asks it to stop, as systemd or Docker would, and waits for its end.
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

/// The bot's program, as cargo builds it beside the examples.
fn binary() -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."));
    // `cargo run --example` builds the library and the example, not the program; an older one may lie about.
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        // With the example, because alone it would be built with other features of its dependencies, and all of them anew.
        build.args(["build", "--quiet", "--example", "demo", "--bin", "rollcall"]);
        // What `cargo run` says of this package would be news to ring's build script, and half of the tree built anew.
        let about_us =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars().filter(|(name, _)| about_us(name)) {
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
