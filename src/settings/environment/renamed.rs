//! Renamed settings. The old name is still read, with a warning that states the new one.

use std::collections::HashMap;

/// The old and the new name of a setting.
pub(in crate::settings) struct Renamed {
    pub old: &'static str,
    pub new: &'static str,
    /// Whether an empty value has a meaning of its own; otherwise it counts as absent.
    pub may_be_empty: bool,
}

pub(in crate::settings) const RENAMED: [Renamed; 2] = [
    Renamed {
        old: "PROBE_WITNESSES",
        new: "CONNECTIVITY_HOSTS",
        may_be_empty: true,
    },
    Renamed {
        old: "RETENTION_OUTCOMES",
        new: "RETENTION_CHECK_RESULTS",
        may_be_empty: false,
    },
];

/// Moves values that were set under an old name to the new name, and returns a warning for each. If both names are set, the
/// new one wins.
pub(in crate::settings) fn adopt(variables: &mut HashMap<String, String>) -> Vec<String> {
    let mut warnings = Vec::new();
    for Renamed {
        old,
        new,
        may_be_empty,
    } in RENAMED
    {
        let Some(value) = variables.remove(old) else {
            continue;
        };
        let is_set = |value: &String| may_be_empty || !value.trim().is_empty();
        if variables.get(new).is_some_and(is_set) {
            warnings.push(format!(
                "{old} was renamed to {new} and is ignored, because {new} is set too"
            ));
            continue;
        }
        warnings.push(format!(
            "{old} was renamed to {new}. Rollcall uses its value; change the name in your settings"
        ));
        variables.insert(new.to_owned(), value);
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_read_and_the_new_name_wins() {
        for Renamed {
            old,
            new,
            may_be_empty,
        } in RENAMED
        {
            let over_empty = if may_be_empty { "" } else { "b" };
            for (set, expected, warnings) in [
                (vec![], None, 0),
                (vec![(new, "a")], Some("a"), 0),
                (vec![(old, "b")], Some("b"), 1),
                (vec![(old, "")], Some(""), 1),
                (vec![(old, "b"), (new, "a")], Some("a"), 1),
                (vec![(old, "b"), (new, "")], Some(over_empty), 1),
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

    #[test]
    fn warnings_name_the_old_and_the_new_name() {
        let variables = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let alone = adopt(&mut variables(&[("PROBE_WITNESSES", "1.1.1.1:443")]));
        let both = [
            ("RETENTION_OUTCOMES", "2"),
            ("RETENTION_CHECK_RESULTS", "3"),
        ];
        let both = adopt(&mut variables(&both));
        insta::assert_snapshot!([alone, both].concat().join("\n"), @r"
        PROBE_WITNESSES was renamed to CONNECTIVITY_HOSTS. Rollcall uses its value; change the name in your settings
        RETENTION_OUTCOMES was renamed to RETENTION_CHECK_RESULTS and is ignored, because RETENTION_CHECK_RESULTS is set too
        ");
    }
}
