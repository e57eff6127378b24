//! Slugs: names of devices in URLs, such as `database-backup`. A ping names a device by the ping key of its guild and by
//! its slug.

use std::fmt;

use crate::monitor::{MAX_NAME, ValidationError};
use crate::text;

/// The maximum length of a slug; the same as in Healthchecks.
pub const LONGEST: usize = 100;

/// A device's slug. Several devices of a guild may have the same one; pings by that slug are refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

impl Slug {
    /// Reads a slug: 1 to 100 lower-case letters, digits, hyphens and underscores.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let is_valid = (1..=LONGEST).contains(&text.len())
            && text
                .bytes()
                .all(|letter| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        is_valid.then(|| Self(text.to_owned())).ok_or_else(|| {
            ValidationError::new(format!(
                "the slug must have 1 to {LONGEST} lower-case letters, digits, hyphens and underscores. Example: `database-backup`"
            ))
        })
    }

    /// Derives a slug from the name of a device, as Healthchecks does: in lower case, with hyphens for spaces, and without
    /// accents and other characters. `None` if nothing of the name is left.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::with_capacity(name.len());
        for letter in name.chars().filter_map(slug_letter) {
            if letter != '-' || !slug.ends_with('-') {
                slug.push(letter);
            }
        }
        Self::parse(slug.trim_matches(['-', '_'])).ok()
    }

    /// Returns the name of a device that is added by its slug.
    pub fn default_name(&self) -> String {
        text::cut(&self.0, MAX_NAME)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The letter of a slug for a letter of a name; `None` if the slug omits it.
fn slug_letter(letter: char) -> Option<char> {
    match letter {
        'a'..='z' | '0'..='9' | '_' | '-' => Some(letter),
        'A'..='Z' => Some(letter.to_ascii_lowercase()),
        letter if letter.is_whitespace() => Some('-'),
        letter => without_accent(letter),
    }
}

/// The base letter of the accented letters of European languages.
fn without_accent(letter: char) -> Option<char> {
    Some(match letter.to_lowercase().next()? {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_1_to_100_lower_case_letters_digits_hyphens_and_underscores() {
        let longest = "a".repeat(100);
        for valid in ["a", "0", "-", "_", "database-backup_2", longest.as_str()] {
            assert_eq!(Slug::parse(valid).unwrap().as_str(), valid);
        }
        let too_long = "a".repeat(101);
        for invalid in [
            "",
            "Backup",
            "a b",
            "a.b",
            "é",
            "a/b",
            "a\n",
            too_long.as_str(),
        ] {
            assert!(Slug::parse(invalid).is_err(), "{invalid:?}");
        }
    }

    #[test]
    fn slugs_are_derived_from_names_as_in_healthchecks() {
        for (name, slug) in [
            ("Database Backup", Some("database-backup")),
            ("  two   spaces ", Some("two-spaces")),
            ("a - b", Some("a-b")),
            ("--a--b--", Some("a-b")),
            ("_private_", Some("private")),
            ("snake_case", Some("snake_case")),
            ("web & shop (new)", Some("web-shop-new")),
            ("db.example.org", Some("dbexampleorg")),
            ("Café Zürich", Some("cafe-zurich")),
            ("cafe\u{301}", Some("cafe")),
            ("ŁÓDŹ", Some("odz")),
            ("Straße", Some("strae")),
            ("a\u{a0}b\tc", Some("a-b-c")),
            ("device 7f9c24e5", Some("device-7f9c24e5")),
            ("監視", None),
            ("🚀", None),
            ("---", None),
            ("", None),
        ] {
            let derived = Slug::from_name(name);
            assert_eq!(derived.as_ref().map(Slug::as_str), slug, "{name:?}");
        }
    }

    #[test]
    fn the_name_of_a_device_that_is_added_by_its_slug_is_cut() {
        let slug = |length| Slug::parse(&"a".repeat(length)).unwrap();
        assert_eq!(slug(64).default_name(), "a".repeat(64));
        let cut = slug(65).default_name();
        assert_eq!(cut.chars().count(), 64);
        assert!(crate::monitor::parse_name(&cut).is_ok(), "{cut}");
    }

    proptest::proptest! {
        #[test]
        fn what_is_derived_from_a_name_is_a_slug(name: String) {
            if let Some(slug) = Slug::from_name(&name) {
                proptest::prop_assert_eq!(Slug::parse(slug.as_str()), Ok(slug));
            }
        }
    }
}
