//! How the product is called: its own directory, its database, and settings from the environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{certificate, child};

/// The database of the product in its directory.
pub fn database(folder: &Path) -> PathBuf {
    folder.join("rollcall.db")
}

/// A command for the program in its own directory, without the rest of our environment.
pub fn program(folder: &Path) -> Command {
    let mut command = child::command(Path::new(env!("CARGO_BIN_EXE_rollcall")));
    let database = database(folder);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DATABASE_URL", format!("sqlite://{}", database.display()))
        .env("LOG_DIR", folder.join("logs"))
        .env("DISCORD_GUILD_ID", "1")
        .env("HTTP_BIND", "127.0.0.1:0")
        .env("ROLLCALL_ADDR_FILE", folder.join("address"))
        .env("PROBE_ALLOW", "loopback")
        .env("CONNECTIVITY_HOSTS", "")
        .env("CONNECTIVITY_NAMES", "")
        .env("PROBE_CA_FILE", folder.join(certificate::CA_FILE))
        .current_dir(folder)
        .stderr(Stdio::null());
    command
}
