//! The file with the agent's key: the key alone, or the header line for curl that the reply to `/server add` saves.

use std::fmt;
use std::path::Path;

use crate::app::AppError;
use crate::cli::terminal::input_file;
use crate::private_files;

/// Stands before the key in a header line; in any case.
const HEADER: &str = "authorization:";
const SCHEME: &str = "bearer";

/// The key of a server. `Debug` hides it, and `Display` is not implemented.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct AgentKey(String);

impl fmt::Debug for AgentKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AgentKey")
    }
}

impl AgentKey {
    /// The key itself. Call this only where it is sent.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Reads the key from a file.
    pub(super) fn read(file: &Path) -> Result<Self, AppError> {
        let lines = input_file::read_secret("--key-file", file)?;
        Self::parse(&lines).ok_or_else(|| {
            AppError::Setting(format!(
                "--key-file: {} must contain one line with a key, such as `rc_server_…` or `Authorization: Bearer rc_server_…`",
                file.display()
            ))
        })
    }

    /// Takes the only line of a file.
    fn parse(lines: &[String]) -> Option<Self> {
        let [line] = lines else { return None };
        let key = match without_start(line, HEADER) {
            Some(value) => without_start(value.trim_start(), SCHEME)?.trim_start(),
            None => line,
        };
        let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        is_key.then(|| Self(key.to_owned()))
    }
}

/// The rest of a text behind its start, in any case.
fn without_start<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let found = text.get(..start.len())?;
    found
        .eq_ignore_ascii_case(start)
        .then(|| &text[start.len()..])
}

/// The warning if others than the owner can read the file.
pub(super) fn warning(file: &Path) -> Option<String> {
    let mode = private_files::mode_to_tighten(file)?;
    let file = file.display();
    Some(format!(
        "warning: other users can read {file}. Run `chmod {mode} {file}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_alone_or_in_a_header_line() {
        for (lines, expected) in [
            (&["rc_server_abc"][..], Some("rc_server_abc")),
            (
                &["Authorization: Bearer rc_server_abc"],
                Some("rc_server_abc"),
            ),
            (
                &["authorization:bearer rc_server_abc"],
                Some("rc_server_abc"),
            ),
            (&["Authorization: Basic abc"], None),
            (&["Authorization: Bearer"], None),
            (&["Authorization: Bearer a b"], None),
            (&["a b"], None),
            (&["schlüssel"], None),
            (&["a", "b"], None),
            (&[], None),
        ] {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            let key = AgentKey::parse(&lines);
            assert_eq!(key.as_ref().map(AgentKey::reveal), expected, "{lines:?}");
        }
    }

    #[test]
    fn neither_debug_nor_an_error_shows_the_key() {
        let key = AgentKey("canary".into());
        assert!(!format!("{key:?}").contains("canary"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "canary one\ncanary two\n").unwrap();
        let error = AgentKey::read(&file).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
