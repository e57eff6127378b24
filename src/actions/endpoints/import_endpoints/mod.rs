//! Imports endpoints from a file: valid lines are added in one transaction, invalid ones are listed by line number. If the
//! valid lines cannot all be added, none is.

mod entry;
mod file;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::endpoint_limits::LimitedStore;
use super::manage_endpoint::{self, Added};
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;

pub use file::{EndpointFile, MAX_FILE};

/// A rejected line and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// Line number, counted from 1; in a JSON array, the position of the object.
    pub line: usize,
    pub reason: String,
}

/// Result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub added: usize,
    pub already_there: usize,
    pub refused: Vec<RefusedLine>,
    /// Columns of a table that have no meaning to Rollcall.
    pub unread_columns: Vec<String>,
}

/// Reads a file and adds its endpoints. Lines that a limit refuses are listed like invalid ones.
pub async fn import(
    store: LimitedStore<'_>,
    requester: Requester,
    file: &[u8],
    now: Timestamp,
) -> Result<Imported, Error> {
    let EndpointFile {
        descriptions,
        lines,
        refused,
        unread_columns,
    } = EndpointFile::parse(file)?;
    let mut imported = Imported {
        refused,
        unread_columns,
        ..Imported::default()
    };
    let added = manage_endpoint::add(store, requester, descriptions, now).await?;
    let mut line_of = HashMap::new();
    for (added, line) in added.into_iter().zip(lines) {
        match added {
            Added::New(id) => {
                line_of.insert(id, line);
                imported.added += 1;
            }
            Added::NameTaken(taken) => imported.refused.push(RefusedLine {
                line,
                reason: match line_of.get(&taken.holder()) {
                    Some(first) => taken.as_in_line(*first),
                    None => taken.to_string(),
                },
            }),
            Added::AlreadyThere => imported.already_there += 1,
            Added::Refused(refusal) => imported.refused.push(RefusedLine {
                line,
                reason: refusal.to_string(),
            }),
        }
    }
    imported.refused.sort_by_key(|refused| refused.line);
    Ok(imported)
}
