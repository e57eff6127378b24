//! The words that Rollcall does not use, and where they stand: identifiers, SQL, names of options and settings, and every
//! string without a space, such as metric names, JSON keys and custom ids.

use std::fs;
use std::path::Path;

use crate::files::rust_files;

/// A word that is not used, and what is used in its place.
struct Word {
    word: &'static str,
    instead: &'static str,
    /// Where it has another, legitimate meaning: files by the beginning of their path, names that contain these words,
    /// or, behind `=`, a whole name.
    allowed: &'static [&'static str],
}

const fn word(word: &'static str, instead: &'static str) -> Word {
    Word {
        word,
        instead,
        allowed: &[],
    }
}

const fn word_except(
    word: &'static str,
    instead: &'static str,
    allowed: &'static [&'static str],
) -> Word {
    Word {
        word,
        instead,
        allowed,
    }
}

/// Where the old names of settings stand: they are still read.
const OLD_SETTINGS: [&str; 2] = [
    "src/settings/environment/renamed.rs",
    "tests/scenarios/mistakes/settings.rs",
];

const WORDS: [Word; 63] = [
    // A lookup of the gateway is the label of a metric.
    word_except("look", "check", &["look_up"]),
    word("looks", "checks"),
    word("looked", "checked"),
    word("looking", "checking, check runner"),
    word("outcome", "check result"),
    word_except("outcomes", "check results", &OLD_SETTINGS),
    word_except(
        "observation",
        "check result",
        &["observation_window", "observation_windows"],
    ),
    word("observations", "check results"),
    // The baseline of a bench has a table of its own.
    word_except("beat", "heartbeat", &["benches/heartbeats/floor.rs"]),
    word_except("beats", "heartbeats", &["benches/heartbeats/floor.rs"]),
    word("hear", "receive"),
    word("hears", "receives"),
    word("heard", "received"),
    word("listening", "heartbeat batcher"),
    word("silent", "overdue, unresponsive, down"),
    // The drawing of a Discord embed is a card.
    word_except("card", "incident", &["src/discord/"]),
    word_except("cards", "incidents", &["src/discord/"]),
    // A method of iterators.
    word_except("fold", "grouping", &["=fold", "try_fold"]),
    word("folds", "groups"),
    word("folded", "grouped"),
    word("notice", "notification, delivery"),
    word("notices", "notifications, deliveries"),
    word("tell", "notify, send"),
    word("tells", "notifies"),
    word("told", "notified, delivered"),
    word("untold", "unnotified"),
    word("retell", "update"),
    word("care", "acknowledge, responder"),
    word("whoever", "a role: responder, manager, member"),
    word("somebody", "a role: responder, manager, member"),
    word("anew", "again, new"),
    // The flag `--quiet`, and progress bars.
    word_except(
        "quiet",
        "silenced, inactive",
        &[
            "src/cli/",
            "examples/demo/bot.rs",
            "tests/scenarios/devices/job_pings.rs",
        ],
    ),
    word("blind", "connectivity lost"),
    word("blindness", "connectivity"),
    word("sight", "connectivity"),
    word("eyes", "connectivity"),
    word("witness", "reference host"),
    word_except("witnesses", "reference hosts", &OLD_SETTINGS),
    word("life", "observation window"),
    word("lives", "observation windows"),
    // A die is rolled.
    word_except("roll", "monitors", &["tests/scenarios/process/soak.rs"]),
    word("roster", "monitors, monitor feed"),
    // A table of pre-releases.
    word_except("pulse", "monitor state", &["tests/migrations.rs"]),
    word("pulses", "monitor states"),
    word("streak", "consecutive failures"),
    word("edition", "revision"),
    word("rhythm", "report interval"),
    word("cadence", "report interval"),
    word("pace", "rate limit"),
    word("stranger", "unauthenticated"),
    word("strangers", "unauthenticated"),
    word("keyring", "key cache"),
    word("vitals", "health"),
    word("follower", "waiter"),
    word("followers", "waiters"),
    word("desk", "app state"),
    word("asker", "requester"),
    word("askers", "requesters"),
    word("mass", "bulk alert"),
    // A field of Discord's member object.
    word_except(
        "deaf",
        "unreachable",
        &["crates/discord-sandbox/src/shapes.rs"],
    ),
    word("lessons", "learned"),
    word("deserted", "detached"),
    word("said", "payload, reported"),
];

