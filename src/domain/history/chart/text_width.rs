//! How wide a text is, about: the font is known only where pictures are written. The figures are those of the widest common letters
//! of Noto Sans in each class, so a text is seldom wider than they say.

/// The width of a text in pixels.
pub(super) fn width(text: &str, size: f32) -> f32 {
    text.chars().map(em).sum::<f32>() * size
}

/// The beginning of a text that fits into a width, with an ellipsis if it is cut.
pub(super) fn fitted(text: &str, size: f32, space: f32) -> String {
    if width(text, size) <= space {
        return text.to_owned();
    }
    let mut left = space / size - em('…');
    let mut kept = String::new();
    for character in text.chars() {
        left -= em(character);
        if left < 0.0 {
            break;
        }
        kept.push(character);
    }
    format!("{}…", kept.trim_end())
}

/// The width of a character as a part of the size of the font.
fn em(character: char) -> f32 {
    match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '·' | 'ι'
        | 'і' => 0.36,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | '/' | '"' => 0.43,
        'm' | 'w' | 'M' | 'W' | 'O' | 'Q' | '%' | '@' | '…' | '&' => 0.95,
        'a'..='z' | '0'..='9' => 0.63,
        'A'..='Z' => 0.77,
        '\u{20}'..='\u{7e}' => 0.58,
        // Letters with marks, Greek.
        '\u{a0}'..='\u{3ff}' => 0.86,
        // Cyrillic.
        '\u{400}'..='\u{52f}' => match character {
            'а'..='е' | 'з'..='л' | 'н'..='ф' | 'х'..='ч' | 'ъ' | 'ь' | 'э' | 'я' => {
                0.68
            }
            'Ш' | 'Щ' | 'Ж' | 'Ю' | 'Ы' | 'М' | 'Ф' => 1.08,
            _ => 0.94,
        },
        // East Asian letters are as wide as high.
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_and_the_rest_is_cut() {
        for (text, space, expected) in [
            ("shop", 100.0, "shop"),
            // Three letters of 9.45 pixels and one of 14.25.
            ("aaam", 42.7, "aaam"),
            ("aaam", 42.5, "aa…"),
            ("a   aaaa", 30.0, "a…"),
            ("", 0.0, ""),
            ("a", 0.0, "…"),
        ] {
            assert_eq!(fitted(text, 15.0, space), expected, "{text} {space}");
        }
    }

    #[test]
    fn a_cut_text_fits() {
        for letter in ["a", "W", "Ω", "Щ", "店", "é"] {
            let name = letter.repeat(100);
            for space in [60.0, 200.0, 900.0] {
                let cut = fitted(&name, 15.0, space);
                assert!(width(&cut, 15.0) <= space, "{letter} {space}");
                let next = format!("{}{letter}", cut);
                assert!(width(&next, 15.0) > space, "{letter} {space}");
            }
        }
    }
}
