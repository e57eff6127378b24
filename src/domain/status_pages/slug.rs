//! The part of a page's address that names it, unique in the whole installation: `shop` in `/status/shop`.

use std::fmt;

use crate::monitor::ValidationError;
use crate::text::{code, cut};

/// The longest slug, in characters.
pub const LONGEST_SLUG: usize = 40;

/// How many free slugs an error suggests.
pub const SUGGESTIONS: usize = 3;

/// Maximum characters of an invalid text that an error quotes.
const QUOTED: usize = 48;

/// 1 to 40 lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageSlug(String);

impl PageSlug {
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let slug = text.trim();
        let is_good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        match (1..=LONGEST_SLUG).contains(&slug.len()) && slug.bytes().all(is_good) {
            true => Ok(Self(slug.to_owned())),
            false => Err(ValidationError::new(format!(
                "{} cannot be the address of a status page. Use 1 to {LONGEST_SLUG} lower-case letters, digits and hyphens. Example: `web-shop`",
                code(&cut(slug, QUOTED))
            ))),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Other slugs like this one, in the order in which they are suggested where it is taken: `shop-status`, `shop-2`, `shop-3`, and
    /// so on, without an end.
    pub fn similar(&self) -> impl Iterator<Item = Self> {
        let numbers = (2_u64..).map(|number| number.to_string());
        std::iter::once("status".to_owned())
            .chain(numbers)
            .map(|suffix| self.with_suffix(&suffix))
    }

    fn with_suffix(&self, suffix: &str) -> Self {
        let room = LONGEST_SLUG - suffix.len() - 1;
        let kept = self.0.get(..room).unwrap_or(&self.0);
        Self(format!("{}-{suffix}", kept.trim_end_matches('-')))
    }
}

impl fmt::Display for PageSlug {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_short_and_of_lower_case_letters_digits_and_hyphens() {
        for good in ["a", "web-shop", "2", "-", &"x".repeat(40), " shop "] {
            assert_eq!(PageSlug::parse(good).unwrap().as_str(), good.trim());
        }
        for wrong in [
            "",
            " ",
            "Shop",
            "web shop",
            "web_shop",
            "käse",
            "a/b",
            "..",
            &"x".repeat(41),
        ] {
            assert!(PageSlug::parse(wrong).is_err(), "{wrong}");
        }
        let error = PageSlug::parse("Web shop").unwrap_err().to_string();
        assert!(error.starts_with("`Web shop` cannot be"), "{error}");
    }

    #[test]
    fn similar_slugs_are_slugs() {
        let first = |slug: &str| -> Vec<String> {
            let similar = PageSlug::parse(slug).unwrap();
            similar
                .similar()
                .take(3)
                .map(|one| one.to_string())
                .collect()
        };
        assert_eq!(first("shop"), ["shop-status", "shop-2", "shop-3"]);
        for long in ["x".repeat(40), "x-".repeat(20)] {
            for similar in first(&long) {
                assert!(PageSlug::parse(&similar).is_ok(), "{similar}");
                assert!(!similar.contains("--"), "{similar}");
            }
        }
    }
}
