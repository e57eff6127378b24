//! Settings that have a new name. The old one is still read, with a warning that names the new one.

use std::collections::HashMap;

/// The old name of a setting and the one that replaced it.
pub(super) struct Renamed {
    pub old: &'static str,
    pub new: &'static str,
}

pub(super) const RENAMED: [Renamed; 2] = [
    Renamed {
        old: "PROBE_WITNESSES",
        new: "CONNECTIVITY_HOSTS",
    },
    Renamed {
        old: "RETENTION_OUTCOMES",
        new: "RETENTION_CHECK_RESULTS",
    },
];

/// Moves what was set under an old name to the new one and returns a warning for each. Where both are set the new name wins.
pub(super) fn adopt(variables: &mut HashMap<String, String>) -> Vec<String> {
    let mut warnings = Vec::new();
    for Renamed { old, new } in RENAMED {
        let Some(value) = variables.remove(old) else {
            continue;
        };
        if variables.contains_key(new) {
            warnings.push(format!(
                "{old} was renamed to {new} and is ignored, because {new} is set too"
            ));
            continue;
        }
        warnings.push(format!("{old} was renamed to {new}; use the new name"));
        variables.insert(new.to_owned(), value);
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_read_and_the_new_name_wins() {
        for Renamed { old, new } in RENAMED {
            for (set, expected, warnings) in [
                (vec![], None, 0),
                (vec![(new, "a")], Some("a"), 0),
                (vec![(old, "b")], Some("b"), 1),
                (vec![(old, "")], Some(""), 1),
                (vec![(old, "b"), (new, "a")], Some("a"), 1),
            ] {
                let pairs = set.iter();
                let mut variables: HashMap<String, String> = pairs
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect();
                let found = adopt(&mut variables);
                assert_eq!(variables.get(new).map(String::as_str), expected, "{set:?}");
                assert!(!variables.contains_key(old), "{set:?}");
                assert_eq!(found.len(), warnings, "{set:?}");
                let names_both = |warning: &String| warning.contains(old) && warning.contains(new);
                assert!(found.iter().all(names_both), "{found:?}");
            }
        }
    }
}
