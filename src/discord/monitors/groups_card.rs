//! The list of user-defined groups.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::monitors::texts;
use crate::discord::ui::embed::GREY;
use crate::domain::text;

/// Maximum characters of the list; an embed's description allows 4,096.
const LIST: usize = 4_000;

pub(in crate::discord) fn list(known: &[(String, u64)]) -> CreateEmbed {
    if known.is_empty() {
        return CreateEmbed::new()
            .title(texts::NO_GROUPS_TITLE)
            .description(texts::NO_GROUPS)
            .colour(GREY);
    }
    let lines = known
        .iter()
        .map(|(name, monitors)| texts::group(name, *monitors));
    let lines: Vec<String> = lines.collect();
    CreateEmbed::new()
        .title(texts::group_count(known.len()))
        .description(text::cut(&lines.join("\n"), LIST))
        .colour(GREY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::{card_text, fits};

    #[test]
    fn cards_of_the_list_of_groups() {
        let cards = [
            list(&[]),
            list(&[("shop".to_owned(), 1)]),
            list(&[("office *north*".to_owned(), 12), ("shop".to_owned(), 1)]),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @r"
        [grey] No groups yet
        Add a monitor to a group with `/group set`.

        [grey] 1 group
        **shop**: 1 monitor

        [grey] 2 groups
        **office \*north\***: 12 monitors
        **shop**: 1 monitor
        ");
    }

    #[test]
    fn the_list_of_groups_fits_with_the_longest_names() {
        fits(list(&vec![("*".repeat(64), u64::MAX); 500]));
    }
}