/// Phrases of several words: forbidden wherever they stand.
const PHRASES: [&str; 22] = [
    "sign_of_life",
    "signs_of_life",
    "takes_care",
    "take_care",
    "taken_care",
    "called_again",
    "call_again",
    "calls_again",
    "goes_on",
    "going_on",
    "what_goes",
    "comes_back",
    "came_back",
    "come_back",
    "left_behind",
    "turns_over",
    "turn_over",
    "the_roll",
    "is_news",
    "no_more",
    "is_told",
    "way_there",
];

/// A name in a source file, and its line.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub line: usize,
}

/// Every breach of the lists in the repository, one line each.
pub fn breaches() -> Vec<String> {
    let folders = [
        "src",
        "tests",
        "crates",
        "benches",
        "examples",
        "fuzz/fuzz_targets",
        "browser-tests/src",
        "browser-tests/tests",
    ];
    let files: Vec<_> = folders
        .iter()
        .flat_map(|folder| rust_files(Path::new(folder)))
        .collect();
    assert!(files.len() > 200, "the sources were not found");
    let mut breaches = Vec::new();
    for file in files {
        let path = file.to_string_lossy().into_owned();
        // This list and its examples.
        if path == "tests/tidy/words.rs" {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap_or_default();
        for Named { name, line } in named_in_rust(&text) {
            breaches.extend(judge(&path, &name).map(|why| format!("{path}:{line} {why}")));
        }
    }
    let migrations: Vec<_> = fs::read_dir("migrations")
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    assert!(!migrations.is_empty(), "the migrations were not found");
    for entry in migrations {
        let path = entry.path().display().to_string();
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let sql = line.split("--").next().unwrap_or_default();
            for name in identifiers(sql) {
                let why = judge(&path, name);
                breaches.extend(why.map(|why| format!("{path}:{} {why}", number + 1)));
            }
        }
    }
    breaches.extend(in_names(".env.example", settings()));
    breaches.extend(in_names("the list of commands", options()));
    breaches
}

fn in_names(place: &str, names: Vec<String>) -> Vec<String> {
    assert!(names.len() > 20, "nothing was found in {place}");
    let whys = names.iter().filter_map(|name| judge(place, name));
    whys.map(|why| format!("{place}: {why}")).collect()
}

/// The settings that `.env.example` lists.
fn settings() -> Vec<String> {
    let text = fs::read_to_string(".env.example").unwrap_or_default();
    let names = text
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='));
    let names = names.map(|(name, _)| name.to_owned());
    names
        .filter(|name| {
            name.chars()
                .all(|one| one.is_ascii_uppercase() || one == '_')
        })
        .collect()
}

/// Names of commands and options, as they are registered with Discord.
fn options() -> Vec<String> {
    const LIST: &str = "src/discord/snapshots/rollcall__discord__commands__tests__commands.snap";
    let text = fs::read_to_string(LIST).unwrap_or_default();
    let names = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"name\": \""));
    let names = names.map(|rest| rest.trim_end_matches(['"', ',']).to_owned());
    // The names of choices are sentences.
    names.filter(|name| !name.contains(' ')).collect()
}

/// Why a name must not stand in a file; `None` where it may.
pub fn judge(path: &str, name: &str) -> Option<String> {
    let words = words_of(name);
    let joined = format!("_{}_", words.join("_"));
    let is_allowed = |one: &&str| match one.strip_prefix('=') {
        Some(whole) => whole == name,
        None => path.starts_with(*one) || joined.contains(&format!("_{one}_")),
    };
    for Word {
        word,
        instead,
        allowed,
    } in &WORDS
    {
        if words.iter().any(|known| known == word) && !allowed.iter().any(is_allowed) {
            return Some(format!("`{name}`: not `{word}` but {instead}"));
        }
    }
    let is_in_name = |phrase: &&&str| joined.contains(&format!("_{phrase}_"));
    let phrase = PHRASES.iter().find(is_in_name)?;
    Some(format!("`{name}`: the phrase `{phrase}`"))
}

/// The words of a name, in lower case: of `snake_case`, `CamelCase`, `HTTPNames`, `kebab-case` and `dotted.names`.
fn words_of(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let ends_acronym = before.is_some_and(|one| one.is_uppercase())
            && after.is_some_and(|one| one.is_lowercase());
        let follows_lower = before.is_some_and(|one| !one.is_uppercase());
        if !letter.is_alphanumeric() || (letter.is_uppercase() && (follows_lower || ends_acronym)) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|one: char| !one.is_alphanumeric() && one != '_');
    parts.filter(|part| !part.is_empty())
}

