//! The part of an address that names an item of a page, made of its public name: `web-shop` in `/status/acme/badge/web-shop.svg`. It
//! stays when the item is renamed, so that badges in foreign pages go on working.

/// The longest key, in characters.
pub const LONGEST_KEY: usize = 40;

/// The key of a name of which no letter is left.
const NAMELESS: &str = "item";

/// The first key for a public name that no other item of its page has.
pub fn item_key(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let base = base(name);
    let numbered = (2_u32..).map(|number| {
        let suffix = format!("-{number}");
        let kept = base.get(..LONGEST_KEY - suffix.len()).unwrap_or(&base);
        format!("{}{suffix}", kept.trim_end_matches('-'))
    });
    std::iter::once(base.clone())
        .chain(numbered)
        .find(|key| !is_taken(key))
        .unwrap_or_default()
}

/// Letters and digits of ASCII in lower case; hyphens for everything between them.
fn base(name: &str) -> String {
    let mut key = String::new();
    for letter in name.chars() {
        match letter {
            letter if letter.is_ascii_alphanumeric() => key.push(letter.to_ascii_lowercase()),
            _ if key.is_empty() || key.ends_with('-') => {}
            _ => key.push('-'),
        }
        if key.len() == LONGEST_KEY {
            break;
        }
    }
    match key.trim_end_matches('-') {
        "" => NAMELESS.to_owned(),
        key => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_names() {
        for (name, key) in [
            ("Web shop", "web-shop"),
            ("  API (v2) — EU ", "api-v2-eu"),
            ("Käse", "k-se"),
            ("店", "item"),
            ("../../x", "x"),
            (&"a".repeat(100), &"a".repeat(40)),
        ] {
            assert_eq!(item_key(name, |_| false), key);
        }
    }

    #[test]
    fn a_taken_key_gets_a_number() {
        let taken = ["shop", "shop-2"];
        assert_eq!(item_key("Shop", |key| taken.contains(&key)), "shop-3");
        let long = "a".repeat(40);
        let second = item_key(&long, |key| key == long);
        assert_eq!(second, format!("{}-2", "a".repeat(38)));
    }
}
