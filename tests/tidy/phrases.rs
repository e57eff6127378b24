//! The phrases that Rollcall does not use, in texts for people: string literals with a space, documentation comments (the
//! help of commands is made of them), the API's description, the example environment, and every page.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::rust_files;

/// In lower case.
const PHRASES: [&str; 32] = [
    "a right one",
    "all is well",
    "any more",
    "are told",
    "be told",
    "called again",
    "comes round",
    "goes without saying",
    "hear of",
    "heard of",
    "how it stands",
    "how they stand",
    "is told",
    "look at",
    "looked at",
    "looks at",
    "not so fast",
    "nobody has taken care",
    "on the roll",
    "off the roll",
    "shall i",
    "sign of life",
    "signs of life",
    "take care",
    "taken care",
    "takes care",
    "tell you",
    "tells you",
    "those who are called",
    "was told",
    "under way",
    "where nothing is said",
];

/// The phrase of the list that a text contains as whole words.
fn phrase_in(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    PHRASES.into_iter().find(|phrase| {
        text.match_indices(phrase).any(|(at, _)| {
            let ends = |end: Option<char>| !end.is_some_and(char::is_alphanumeric);
            ends(text[..at].chars().next_back()) && ends(text[at + phrase.len()..].chars().next())
        })
    })
}

/// What a person reads of a line of code: a documentation comment, or string literals with a space.
fn texts_in(line: &str) -> Vec<&str> {
    let trimmed = line.trim_start();
    if trimmed.starts_with("///") || trimmed.starts_with("//!") {
        return vec![trimmed];
    }
    if trimmed.starts_with("//") {
        return Vec::new();
    }
    let strings = line.split('"').skip(1).step_by(2);
    strings.filter(|text| text.contains(' ')).collect()
}

/// The places that use a phrase of the list.
pub fn breaches(pages: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    let mut judge = |path: &Path, number: usize, text: &str| {
        if let Some(phrase) = phrase_in(text) {
            found.push(format!(
                "{}:{}: `{phrase}`: {text}",
                path.display(),
                number + 1
            ));
        }
    };
    let folders = ["src", "crates", "examples", "contrib"];
    for path in folders
        .iter()
        .flat_map(|folder| rust_files(Path::new(folder)))
    {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for text in texts_in(line) {
                judge(&path, number, text);
            }
        }
    }
    let others = [PathBuf::from(".env.example")];
    for path in pages.iter().chain(&others) {
        for (number, line) in fs::read_to_string(path).unwrap().lines().enumerate() {
            judge(path, number, line);
        }
    }
    found
}

#[test]
fn the_scan_for_phrases_detects_a_breach() {
    for (line, is_breach) in [
        (r#"say("It is looked at now.");"#, true),
        ("/// Tell what is on the roll", true),
        ("// A comment may say: on the roll.", false),
        (r#"let name = "on";"#, false),
        (r#"say("Rollover", "the payroll")"#, false),
    ] {
        let found = texts_in(line).into_iter().find_map(phrase_in);
        assert_eq!(found.is_some(), is_breach, "{line}");
    }
}
