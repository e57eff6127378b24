//! Imports endpoints from a file: valid lines are added in one transaction, invalid ones are listed by line number.
//!
//! Three formats, recognized by the content: a JSON array, CSV with a header that has a `target` column, or one target per
//! line. If the valid lines cannot all be added, none is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Deserialize;

use super::csv_cell;
use super::endpoint_limits::LimitedStore;
use super::manage_endpoint::{self, Added};
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::endpoints::target::Target;
use crate::domain::monitor::{parse_interval, parse_name};
use crate::store::endpoints::endpoint::Description;

/// Largest accepted file, in bytes: about ten thousand endpoints.
pub const MAX_FILE: usize = 1024 * 1024;

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
}

/// One endpoint as written in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ImportEntry {
    target: String,
    name: Option<String>,
    interval: Option<serde_json::Value>,
}

/// The endpoints that a file lists, each target once, and the lines that list none.
#[derive(Debug, Default)]
pub struct EndpointFile {
    pub descriptions: Vec<Description>,
    /// The line of each description.
    lines: Vec<usize>,
    pub refused: Vec<RefusedLine>,
}

impl EndpointFile {
    /// Reads a file without adding anything.
    ///
    /// # Errors
    /// `Error::Invalid` if the file as a whole cannot be read.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        let mut parsed = Self::default();
        let mut lines_of = HashMap::new();
        for (line, entry) in read(file)? {
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
    } = EndpointFile::parse(file)?;
    let mut imported = Imported {
        refused,
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

type Lines = Vec<(usize, Result<ImportEntry, String>)>;

fn read(file: &[u8]) -> Result<Lines, Error> {
    if file.len() > MAX_FILE {
        return Err(Error::Invalid(
            "the file is larger than 1 MiB. Split it and import the parts separately".into(),
        ));
    }
    let text = std::str::from_utf8(file).map_err(|_| {
        Error::Invalid("the file is not UTF-8 text. Save it as UTF-8 and try again".into())
    })?;
    let text = text.trim_start_matches('\u{feff}');
    if is_json(text) {
        return read_json(text);
    }
    if has_csv_header(text) {
        return Ok(read_csv(text));
    }
    Ok(read_lines(text))
}

/// Whether a text begins with a bracket that does not belong to an IPv6 address.
fn is_json(text: &str) -> bool {
    let inside = text.trim_start().strip_prefix('[');
    let is_in_address = |letter: char| letter == ':' || letter.is_ascii_hexdigit();
    inside.is_some_and(|inside| !inside.starts_with(is_in_address))
}

/// Whether the first line has a column `target`. A target may have this word in its name, too.
fn has_csv_header(text: &str) -> bool {
    let header = text.lines().next().unwrap_or_default();
    let is_column = |column: &str| {
        let column = column.trim().trim_matches('"');
        column.eq_ignore_ascii_case("target")
    };
    let is_target = |word: &str| word.parse::<Target>().is_ok();
    header.split(',').any(is_column) && !header.split_whitespace().next().is_some_and(is_target)
}

fn read_json(text: &str) -> Result<Lines, Error> {
    let values: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|error| {
        Error::Invalid(format!(
            "the file is not valid JSON ({error}). Example: `[{{\"target\": \"tcp://203.0.113.7:25565\", \"name\": \"game\"}}]`"
        ))
    })?;
    let entry = |value: serde_json::Value| match value {
        serde_json::Value::String(target) => Ok(ImportEntry {
            target,
            ..ImportEntry::default()
        }),
        value => serde_json::from_value(value)
            .map_err(|_| "this is neither a target nor an object with `target`".to_owned()),
    };
    Ok(values
        .into_iter()
        .enumerate()
        .map(|(index, value)| (index + 1, entry(value)))
        .collect())
}

fn read_csv(text: &str) -> Lines {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let headers: Vec<String> = reader
        .headers()
        .map(|headers| headers.iter().map(str::to_lowercase).collect())
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
            let position = headers.iter().position(|header| header == name)?;
            let cell = record.get(position).filter(|value| !value.is_empty());
            cell.map(|cell| csv_cell::unmark(cell).to_owned())
        };
        let interval = column("interval").map(serde_json::Value::String);
        lines.push((
            line,
            Ok(ImportEntry {
                target: column("target").unwrap_or_default(),
                name: column("name"),
                interval,
            }),
        ));
    }
    lines
}

