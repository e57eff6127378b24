//! The endpoints that a file lists. Three formats, recognized by the content: a JSON array, a table with a header, or one
//! target per line. Targets are read as people type them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::entry::{ImportEntry, Lines};
use super::{RefusedLine, table};
use crate::actions::Error;
use crate::domain::endpoints::typed_target;
use crate::domain::monitor::{ValidationError, parse_interval, parse_name};
use crate::store::endpoints::endpoint::Description;

/// Largest accepted file, in bytes: about ten thousand endpoints.
pub const MAX_FILE: usize = 1024 * 1024;

/// The endpoints that a file lists, each target once, and the lines that list none.
#[derive(Debug, Default)]
pub struct EndpointFile {
    pub descriptions: Vec<Description>,
    /// The line of each description.
    pub(super) lines: Vec<usize>,
    pub refused: Vec<RefusedLine>,
    /// Columns of a table that have no meaning to Rollcall.
    pub unread_columns: Vec<String>,
}

impl EndpointFile {
    /// Reads a file without adding anything.
    ///
    /// # Errors
    /// `Error::Invalid` if the file as a whole cannot be read.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        let mut parsed = Self::default();
        let mut lines_of = HashMap::new();
        let (lines, unread_columns) = read(file)?;
        parsed.unread_columns = unread_columns;
        for (line, entry) in lines {
            match entry.and_then(describe) {
                Ok(description) => match lines_of.entry(description.target.to_string()) {
                    Entry::Vacant(target) => {
                        target.insert(line);
                        parsed.descriptions.push(description);
                        parsed.lines.push(line);
                    }
                    Entry::Occupied(first) => parsed.refused.push(RefusedLine {
                        line,
                        reason: format!("line {} has the same target", first.get()),
                    }),
                },
                Err(reason) => parsed.refused.push(RefusedLine { line, reason }),
            }
        }
        Ok(parsed)
    }
}

fn invalid(sentence: impl Into<String>) -> Error {
    Error::Invalid(sentence.into())
}

/// The lines of a file, and the columns that are not read.
fn read(file: &[u8]) -> Result<(Lines, Vec<String>), Error> {
    if file.len() > MAX_FILE {
        return Err(invalid(
            "the file is larger than 1 MiB. Split it and import the parts separately",
        ));
    }
    let text = std::str::from_utf8(file)
        .map_err(|_| invalid("the file is not UTF-8 text. Save it as UTF-8 and try again"))?;
    let text = text.trim_start_matches('\u{feff}');
    if is_json(text) {
        return Ok((read_json(text)?, Vec::new()));
    }
    if text.trim_start().starts_with('{') {
        return Err(invalid(
            "the file is one JSON object. Rollcall reads a JSON array. Example: `[{\"target\": \"tcp://203.0.113.7:25565\", \"name\": \"game\"}]`",
        ));
    }
    if is_yaml(text) {
        return Err(invalid(
            "the file is YAML. Rollcall reads one target per line, CSV with a column `target`, or a JSON array",
        ));
    }
    match table::read(text)? {
        Some(table) => Ok((table.lines, table.unread_columns)),
        None => Ok((read_lines(text), Vec::new())),
    }
}

/// Whether a text begins with a bracket that does not belong to an IPv6 address.
fn is_json(text: &str) -> bool {
    let inside = text.trim_start().strip_prefix('[');
    let is_in_address = |letter: char| letter == ':' || letter.is_ascii_hexdigit();
    inside.is_some_and(|inside| !inside.starts_with(is_in_address))
}

/// Whether the first line with content is a key of YAML, such as `endpoints:`.
fn is_yaml(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(is_content);
    let key = first.and_then(|line| line.strip_suffix(':'));
    key.is_some_and(|key| {
        !key.is_empty()
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte))
    })
}

fn read_json(text: &str) -> Result<Lines, Error> {
    let values: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|error| {
        invalid(format!(
            "the file is not valid JSON ({error}). Example: `[{{\"target\": \"tcp://203.0.113.7:25565\", \"name\": \"game\"}}]`"
        ))
    })?;
    let entry = |value: serde_json::Value| match value {
        serde_json::Value::String(target) => Ok(ImportEntry {
            target: Some(target),
            ..ImportEntry::default()
        }),
        value => serde_json::from_value(value).map_err(|_| {
            "this is neither a target nor an object with `target`, `url` or `host`".to_owned()
        }),
    };
    Ok(values
        .into_iter()
        .enumerate()
        .map(|(index, value)| (index + 1, entry(value)))
        .collect())
}

/// Whether a line is neither empty nor a comment.
fn is_content(line: &&str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

/// Parses one target per line, optionally followed by a name; skips empty lines and `#` comments.
fn read_lines(text: &str) -> Lines {
    let entry = |line: &str| {
        let (target, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let name = Some(name.trim())
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
        ImportEntry {
            target: Some(target.to_owned()),
            name,
            ..ImportEntry::default()
        }
    };
    text.lines()
        .map(str::trim)
        .enumerate()
        .filter(|(_, line)| is_content(line))
        .map(|(index, line)| (index + 1, Ok(entry(line))))
        .collect()
}

fn describe(entry: ImportEntry) -> Result<Description, String> {
    let target = typed_target::read(&entry.typed()).map_err(|error| error.to_string())?;
    let name = match entry.name.filter(|name| !name.trim().is_empty()) {
        Some(name) => parse_name(&name).map_err(|error| error.to_string())?,
        None => target.default_name(),
    };
    let interval = match entry.interval {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) if text.is_empty() => None,
        Some(serde_json::Value::String(text)) => {
            Some(parse_interval(&text).map_err(wrong_interval)?)
        }
        Some(value) => Some(parse_interval(&value.to_string()).map_err(wrong_interval)?),
    };
    Ok(Description {
        name,
        target,
        http_check: None,
        interval,
    })
}

fn wrong_interval(error: ValidationError) -> String {
    format!("`interval`: {error}")
}
