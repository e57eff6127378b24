//! The texts beside pictures in replies.

use std::time::Duration;

use super::picture_limit::MOST;
use crate::domain::text;

/// The longest list of texts that a picture numbers, in characters: a message has 2,000.
const LONGEST_LIST: usize = 1_000;

/// The longest of these texts, in characters.
const LONGEST_TEXT: usize = 100;

pub(super) const ATTACH_FILES: &str = "Rollcall adds pictures to its replies if it has the permission Attach Files in this channel. You see this once a week.";

/// What the numbers in a picture stand for; `None` without numbers.
pub(super) fn numbered(unreadable: &[String]) -> Option<String> {
    let mut list = String::new();
    for (number, part) in (1..).zip(unreadable) {
        let part = text::escape(&text::cut(part, LONGEST_TEXT));
        let entry = match list.is_empty() {
            true => format!("`#{number}` is {part}"),
            false => format!(", `#{number}` is {part}"),
        };
        if list.chars().count() + entry.chars().count() > LONGEST_LIST {
            break;
        }
        list.push_str(&entry);
    }
    (!list.is_empty()).then(|| format!("In the picture, {list}."))
}

pub(super) fn too_many_pictures(wait: Duration) -> String {
    format!(
        "Without its picture: you get at most {MOST} per minute. The next one is possible in {}.",
        text::duration(wait.max(Duration::from_secs(1)))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_beside_pictures() {
        let one = ["店".to_owned()];
        let two = ["店".to_owned(), "🦀 *crab*".to_owned()];
        let texts = [
            ATTACH_FILES.to_owned(),
            numbered(&one).unwrap(),
            numbered(&two).unwrap(),
            too_many_pictures(Duration::from_secs(50)),
            too_many_pictures(Duration::from_millis(4)),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r"
        Rollcall adds pictures to its replies if it has the permission Attach Files in this channel. You see this once a week.
        In the picture, `#1` is 店.
        In the picture, `#1` is 店, `#2` is 🦀 \*crab\*.
        Without its picture: you get at most 10 per minute. The next one is possible in 50 s.
        Without its picture: you get at most 10 per minute. The next one is possible in 1 s.
        ");
        assert_eq!(numbered(&[]), None);
    }

    #[test]
    fn a_long_list_is_cut_between_its_texts() {
        let all: Vec<String> = (0..40).map(|_| "店".repeat(200)).collect();
        let found = numbered(&all).unwrap();
        assert!(found.chars().count() <= LONGEST_LIST + 20, "{found}");
        assert!(
            found.contains("`#8` is 店") && !found.contains("#10"),
            "{found}"
        );
    }
}