/// Parses one target per line, optionally followed by a name; skips empty lines and `#` comments.
fn read_lines(text: &str) -> Lines {
    let is_content = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let entry = |line: &str| {
        let (target, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let name = Some(name.trim())
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
        ImportEntry {
            target: target.to_owned(),
            name,
            interval: None,
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
    let target: Target = entry.target.parse().map_err(|error| format!("{error}"))?;
    let name = match entry.name.filter(|name| !name.trim().is_empty()) {
        Some(name) => parse_name(&name).map_err(|error| error.to_string())?,
        None => target.default_name(),
    };
    let interval = match entry.interval {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) if text.is_empty() => None,
        Some(serde_json::Value::String(text)) => {
            Some(parse_interval(&text).map_err(|error| error.to_string())?)
        }
        Some(value) => Some(parse_interval(&value.to_string()).map_err(|error| error.to_string())?),
    };
    Ok(Description {
        name,
        target,
        http_check: None,
        interval,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::endpoints::endpoint_limits::EndpointLimits;
    use crate::domain::discord_id::GuildId;
    use crate::domain::event::Actor;
    use crate::store::Store;
    use crate::store::endpoints::endpoint;
    use crate::store::testing::TestStore;

    const REQUESTER: Requester = Requester {
        guild: GuildId(1),
        actor: Actor::CommandLine,
    };
    const NOW: Timestamp = Timestamp::from_millis(1);

    async fn import_up_to(store: &Store, quota: u64, file: &[u8]) -> Result<Imported, Error> {
        let limits = EndpointLimits::of_quota(quota);
        let limits = &limits;
        import(LimitedStore { store, limits }, REQUESTER, file, NOW).await
    }

    async fn check(file: &str, added: usize, refused: &[(usize, &str)]) -> TestStore {
        let store = TestStore::open().await;
        let imported = import_up_to(&store, 100, file.as_bytes()).await.unwrap();
        assert_eq!(imported.added, added, "{imported:?}");
        assert_eq!(imported.refused.len(), refused.len(), "{imported:?}");
        for (found, (line, words)) in imported.refused.iter().zip(refused) {
            assert_eq!(found.line, *line);
            assert!(found.reason.contains(words), "{found:?}");
        }
        store
    }

    #[tokio::test]
    async fn text_files_have_one_target_per_line() {
        let file = "# my things\n203.0.113.7:80 front door\n\ntcp://example.org\nhttp://example.org/\n[2001:db8::1]:53\n203.0.113.7:80\n";
        let refused = [(4, "port is missing"), (7, "line 2")];
        let store = check(file, 3, &refused).await;
        let all = endpoint::all(&store.reader, None).await.unwrap();
        let names: Vec<&str> = all
            .iter()
            .map(|endpoint| endpoint.description.name.as_str())
            .collect();
        assert_eq!(names, ["front door", "example.org", "[2001:db8::1]:53"]);
    }

    #[tokio::test]
    async fn the_first_line_of_a_text_may_resemble_another_format() {
        check("203.0.113.7:80 front,target,x\n", 1, &[]).await;
        check("[::1]:53 dns\n[fe80::1]:53\n", 2, &[]).await;
        check("[2001:db8::1]\n203.0.113.7:80\n", 1, &[(1, "port")]).await;
    }

    #[tokio::test]
    async fn csv_columns_may_come_in_any_order() {
        let file = "name,target,interval\n\"shop, main\",https://example.org/,5m\n,tcp://example.org:1,\nx,tcp://example.org:2,soon\n";
        let store = check(file, 2, &[(4, "interval")]).await;
        let first = endpoint::all(&store.reader, None).await.unwrap().remove(0);
        assert_eq!(first.description.name, "shop, main");
        assert_eq!(
            first.description.interval,
            Some(std::time::Duration::from_secs(300))
        );
    }

    #[tokio::test]
    async fn json_arrays_may_hold_objects_and_plain_strings() {
        let file = r#"[{"target":"tcp://example.org:1","interval":30},"tcp://example.org:2",7,{"name":"x"}]"#;
        check(file, 2, &[(3, "neither"), (4, "empty")]).await;
    }

    #[tokio::test]
    async fn unreadable_files_are_rejected_whole() {
        let store = TestStore::open().await;
        for (file, words) in [
            (&b"[{]"[..], "not valid JSON"),
            (&[0xff, 0xfe, 0x00][..], "UTF-8"),
            (&[b'x'; MAX_FILE + 1][..], "1 MiB"),
        ] {
            let error = import_up_to(&store, 100, file)
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(endpoint::all(&store.reader, None).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_file_that_exceeds_the_quota_adds_nothing() {
        let store = TestStore::open().await;
        let error = import_up_to(&store, 1, b"203.0.113.7:1\n203.0.113.7:2\n")
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Quota { limit: 1, .. }));
        assert!(endpoint::all(&store.reader, None).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn importing_twice_changes_nothing() {
        let store = TestStore::open().await;
        for (added, already_there) in [(1, 0), (0, 1)] {
            let imported = import_up_to(&store, 10, b"203.0.113.7:1\n").await.unwrap();
            assert_eq!(
                (imported.added, imported.already_there),
                (added, already_there)
            );
        }
    }

    #[tokio::test]
    async fn a_name_that_a_file_chooses_is_refused_if_it_is_taken() {
        let file = "203.0.113.7:1 shop\n203.0.113.7:2 door\n203.0.113.7:3 SHOP\n";
        let refused = [(
            3,
            "line 1 has the same name. Choose another name, such as `SHOP (2)`",
        )];
        let store = check(file, 2, &refused).await;
        let file = b"203.0.113.7:1 shop\n203.0.113.7:4 Door\n203.0.113.7:5 gate\n";
        let imported = import_up_to(&store, 100, file).await.unwrap();
        assert_eq!((imported.added, imported.already_there), (1, 1));
        let [refused] = &imported.refused[..] else {
            panic!("{imported:?}")
        };
        assert_eq!(
            (refused.line, refused.reason.as_str()),
            (
                2,
                "an endpoint named `door` already exists (#2). Choose another name, such as `Door (2)`"
            )
        );
    }

    #[tokio::test]
    async fn a_default_name_that_is_taken_gets_a_number() {
        let file = "https://example.org/\nhttps://example.org/a\nhttps://example.org/b\n";
        let store = check(file, 3, &[]).await;
        let all = endpoint::all(&store.reader, None).await.unwrap();
        let names = all.into_iter().map(|endpoint| endpoint.description.name);
        let expected = ["example.org", "example.org (2)", "example.org (3)"];
        assert_eq!(names.collect::<Vec<_>>(), expected);
        let events: Vec<(String,)> = store
            .rows("SELECT details ->> 'name' FROM events WHERE kind = 'endpoint_added' ORDER BY id")
            .await;
        assert_eq!(
            events.into_iter().map(|(name,)| name).collect::<Vec<_>>(),
            expected
        );
    }
}
