//! The card of how many endpoints were inactive in a range, why, and when they were reactivated.

use poise::serenity_prelude::CreateEmbed;

use super::texts;
use crate::actions::history::charts::inactive_endpoints::InactiveEndpoints;
use crate::discord::ui::embed::{AMBER, GREEN, RED};

/// `heading`: the range in the time zone of the guild.
pub(super) fn card(found: &InactiveEndpoints, heading: String) -> CreateEmbed {
    let figures = &found.figures;
    let card = CreateEmbed::new()
        .title(texts::outages(figures.outages()))
        .description(heading);
    if figures.outages() == 0 {
        return card.colour(GREEN);
    }
    let colour = match figures.at_end {
        0 => AMBER,
        _ => RED,
    };
    card.colour(colour)
        .field(texts::INACTIVE, texts::inactive(figures), false)
        .field(texts::REASONS, texts::reasons(&figures.reasons), false)
        .field(
            texts::reactivated(figures.reactivated()),
            texts::days(&figures.days, found.zone),
            false,
        )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{card_text, fits};
    use crate::domain::Timestamp;
    use crate::domain::history::chart::inactive::figures::{InactiveFigures, InactivePeriod};
    use crate::domain::history::range::HistoryRange;
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::domain::silences::maintenance::Tz;

    const DAY: Duration = Duration::from_secs(86_400);

    fn range(days: u32) -> HistoryRange {
        let from = Timestamp::start_of_day(20_758);
        HistoryRange {
            from,
            to: from.plus(DAY * days),
        }
    }

    /// An outage of an hour on a day.
    fn period(day: u32, reason: OutageReason) -> InactivePeriod {
        let from = range(1).from.plus(DAY * day);
        InactivePeriod {
            from,
            to: Some(from.plus(DAY / 24)),
            reason,
            is_reactivated: true,
        }
    }

    fn of(periods: &[InactivePeriod], days: u32) -> CreateEmbed {
        let found = InactiveEndpoints {
            zone: Tz::UTC,
            figures: InactiveFigures::of(periods, range(days), Tz::UTC),
        };
        card(
            &found,
            "2026-11-01 00:00 to 2026-12-01 00:00 (UTC)".to_owned(),
        )
    }

    #[test]
    fn cards_of_inactive_endpoints() {
        use OutageReason::{Refused, TimedOut};
        let open = InactivePeriod {
            to: None,
            is_reactivated: false,
            ..period(29, TimedOut)
        };
        let by_a_person = InactivePeriod {
            is_reactivated: false,
            ..period(3, Refused)
        };
        let cards = [
            of(&[], 30),
            of(&[by_a_person], 30),
            of(
                &[
                    period(2, TimedOut),
                    period(2, TimedOut),
                    period(5, Refused),
                    open,
                ],
                30,
            ),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @r"
        [green] No endpoint was inactive
        2026-11-01 00:00 to 2026-12-01 00:00 (UTC)

        [amber] 1 outage of an endpoint
        2026-11-01 00:00 to 2026-12-01 00:00 (UTC)
        Inactive endpoints: At most **1** at once · **0** at the end
        Reasons: connection refused × 1
        Reactivated: 0: none

        [red] 4 outages of endpoints
        2026-11-01 00:00 to 2026-12-01 00:00 (UTC)
        Inactive endpoints: At most **2** at once · **1** at the end
        Reasons: timed out × 3 · connection refused × 1
        Reactivated: 3: 2026-11-06 × 1 · 2026-11-03 × 2
        ");
    }

    #[test]
    fn a_card_of_every_day_and_reason_is_within_the_limits_of_discord() {
        let mut all: Vec<InactivePeriod> = Vec::new();
        for day in 0..92 {
            all.extend(OutageReason::ALL.iter().map(|reason| period(day, *reason)));
        }
        let text = card_text(of(&all, 92));
        assert!(text.contains(" · and "), "{text}");
        fits(of(&all, 92));
    }
}
