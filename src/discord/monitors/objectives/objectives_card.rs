//! The list of objectives: two lines for each.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use super::texts;
use crate::actions::history::objectives::figures::ObjectiveFigures;
use crate::discord::ui::embed::{AMBER, GREEN, RED};
use crate::discord::ui::view::Pages;
use crate::domain::history::objective::budget::BudgetState;

/// Ten objectives with the longest names stay within an embed's 4,096 characters.
pub(super) const PER_PAGE: u32 = 10;

pub(super) fn list(page: &[ObjectiveFigures], pages: Pages) -> CreateEmbed {
    let worst = page.iter().map(|one| one.budget.state()).max();
    let lines: Vec<String> = page.iter().map(texts::objective).collect();
    let card = CreateEmbed::new()
        .title(texts::objective_count(pages.total))
        .description(lines.join("\n"))
        .colour(match worst.unwrap_or_default() {
            BudgetState::Met => GREEN,
            BudgetState::AtRisk => AMBER,
            BudgetState::Missed => RED,
        });
    match pages.footer() {
        Some(footer) => card.footer(CreateEmbedFooter::new(footer)),
        None => card,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::{card_text, fits};

    #[test]
    fn the_list_of_objectives() {
        let shown = [
            texts::tests::missed("shop"),
            texts::tests::at_risk_group("web"),
            texts::tests::met("blog"),
        ];
        let cards = [
            list(&shown, Pages::new(1, 21, PER_PAGE)),
            list(&shown[1..], Pages::new(1, 2, PER_PAGE)),
            list(&shown[2..], Pages::new(1, 1, PER_PAGE)),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @"
        [red] 21 objectives
        🔴 **shop** · 99.9 % over 30 days
        43 min 12 s of downtime allowed, 51 min used
        🟠 **web** (group of 3 monitors) · 99.9 % over 30 days
        43 min 12 s of downtime allowed, 12 min 12 s left, at this rate until <t:1769860800:f>
        🟢 **blog** · 99.9 % over 30 days
        43 min 12 s of downtime allowed, 43 min 12 s left
        — Page 1 of 3 · 21 in total

        [amber] 2 objectives
        🟠 **web** (group of 3 monitors) · 99.9 % over 30 days
        43 min 12 s of downtime allowed, 12 min 12 s left, at this rate until <t:1769860800:f>
        🟢 **blog** · 99.9 % over 30 days
        43 min 12 s of downtime allowed, 43 min 12 s left

        [green] 1 objective
        🟢 **blog** · 99.9 % over 30 days
        43 min 12 s of downtime allowed, 43 min 12 s left
        ");
    }

    #[test]
    fn a_page_fits_with_the_longest_names() {
        let longest = "*".repeat(64);
        let shown = vec![texts::tests::at_risk_group(&longest); PER_PAGE as usize];
        fits(list(&shown, Pages::new(50, 500, PER_PAGE)));
    }
}
