//! The rules for the source as a test: which folder may import which, no circle between files, which folder may name
//! which crate, how long a file and a folder may be, which names and words are forbidden, and that `.env.example` lists
//! every setting.
#![expect(
    clippy::unwrap_used,
    reason = "a source that cannot be read fails the test"
)]

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/phrases.rs"]
mod phrases;
#[path = "tidy/texts.rs"]
mod texts;
#[path = "tidy/words.rs"]
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use files::rust_files;

/// The folders that each folder may import. `app` and `cli` compose everything; a folder that is not listed imports none.
const EDGES: [(&str, &[&str]); 17] = [
    // `clock` and `private_files`, which others import under their own names.
    ("system", &["domain"]),
    ("metrics", &["domain"]),
    ("health", &["clock"]),
    ("settings", &["domain", "private_files"]),
    ("notify", &["domain", "store"]),
    (
        "telemetry",
        &["clock", "domain", "private_files", "settings"],
    ),
    ("store", &["domain", "private_files"]),
    ("web", &["domain", "clock", "store", "actions", "notify"]),
    ("probe", &["domain", "clock"]),
    ("actions", &["domain", "clock", "store", "probe"]),
    (
        "jobs",
        &[
            "domain", "clock", "store", "actions", "metrics", "health", "notify",
        ],
    ),
    (
        "discord",
        &[
            "domain", "clock", "store", "actions", "metrics", "health", "notify",
        ],
    ),
    (
        "http",
        &[
            "domain", "clock", "store", "actions", "metrics", "health", "notify",
        ],
    ),
    (
        "app",
        &[
            "domain",
            "clock",
            "metrics",
            "health",
            "notify",
            "private_files",
            "settings",
            "telemetry",
            "store",
            "probe",
            "actions",
            "jobs",
            "discord",
            "http",
            "web",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "clock",
            "domain",
            "private_files",
            "settings",
            "telemetry",
            "store",
            "probe",
            "actions",
            "notify",
        ],
    ),
    ("lib", &["cli"]),
    (
        "fuzzing",
        &[
            "app", "domain", "settings", "store", "probe", "actions", "discord", "http",
        ],
    ),
];

