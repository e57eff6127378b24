//! The file `.env` in the working directory. Folders above it are not searched, because other users may be able to write to
//! them: a `.env` there could send the token to another origin.

use std::io::ErrorKind;
use std::path::Path;

const FILE: &str = ".env";

/// Adds the variables of `.env` to the environment, unless they are set. The error is a sentence about the file.
pub(super) fn load() -> Result<(), String> {
    let content = match std::fs::read_to_string(Path::new(FILE)) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(".env is not UTF-8 text".to_owned());
        }
        Err(_) => return Err(".env cannot be read; check its permissions".to_owned()),
    };
    let loaded = dotenvy::from_read_iter(content.as_bytes()).load();
    loaded.map_err(|error| mistake(&content, &error))
}

/// Describes an error by its line, because the line itself may hold a secret.
fn mistake(content: &str, error: &dotenvy::Error) -> String {
    let dotenvy::Error::LineParse(wrong, position) = error else {
        return ".env cannot be read; check its permissions".to_owned();
    };
    // A value in quotes may have several lines; the error is about the first of them.
    let first = wrong.lines().next().unwrap_or_default();
    let line = content
        .lines()
        .position(|line| line.trim_start_matches('\u{feff}').starts_with(first))
        .map_or(1, |index| index + 1);
    format!(
        ".env is invalid in line {line}, at character {}. Example: DATABASE_URL=sqlite://data/rollcall.db",
        position.min(&first.len()) + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake_in(content: &str) -> String {
        let mut lines = dotenvy::from_read_iter(content.as_bytes());
        let error = lines.find_map(Result::err).unwrap();
        mistake(content, &error)
    }

    #[test]
    fn a_mistake_is_reported_by_its_line_and_never_quoted() {
        for (content, line) in [
            ("canary\n", 1),
            ("A=1\r\n# b\r\n\r\ncanary canary\r\nB=2\r\n", 4),
            ("A=1\nB='canary\nC=3\n", 2),
            ("A=\"one\ntwo\"\nB=1\ncanary", 4),
            ("\u{feff}canary\n", 1),
        ] {
            let shown = mistake_in(content);
            let expected = format!(".env is invalid in line {line}, at character ");
            assert!(shown.starts_with(&expected), "{content:?}: {shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
