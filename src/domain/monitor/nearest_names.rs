//! Suggestions for a name that matches no monitor.

use super::MAX_NAME;
use super::name::NameKey;
use crate::text::code;

/// Maximum names of a suggestion.
pub const MAX_SUGGESTED: usize = 3;

/// Shorter names are contained in too many others.
const SHORTEST_PART: usize = 3;

/// The names that are nearest to `wanted`, at most `MAX_SUGGESTED`, the nearest first. Case and normalization do not count. A
/// name is near if at most a third of its letters differ, or if one of both contains the other.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = NameKey::of(wanted.trim());
    // A longer text is no misspelled name, and costs more to compare.
    if wanted.as_str().chars().count() > 2 * MAX_NAME {
        return Vec::new();
    }
    let known = known.into_iter();
    let mut near: Vec<(usize, &str)> = known
        .filter_map(|name| Some((distance(&wanted, &NameKey::of(name))?, name)))
        .collect();
    near.sort_unstable();
    near.dedup_by(|one, other| one.1 == other.1);
    near.into_iter()
        .map(|(_, name)| name)
        .take(MAX_SUGGESTED)
        .collect()
}

/// The question whether one of these names is meant; `None` if there is none.
pub fn did_you_mean(near: &[String]) -> Option<String> {
    let names: Vec<String> = near.iter().map(|name| code(name)).collect();
    let (last, others) = names.split_last()?;
    Some(match others {
        [] => format!("Did you mean {last}?"),
        others => format!("Did you mean {} or {last}?", others.join(", ")),
    })
}

/// Letters that differ, counting two that changed places once; `None` if the names are not near.
fn distance(wanted: &NameKey, known: &NameKey) -> Option<usize> {
    let (wanted, known) = (wanted.as_str(), known.as_str());
    let length = |text: &str| text.chars().count();
    let (longest, shortest) = (
        length(wanted).max(length(known)),
        length(wanted).min(length(known)),
    );
    let contains = known.contains(wanted) || wanted.contains(known);
    let distance = strsim::osa_distance(wanted, known);
    (distance * 3 <= longest || contains && shortest >= SHORTEST_PART).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        let known = [
            "mail", "shop", "shop 2", "Shop eu", "shop us", "web shop", "Zürich", "db1", "db2",
            "ab",
        ];
        for (wanted, found) in [
            ("shp", vec!["shop"]),
            ("SHPO", vec!["shop"]),
            ("shop", vec!["shop", "shop 2", "Shop eu"]),
            ("shopp eu", vec!["Shop eu", "shop"]),
            ("ZU\u{308}RCH", vec!["Zürich"]),
            // A third of the letters, and more of them.
            ("db3", vec!["db1", "db2"]),
            ("dx3", vec![]),
            // Contained, but too short to say anything.
            ("ho", vec![]),
            ("hop", vec!["shop", "shop 2", "Shop eu"]),
            ("the mail server", vec!["mail"]),
            ("", vec![]),
            ("printer", vec![]),
        ] {
            assert_eq!(nearest(wanted, known), found, "{wanted:?}");
        }
    }

    #[test]
    fn texts_that_are_too_long_to_be_a_name_are_not_compared() {
        let name = "x".repeat(MAX_NAME);
        for (length, is_compared) in [(128, true), (129, false)] {
            let found = nearest(&"x".repeat(length), [name.as_str()]);
            assert_eq!(!found.is_empty(), is_compared, "{length}");
        }
    }

    #[test]
    fn the_question_lists_the_names() {
        let question = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            did_you_mean(&names)
        };
        assert_eq!(question(&[]), None);
        assert_eq!(
            question(&["sh`op"]).as_deref(),
            Some("Did you mean `sh'op`?")
        );
        assert_eq!(
            question(&["a", "b", "c"]).as_deref(),
            Some("Did you mean `a`, `b` or `c`?")
        );
    }

    #[test]
    fn a_name_that_several_monitors_have_is_suggested_once() {
        assert_eq!(nearest("shp", ["shop", "shop", "shop"]), ["shop"]);
    }
}
