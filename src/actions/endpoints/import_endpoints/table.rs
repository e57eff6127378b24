//! Tables: CSV with commas, semicolons or tabs, and a header that names the columns. Spreadsheets write semicolons where the
//! comma is the decimal separator.

use super::entry::{ImportEntry, Lines};
use crate::actions::Error;
use crate::domain::endpoints::typed_target;
use crate::domain::text::csv_cell;

const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Columns of a target.
const TARGETS: [&str; 4] = ["target", "url", "host", "hostname"];

/// Columns that are read, and those of an export that are not read again.
const KNOWN: [&str; 8] = [
    "target", "url", "host", "hostname", "port", "name", "interval", "status",
];

/// The content of a table.
pub(super) struct ParsedTable {
    pub lines: Lines,
    /// Columns that have no meaning to Rollcall, each once.
    pub unread_columns: Vec<String>,
}

/// Reads a table; `None` if the text is none.
///
/// # Errors
/// `Error::Invalid` if its header has no column for a target.
pub(super) fn read(text: &str) -> Result<Option<ParsedTable>, Error> {
    let first = text.lines().next().unwrap_or_default();
    let is_target = |word: &str| {
        let is_column = KNOWN.iter().any(|known| word.eq_ignore_ascii_case(known));
        !is_column && typed_target::read(word).is_ok()
    };
    // A target may have the word of a column in its name.
    if first.split_whitespace().next().is_some_and(is_target) {
        return Ok(None);
    }
    let columns = |delimiter: u8| -> Vec<String> {
        let cells = first.split(char::from(delimiter));
        cells
            .map(|cell| cell.trim().trim_matches('"').trim().to_owned())
            .collect()
    };
    let is_one_of = |names: &[&str], columns: &[String]| {
        let mut columns = columns.iter();
        columns.any(|column| names.iter().any(|name| column.eq_ignore_ascii_case(name)))
    };
    let with_target = DELIMITERS
        .into_iter()
        .find(|delimiter| is_one_of(&TARGETS, &columns(*delimiter)));
    if let Some(delimiter) = with_target {
        return Ok(Some(read_rows(text, delimiter)));
    }
    let header = DELIMITERS
        .into_iter()
        .map(columns)
        .find(|columns| columns.len() > 1 && is_one_of(&KNOWN, columns));
    match header {
        None => Ok(None),
        Some(columns) => Err(Error::Invalid(format!(
            "the table has no column `target`, `url` or `host`; its columns are {}",
            quoted(&columns)
        ))),
    }
}

/// At most ten columns, each cut.
fn quoted(columns: &[String]) -> String {
    let shown = columns.iter().take(10);
    let shown: Vec<String> = shown
        .map(|column| format!("`{}`", crate::domain::text::cut(column, 40)))
        .collect();
    shown.join(", ")
}

fn read_rows(text: &str, delimiter: u8) -> ParsedTable {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let headers: Vec<String> = reader
        .headers()
        .map(|headers| headers.iter().map(str::to_owned).collect())
        .unwrap_or_default();
    let mut lines = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let Ok(record) = record else {
            lines.push((index + 2, Err("this line is not valid CSV".to_owned())));
            continue;
        };
        let line = record.position().map_or(index + 2, |position| {
            usize::try_from(position.line()).unwrap_or(index + 2)
        });
        let column = |name: &str| {
            let position = headers
                .iter()
                .position(|header| header.eq_ignore_ascii_case(name))?;
            let cell = record.get(position).filter(|value| !value.is_empty());
            cell.map(|cell| csv_cell::unmark(cell).to_owned())
        };
        let entry = ImportEntry {
            target: column("target"),
            url: column("url"),
            host: column("host").or_else(|| column("hostname")),
            port: column("port").map(serde_json::Value::String),
            name: column("name"),
            interval: column("interval").map(serde_json::Value::String),
        };
        lines.push((line, Ok(entry)));
    }
    ParsedTable {
        lines,
        unread_columns: unread(&headers),
    }
}

fn unread(headers: &[String]) -> Vec<String> {
    let mut unread: Vec<String> = Vec::new();
    for header in headers {
        let is_known = KNOWN.iter().any(|known| header.eq_ignore_ascii_case(known));
        if !is_known && !header.is_empty() && !unread.contains(header) {
            unread.push(header.clone());
        }
    }
    unread
}
