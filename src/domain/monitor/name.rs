//! Names are unique among the monitors of one kind of a guild: how two names compare, and the next free form of a name that
//! is taken.

use std::collections::HashSet;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::{MAX_NAME, MonitorKind};
use crate::discord_id::GuildId;

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// The monitors among which a name is unique. Those of the command line (`GuildId::LOCAL`) have a scope of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameScope {
    pub guild: GuildId,
    pub kind: MonitorKind,
}

/// The form by which names are compared: normalized (NFC) and caseless. Names with the same key are the same name.
///
/// Caseless is what full case folding calls so: the lower case of the upper case, letter by letter, so that `ß` and `SS` are
/// the same. Only the dotless i, a letter of its own, shares its capital with another letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameKey(String);

impl NameKey {
    pub fn of(name: &str) -> Self {
        let mut caseless = String::with_capacity(name.len());
        for letter in NFC.normalize(name).chars() {
            match letter {
                'ı' => caseless.push(letter),
                // Its lower case is `ß`, whose upper case is `SS`.
                'ẞ' => caseless.push_str("ss"),
                letter => caseless.extend(letter.to_uppercase().flat_map(char::to_lowercase)),
            }
        }
        Self(NFC.normalize(&caseless).into_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns `name (2)` for the number 2. The name is cut so that the whole has at most `MAX_NAME` characters.
pub fn numbered(name: &str, number: u32) -> String {
    let suffix = format!(" ({number})");
    let room = MAX_NAME.saturating_sub(suffix.len());
    let kept: String = name.chars().take(room).collect();
    format!("{}{suffix}", kept.trim_end())
}

/// Numbers up to which every number is tried. Beyond it, one of 10,000 is found in some 30 steps.
const TRIED_IN_ORDER: u32 = 10;

/// The search for a number with which a name is not taken: the lowest one, unless numbers above ten have gaps.
#[derive(Clone, Copy, Debug)]
pub struct NumberSearch {
    /// Is taken; 1 stands for the name without a number.
    taken: u32,
    free: Option<u32>,
}

impl Default for NumberSearch {
    fn default() -> Self {
        Self {
            taken: 1,
            free: None,
        }
    }
}

impl NumberSearch {
    /// The next number to try. It is the result if it follows a taken one and is free.
    pub fn candidate(&self) -> u32 {
        match self.free {
            None if self.taken < TRIED_IN_ORDER => self.taken + 1,
            None => self.taken.saturating_mul(2),
            Some(free) => self.taken.midpoint(free),
        }
    }

    /// Continues with whether the candidate is taken; the free number once it is found.
    pub fn advance(&mut self, is_taken: bool) -> Option<u32> {
        let candidate = self.candidate();
        match is_taken {
            true => self.taken = candidate,
            false => self.free = Some(candidate),
        }
        self.free
            .filter(|free| *free <= self.taken.saturating_add(1))
    }
}

/// The name of a monitor once names are unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueName {
    pub key: NameKey,
    /// `None`: it keeps its name.
    pub new_name: Option<String>,
}

/// Makes the names of a scope unique. `names` are in order of age: the oldest monitor keeps a name that several have, and the
/// others get its next free form. That is never a name that another monitor has, or that is in `taken`.
pub fn made_unique(names: &[&str], mut taken: HashSet<NameKey>) -> Vec<UniqueName> {
    let mut keep = |name: &&str| {
        let key = NameKey::of(name);
        taken.insert(key.clone()).then_some(key)
    };
    let kept: Vec<Option<NameKey>> = names.iter().map(&mut keep).collect();
    let unique = names.iter().zip(kept).map(|(name, kept)| match kept {
        Some(key) => UniqueName {
            key,
            new_name: None,
        },
        None => {
            let new_name = free_form(name, &taken);
            let key = NameKey::of(&new_name);
            taken.insert(key.clone());
            UniqueName {
                key,
                new_name: Some(new_name),
            }
        }
    });
    unique.collect()
}

fn free_form(name: &str, taken: &HashSet<NameKey>) -> String {
    let mut search = NumberSearch::default();
    loop {
        let form = numbered(name, search.candidate());
        if let Some(free) = search.advance(taken.contains(&NameKey::of(&form))) {
            return numbered(name, free);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_normalized_and_caseless() {
        for (one, other, is_same) in [
            ("shop", "shop", true),
            ("Shop", "sHOP", true),
            ("shop", "shops", false),
            ("web shop", "web  shop", false),
            // Composed and decomposed.
            ("Z\u{fc}rich", "zu\u{308}rich", true),
            ("\u{c5}", "\u{212b}", true),
            ("e\u{301}\u{323}", "E\u{323}\u{301}", true),
            ("zurich", "zürich", false),
            // Letters whose case has other forms.
            ("Straße", "STRASSE", true),
            ("ΟΔΟΣ", "οδος", true),
            ("οδοσ", "οδος", true),
            ("ǰ", "J\u{30c}", true),
            ("İ", "i\u{307}", true),
            ("kız", "kiz", false),
            ("K", "\u{212a}", true),
            // Compatibility forms look different, and are.
            ("ﬁ", "fi", true),
            ("①", "1", false),
            ("Ａ", "A", false),
            ("Ａ", "ａ", true),
            ("監視", "監視", true),
        ] {
            let are_same = NameKey::of(one) == NameKey::of(other);
            assert_eq!(are_same, is_same, "{one:?} and {other:?}");
        }
    }

    #[test]
    fn a_numbered_name_has_at_most_64_characters() {
        let name = |count| "ä".repeat(count);
        for (given, number, expected) in [
            ("shop".to_owned(), 2, "shop (2)".to_owned()),
            ("shop (2)".to_owned(), 3, "shop (2) (3)".to_owned()),
            (name(60), 2, format!("{} (2)", name(60))),
            (name(61), 2, format!("{} (2)", name(60))),
            (name(64), 2, format!("{} (2)", name(60))),
            (name(64), 10, format!("{} (10)", name(59))),
            (format!("{} b c", name(59)), 2, format!("{} (2)", name(59))),
        ] {
            let found = numbered(&given, number);
            assert_eq!(found, expected);
            assert_eq!(crate::monitor::parse_name(&found), Ok(found.clone()));
        }
    }

    /// The number that is found, and the steps it takes.
    fn search(taken: &HashSet<u32>) -> (u32, usize) {
        let mut search = NumberSearch::default();
        for step in 1..100 {
            let is_taken = taken.contains(&search.candidate());
            if let Some(free) = search.advance(is_taken) {
                return (free, step);
            }
        }
        panic!("no end")
    }

    #[test]
    fn the_lowest_free_number_is_found() {
        for (taken, free) in [
            (vec![], 2),
            (vec![2], 3),
            (vec![3], 2),
            (vec![2, 4], 3),
            ((2..=9).collect(), 10),
            ((2..=10).collect(), 11),
            ((2..=19).collect(), 20),
            ((2..=20).collect(), 21),
            ((2..=21).collect(), 22),
            ((2..=9_999).collect(), 10_000),
        ] {
            let (found, steps) = search(&taken.iter().copied().collect());
            assert_eq!(found, free, "{}", taken.len());
            assert!(steps <= 32, "{steps} steps");
        }
    }

    #[test]
    fn the_oldest_of_several_keeps_its_name() {
        let long = "x".repeat(64);
        let long_2 = format!("{} (2)", "x".repeat(60));
        for (names, taken, unique) in [
            (vec!["a", "b"], vec![], vec!["a", "b"]),
            (vec!["a", "a", "a"], vec![], vec!["a", "a (2)", "a (3)"]),
            (vec!["Shop", "shop"], vec![], vec!["Shop", "shop (2)"]),
            (vec!["ü", "u\u{308}"], vec![], vec!["ü", "u\u{308} (2)"]),
            // What is there already keeps its name, even if it is younger.
            (vec!["a", "a", "a (2)"], vec![], vec!["a", "a (3)", "a (2)"]),
            (
                vec!["a (2)", "a", "A (2)", "a"],
                vec![],
                vec!["a (2)", "a", "A (2) (2)", "a (3)"],
            ),
            (vec!["a", "b"], vec!["A", "a (2)"], vec!["a (3)", "b"]),
            (vec![&long, &long], vec![], vec![&long, &long_2]),
        ] {
            let taken = taken.into_iter().map(NameKey::of).collect();
            let found = made_unique(&names, taken);
            let found: Vec<String> = names
                .iter()
                .zip(found)
                .map(|(name, found)| {
                    let name = found.new_name.unwrap_or_else(|| (*name).to_owned());
                    assert_eq!(found.key, NameKey::of(&name));
                    name
                })
                .collect();
            assert_eq!(found, unique, "{names:?}");
        }
    }

    #[test]
    fn many_monitors_of_one_name_get_numbers_in_order() {
        let found = made_unique(&vec!["esp32"; 20_000], HashSet::new());
        let last = found.last().and_then(|name| name.new_name.as_deref());
        assert_eq!(last, Some("esp32 (20000)"));
    }

    proptest::proptest! {
        #[test]
        fn a_number_that_is_found_is_free(taken in proptest::collection::hash_set(2_u32..200, 0..200)) {
            let (found, _) = search(&taken);
            proptest::prop_assert!(found >= 2 && !taken.contains(&found));
        }

    }

    #[test]
    fn the_key_of_every_letter_is_its_own_key() {
        for letter in '\0'..=char::MAX {
            let key = NameKey::of(&letter.to_string());
            assert_eq!(NameKey::of(key.as_str()), key, "{letter:?}");
        }
    }
}