/// Identifiers, strings without a space, and the words of SQL, each with its line. Comments and sentences are omitted.
pub fn named_in_rust(text: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(length) = string_length(rest) {
            let content = rest[..length]
                .split_once('"')
                .map_or("", |(_, content)| content);
            let content = content.trim_end_matches('#').trim_end_matches('"');
            found.extend(named_in_string(content).map(|name| Named { name, line }));
            length
        } else if let Some(length) = char_length(rest) {
            length
        } else if first.is_alphabetic() || first == '_' {
            let is_part = |one: char| one.is_alphanumeric() || one == '_';
            let length = rest.find(|one| !is_part(one)).unwrap_or(rest.len());
            found.push(Named {
                name: rest[..length].to_owned(),
                line,
            });
            length
        } else {
            first.len_utf8()
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

fn named_in_string(content: &str) -> Box<dyn Iterator<Item = String> + '_> {
    const SQL: [&str; 10] = [
        "SELECT ",
        "INSERT INTO ",
        "UPDATE ",
        "DELETE FROM ",
        "WHERE ",
        "EXISTS ",
        "ORDER BY ",
        "FROM ",
        "JOIN ",
        "CREATE TABLE ",
    ];
    if SQL.iter().any(|word| content.contains(word)) {
        return Box::new(identifiers(content).map(str::to_owned));
    }
    let is_name = !content.is_empty() && !content.contains(char::is_whitespace);
    Box::new(is_name.then(|| content.to_owned()).into_iter())
}

/// The length of the string literal that a text begins with.
fn string_length(text: &str) -> Option<usize> {
    // Before the quote stand a few letters and hashes at most.
    let prefix = text.bytes().take(8).position(|byte| byte == b'"')?;
    let (kind, after) = (&text[..prefix], &text[prefix + 1..]);
    let hashes = kind.trim_start_matches('b').strip_prefix('r');
    if let Some(hashes) = hashes.filter(|hashes| hashes.chars().all(|one| one == '#')) {
        let end = format!("\"{hashes}");
        return Some(prefix + 1 + after.find(&end)? + end.len());
    }
    if !matches!(kind, "" | "b" | "c") {
        return None;
    }
    let mut is_escaped = false;
    let end = after.find(|one| {
        let ends = one == '"' && !is_escaped;
        is_escaped = one == '\\' && !is_escaped;
        ends
    })?;
    Some(prefix + 1 + end + 1)
}

/// The length of the character literal that a text begins with; a lifetime is none.
fn char_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    let length = match first {
        '\\' => 1 + inside[1..].find('\'').map(|at| at.max(1))?,
        _ => first.len_utf8(),
    };
    inside[length..].starts_with('\'').then_some(length + 2)
}

#[test]
fn the_scan_for_words_detects_a_breach() {
    for (path, name, is_breach) in [
        ("src/x.rs", "look_again", true),
        ("src/x.rs", "LookAgain", true),
        ("src/x.rs", "CAN_LOOK", true),
        ("src/x.rs", "HTTPLook", true),
        ("src/x.rs", "SQLNotices", true),
        ("src/x.rs", "lookup", false),
        ("src/x.rs", "rollcall_looks_total", true),
        ("src/x.rs", "rollcall_checks_total", false),
        ("src/x.rs", "recheck-roll", true),
        ("src/x.rs", "incident.told", true),
        ("src/x.rs", "observation", true),
        ("src/x.rs", "observation_windows", false),
        ("src/store/x.rs", "card", true),
        ("src/discord/x.rs", "card", false),
        ("src/x.rs", "fold", false),
        ("src/x.rs", "try_fold", false),
        ("src/x.rs", "fold_by_host", true),
        ("src/x.rs", "who_takes_care", true),
        ("src/x.rs", "takes_a_careless_step", false),
    ] {
        assert_eq!(judge(path, name).is_some(), is_breach, "{path} {name}");
    }
    let text = r##"
        // A comment may say told.
        let told = "a sentence may say told"; let x: &'static str = "told";
        let quote = '"'; query("UPDATE notices SET told_version = $1");
        let raw = r#"{"looks":1}"#; let escaped = "\"told\"";
    "##;
    let names = named_in_rust(text);
    let names: Vec<&str> = names
        .iter()
        .filter(|named| judge("src/x.rs", &named.name).is_some())
        .map(|named| named.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "told",
            "told",
            "notices",
            "told_version",
            r#"{"looks":1}"#,
            r#"\"told\"#
        ]
    );
}
