//! The one stylesheet of all pages. Its name has a hash of its content, so that browsers may keep it forever.

use std::fmt::Write;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A file that pages refer to.
pub struct Stylesheet {
    /// From the root of the host: `/assets/status-page-0123456789abcdef.css`.
    pub path: String,
    pub body: &'static str,
}

/// The stylesheet of status pages.
pub static STYLESHEET: LazyLock<Stylesheet> = LazyLock::new(|| {
    let body = include_str!("templates/status_page.css");
    let mut path = "/assets/status-page-".to_owned();
    for byte in &Sha256::digest(body)[..8] {
        let _ = write!(path, "{byte:02x}");
    }
    path.push_str(".css");
    Stylesheet { path, body }
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The colors of the light theme and of the dark one, by their names.
    fn themes() -> [BTreeMap<&'static str, [u8; 3]>; 2] {
        let (light, dark) = STYLESHEET.body.split_once("@media").unwrap();
        let dark = dark.split_once("\n}").unwrap().0;
        [light, dark].map(|theme| {
            let rules = theme
                .lines()
                .filter_map(|line| line.trim().strip_prefix("--"));
            let colors = rules.filter_map(|rule| rule.trim_end_matches(';').split_once(": #"));
            colors
                .map(|(name, color)| {
                    let part = |at| u8::from_str_radix(&color[at..at + 2], 16).unwrap();
                    (name, [part(0), part(2), part(4)])
                })
                .collect()
        })
    }

    /// The contrast of two colors as WCAG 2.2 defines it.
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            match value <= 0.040_45 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        let luminance =
            |[r, g, b]: [u8; 3]| 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_text_and_every_mark_has_enough_contrast() {
        for (theme, name) in themes().iter().zip(["light", "dark"]) {
            assert_eq!(theme.len(), 19, "{name}");
            let check = |ink: &str, ground: &str, least: f64| {
                let found = contrast(theme[ink], theme[ground]);
                assert!(found >= least, "{name}: {ink} on {ground} {found:.2}");
            };
            for ground in ["page", "surface"] {
                for text in [
                    "text",
                    "faint",
                    "link",
                    "online",
                    "warning",
                    "offline",
                    "maintenance",
                    "unknown",
                ] {
                    check(text, ground, 4.5);
                }
                for mark in ["day", "gap", "brief"] {
                    check(mark, ground, 3.0);
                }
            }
            for status in ["online", "warning", "offline", "maintenance", "unknown"] {
                let ground = format!("{status}-ground");
                check("text", &ground, 4.5);
                check(status, &ground, 3.0);
            }
            // Tags of maintenance, and the button of the password.
            check("maintenance", "maintenance-ground", 4.5);
            check("surface", "link", 4.5);
        }
    }

    #[test]
    fn both_themes_have_the_same_colors() {
        let [light, dark] = themes();
        assert!(light.keys().eq(dark.keys()));
    }

    #[test]
    fn its_name_is_a_hash_and_it_loads_nothing() {
        let path = STYLESHEET
            .path
            .strip_prefix("/assets/status-page-")
            .unwrap();
        let hash = path.strip_suffix(".css").unwrap();
        assert!(hash.len() == 16 && hash.chars().all(|one| one.is_ascii_hexdigit()));
        assert!(!STYLESHEET.body.contains("url(") && !STYLESHEET.body.contains("@import"));
    }
}