/// External crates that only some folders may name.
const CONFINED: [(&str, &[&str]); 20] = [
    ("sqlx", &["store"]),
    ("serenity", &["discord"]),
    ("poise", &["discord"]),
    ("axum", &["http", "web"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http"]),
    ("reqwest", &["cli", "discord", "notify"]),
    ("sd_notify", &["notify"]),
    ("rustix", &["cli", "system"]),
    ("sysinfo", &["cli"]),
    ("rustls", &["probe"]),
    ("tokio_rustls", &["probe"]),
    ("prometheus", &["metrics"]),
    ("clap", &["cli"]),
    ("dotenvy", &["settings"]),
    ("hmac", &["notify"]),
    ("base64", &["http", "notify"]),
    ("chrono_tz", &["domain"]),
    ("askama", &["web"]),
    ("pulldown_cmark", &["web"]),
];

const NO_NAMES: [&str; 7] = [
    "util", "utils", "helper", "helpers", "common", "manager", "misc",
];

const LONGEST_FILE: usize = 400;

/// Rust files and folders with Rust files in one folder, without the roots of crates.
const LARGEST_FOLDER: usize = 16;

struct Source {
    path: PathBuf,
    /// The folder or file directly below `src`.
    folder: String,
    /// Without inline test modules.
    lines: Vec<String>,
    is_test: bool,
}

fn sources() -> Vec<Source> {
    let found = sources_below(&["src"]);
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn sources_below(folders: &[&str]) -> Vec<Source> {
    let files = folders
        .iter()
        .flat_map(|folder| rust_files(Path::new(folder)));
    files.map(read).collect()
}

fn read(path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).unwrap();
    let folder = path
        .components()
        .nth(1)
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .replace(".rs", "");
    let name = path.to_string_lossy().into_owned();
    let is_test =
        name.contains("/tests/") || name.ends_with("tests.rs") || name.ends_with("testing.rs");
    let lines = text.lines().take_while(|line| {
        !line.starts_with("#[cfg(test)]\nmod tests {") && *line != "mod tests {"
    });
    Source {
        folder,
        lines: lines.map(str::to_owned).collect(),
        is_test,
        path,
    }
}

/// The code of a line, without its comment.
fn code(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") { "" } else { line }
}

/// The words that follow `prefix` in a line: `crate::store::x` gives `store`.
fn named_after<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(prefix)
        .filter(|(at, _)| !line[..*at].ends_with(is_word))
        .filter_map(|(at, _)| {
            line[at + prefix.len()..]
                .split(|character| !is_word(character))
                .next()
        })
        .filter(|word| !word.is_empty())
        .collect()
}

fn report(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn folders_import_downward_only() {
    let mut breaches = Vec::new();
    // The domain is a crate, so the compiler holds it.
    let layers = sources();
    for source in layers
        .iter()
        .filter(|source| !source.is_test && source.folder != "domain")
    {
        let edges = EDGES.iter().find(|(folder, _)| *folder == source.folder);
        let allowed = edges.map_or(&[][..], |(_, allowed)| allowed);
        for (number, line) in source.lines.iter().enumerate() {
            for named in named_after(code(line), "crate::") {
                if named != source.folder && !allowed.contains(&named) {
                    breaches.push(format!(
                        "{}:{} names {named}",
                        source.path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    report(breaches);
}

#[test]
fn no_files_import_each_other() {
    report(circles::breaches());
}

#[test]
fn no_argument_is_a_tuple() {
    let mut breaches = Vec::new();
    let mut all = functions::Functions::default();
    for source in sources_below(&["src", "crates", "browser-tests/src"]) {
        let text = fs::read_to_string(&source.path).unwrap();
        let mut found = functions::Functions::default();
        found.count(&syn::parse_file(&text).unwrap());
        if found.tuple_arguments > 0 {
            breaches.push(source.path.display().to_string());
        }
        all.add(&found);
    }
    assert!(all.number > 1_000, "the functions were not found");
    report(breaches);
}

/// The name of a type that a line defines. Rows are private to their file and are all called `Row`.
fn type_defined(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words
        .iter()
        .position(|word| ["struct", "enum", "trait"].contains(word))?;
    let is_definition = words[..at]
        .iter()
        .all(|word| word.starts_with("pub") || word.ends_with(')'));
    let name = words.get(at + 1)?.split(['<', '(', '{', ';', ':']).next()?;
    (is_definition && name != "Row").then_some(name)
}

#[test]
fn every_type_has_a_name_of_its_own() {
    let mut breaches = Vec::new();
    let mut known = BTreeSet::new();
    for source in sources().iter().filter(|source| !source.is_test) {
        let code = source.lines.iter().map(|line| code(line));
        for name in code.filter_map(type_defined) {
            if !known.insert(name.to_owned()) {
                breaches.push(format!("{} defines {name} again", source.path.display()));
            }
        }
    }
    assert!(known.len() > 200, "the types were not found");
    report(breaches);
}

#[test]
fn definitions_of_types_are_found() {
    for (line, name) in [
        ("pub struct Edit<T> {", Some("Edit")),
        ("    pub(in crate::store) enum Kind {", Some("Kind")),
        ("struct Id(u64);", Some("Id")),
        ("trait Gate: Send {", Some("Gate")),
        ("struct Row {", None),
        ("/// Each struct has one.", None),
        ("let x = struct_of(y);", None),
    ] {
        assert_eq!(type_defined(line), name, "{line}");
    }
}

#[test]
fn tuple_arguments_are_counted() {
    let text = "fn a((x, y): (u8, u8), z: &(u8,), ok: u8) {} impl A { fn b(&self, x: (u8, u8)) {} }
        mod tests { fn c(x: (u8, u8)) {} }";
    let mut found = functions::Functions::default();
    found.count(&syn::parse_file(text).unwrap());
    assert_eq!((found.number, found.tuple_arguments), (2, 3));
}

#[test]
fn outside_crates_stay_in_their_folder() {
    let mut breaches = Vec::new();
    for source in sources() {
        for (number, line) in source.lines.iter().enumerate() {
            for (outside, folders) in CONFINED {
                let line = code(line);
                let is_named = !named_after(line, &format!("{outside}::")).is_empty()
                    || line.contains(&format!("use {outside}"));
                if is_named && !folders.contains(&source.folder.as_str()) {
                    breaches.push(format!(
                        "{}:{} names {outside}",
                        source.path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    report(breaches);
}

/// What changes a status or an outage, and the only folder of the program that may call it.
const ONE_PATH: [(&str, &[&str]); 2] = [
    (
        "src/actions/transition/",
        &[
            "status::set(",
            "outage::open_all(",
            "outage::close(",
            "outage::retract(",
            "incident::stop_flapping(",
            "outage::keep_name(",
            "incident::outage_ended(",
            "incident::retract(",
        ],
    ),
    (
        "src/actions/incidents/",
        &[
            "incident::begin(",
            "incident::join(",
            "incident::reopen(",
            "incident::collect(",
            "outage::add_to(",
            "outage::hold(",
            "outage::release(",
            "incident::end_flapping(",
            "incident::outage_left(",
        ],
    ),
];

/// The commands that run on other machines, and what reads settings or opens a database.
const OTHER_MACHINES: [&str; 3] = [
    "src/cli/agent/",
    "src/cli/ping/",
    "src/cli/terminal/rollcall_client.rs",
];
const OWN_MACHINE: [&str; 5] = ["actions", "probe", "settings", "store", "telemetry"];

#[test]
fn commands_for_other_machines_need_no_settings_and_no_database() {
    let mut breaches = Vec::new();
    let mut lines = 0;
    for source in sources_below(&["src/cli"]) {
        let path = source.path.display().to_string();
        if !OTHER_MACHINES.iter().any(|start| path.starts_with(start)) {
            continue;
        }
        for line in &source.lines {
            lines += 1;
            for named in named_after(code(line), "crate::") {
                if OWN_MACHINE.contains(&named) || code(line).contains("with_store") {
                    breaches.push(format!("{path}: {line}"));
                }
            }
        }
    }
    assert!(lines > 500, "the sources were not found");
    report(breaches);
}

#[test]
fn statuses_and_outages_change_in_one_place() {
    let mut breaches = Vec::new();
    for source in sources_below(&["src"]) {
        let path = source.path.display().to_string();
        // The functions themselves and their tests.
        if path.starts_with("src/store/") {
            continue;
        }
        for (folder, calls) in ONE_PATH {
            for (number, line) in source.lines.iter().enumerate() {
                let call = calls.iter().find(|call| code(line).contains(*call));
                if let Some(call) = call.filter(|_| !path.starts_with(folder)) {
                    breaches.push(format!("{path}:{}: `{call}`", number + 1));
                }
            }
        }
    }
    report(breaches);
}

#[test]
fn the_domain_does_no_input_and_no_output() {
    let mut breaches = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.folder == "domain" && !source.is_test)
    {
        for (number, line) in source.lines.iter().enumerate() {
            let code = code(line);
            for forbidden in [
                "async ",
                "tokio",
                "serde",
                "std::fs",
                "std::env",
                "SystemTime",
                "TcpStream",
                "UdpSocket",
            ] {
                if code.contains(forbidden) {
                    breaches.push(format!(
                        "{}:{} has {forbidden}",
                        source.path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    report(breaches);
}

#[test]
fn every_file_opens_with_why_it_exists_and_is_short() {
    let mut breaches = Vec::new();
    for source in sources() {
        if !source
            .lines
            .first()
            .is_some_and(|line| line.starts_with("//! "))
        {
            breaches.push(format!("{} does not open with //!", source.path.display()));
        }
        if source.lines.len() > LONGEST_FILE && !source.is_test {
            breaches.push(format!(
                "{} has {} lines",
                source.path.display(),
                source.lines.len()
            ));
        }
        let stem = source
            .path
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        if NO_NAMES.contains(&stem.as_str()) || NO_NAMES.contains(&source.folder.as_str()) {
            breaches.push(format!(
                "{} has a name without meaning",
                source.path.display()
            ));
        }
    }
    report(breaches);
}

/// Whether there is a Rust file in a folder or below it.
fn has_rust(folder: &Path) -> bool {
    !rust_files(folder).is_empty()
}

#[test]
fn folders_are_small() {
    let mut breaches = Vec::new();
    let mut folders = vec![
        PathBuf::from("src"),
        PathBuf::from("crates"),
        PathBuf::from("tests"),
        PathBuf::from("examples"),
        PathBuf::from("benches"),
        PathBuf::from("browser-tests/src"),
        PathBuf::from("browser-tests/tests"),
    ];
    while let Some(folder) = folders.pop() {
        let mut entries = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // `fuzzing.rs` is the root of the fuzz targets.
            let roots = ["main.rs", "lib.rs", "fuzzing.rs"];
            let is_root = roots.iter().any(|root| path.ends_with(root));
            if path.is_dir() && has_rust(&path) {
                folders.push(path);
                entries += 1;
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_root {
                entries += 1;
            }
        }
        if entries > LARGEST_FOLDER {
            breaches.push(format!("{} has {entries} entries", folder.display()));
        }
    }
    report(breaches);
}

#[test]
fn nothing_is_different_under_test() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test) {
        for (number, pair) in source.lines.windows(2).enumerate() {
            let declared = pair[1].trim_end_matches([';', '{', ' ']);
            let opens_tests = declared.contains("mod ")
                && (declared.ends_with("tests") || declared.ends_with("testing"))
                || pair[1].contains("#[path");
            if pair[0].contains("cfg(test)") && !opens_tests {
                breaches.push(format!(
                    "{}:{} is compiled for tests only",
                    source.path.display(),
                    number + 1
                ));
            }
        }
    }
    report(breaches);
}

#[test]
fn tests_do_not_sleep_and_none_is_ignored() {
    let mut breaches = Vec::new();
    for source in sources_below(&["src", "tests", "crates", "browser-tests/tests"]) {
        let is_test = source.is_test
            || source.path.starts_with("tests")
            || source
                .path
                .components()
                .any(|part| part.as_os_str() == "tests");
        if source.path.ends_with("tests/tidy.rs") {
            continue;
        }
        let text = fs::read_to_string(&source.path).unwrap();
        let tests = if is_test {
            text.as_str()
        } else {
            text.split("mod tests {").nth(1).unwrap_or_default()
        };
        for forbidden in ["thread::sleep", "time::sleep(", "#[ignore"] {
            if tests.contains(forbidden) {
                breaches.push(format!("{} has {forbidden}", source.path.display()));
            }
        }
    }
    report(breaches);
}

#[test]
fn the_example_environment_lists_every_setting() {
    // `renamed.rs` has the old names, `unknown.rs` has names of other programs.
    let others = ["renamed.rs", "unknown.rs"];
    let settings: String = sources()
        .into_iter()
        .filter(|source| {
            source.folder == "settings" && !others.iter().any(|file| source.path.ends_with(file))
        })
        .flat_map(|source| source.lines)
        .collect::<Vec<_>>()
        .join("\n");
    let known: BTreeSet<&str> = settings
        .split('"')
        .filter(|word| {
            word.len() > 4
                && word.contains('_')
                && word
                    .chars()
                    .all(|letter| letter.is_ascii_uppercase() || letter == '_')
        })
        .collect();
    let example = fs::read_to_string(".env.example").unwrap();
    let readme = fs::read_to_string("docs/settings.md").unwrap();
    let listed: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| {
            line.trim_start_matches("# ")
                .split_once('=')
                .map(|(name, _)| name)
        })
        .filter(|name| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_uppercase() || letter == '_')
        })
        .collect();
    assert!(known.len() > 20, "the settings were not found: {known:?}");
    assert_eq!(known, listed, "left: src/settings, right: .env.example");
    let missing: Vec<&&str> = known
        .iter()
        .filter(|name| !readme.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/settings.md does not mention {missing:?}"
    );
}

/// The pages in `docs`. Its folder has the pictures.
fn documents() -> Vec<PathBuf> {
    let entries = fs::read_dir("docs").unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).collect()
}

/// The Markdown pages for people.
fn pages() -> Vec<PathBuf> {
    let mut pages = documents();
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ] {
        pages.push(PathBuf::from(page));
    }
    pages
}

#[test]
fn links_between_pages_lead_to_files() {
    let mut breaches = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            count += 1;
            if !page.parent().unwrap().join(target).exists() {
                breaches.push(format!("{} links to {target}", page.display()));
            }
        }
    }
    assert!(count > 20, "the links were not found");
    report(breaches);
}

/// A stranger decides with these pictures, so none may be missing, and each has words for those who do not see it.
#[test]
fn pictures_on_pages_exist_and_have_a_description() {
    let mut shown = BTreeSet::new();
    for page in [
        PathBuf::from("README.md"),
        PathBuf::from("crates/discord-sandbox/README.md"),
    ] {
        let text = fs::read_to_string(&page).unwrap();
        for tag in text.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap();
            let of = |name: &str| tag.split(&format!("{name}=\"")).nth(1)?.split('"').next();
            let Some(path) = of("src").or(of("srcset")) else {
                continue;
            };
            let path = page.parent().unwrap().join(path);
            assert!(
                path.is_file(),
                "{} shows {}",
                page.display(),
                path.display()
            );
            let is_described = of("alt").is_some_and(|text| text.len() > 20);
            assert!(is_described || tag.starts_with("source "), "<{tag}>");
            shown.insert(fs::canonicalize(path).unwrap());
        }
    }
    let kept = fs::read_dir("docs/pictures").unwrap();
    let kept = kept.map(|entry| fs::canonicalize(entry.unwrap().path()).unwrap());
    assert_eq!(shown, kept.collect());
}

#[test]
fn the_front_page_is_short_and_links_every_page() {
    let readme = fs::read_to_string("README.md").unwrap();
    assert!(readme.lines().count() <= 150);
    for page in documents() {
        let page = page.display().to_string();
        assert!(readme.contains(&format!("]({page})")), "{page}");
    }
}

#[test]
fn the_rules_detect_a_breach() {
    assert_eq!(
        named_after("use crate::store::{a, b}; crate::http::x", "crate::"),
        ["store", "http"]
    );
    assert_eq!(named_after("my_sqlx::x", "sqlx::"), [] as [&str; 0]);
    assert_eq!(named_after("sqlx::query(1)", "sqlx::"), ["query"]);
}

#[test]
fn forbidden_phrases_do_not_occur_in_texts_and_pages() {
    report(phrases::breaches(&pages()));
}

#[test]
fn forbidden_words_do_not_occur() {
    report(words::breaches());
}
