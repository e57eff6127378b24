//! The list of incidents, one line for each, and one incident with its earlier notes.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use crate::discord::incidents::{incident_card, texts};
use crate::discord::ui::embed::{AMBER, GREEN, RED};
use crate::discord::ui::reply::Message;
use crate::discord::ui::view::Pages;
use crate::domain::Timestamp;
use crate::store::incidents::incident::Incident;

/// Ten incidents with the longest titles stay within an embed's 4,096 characters.
pub(super) const PER_PAGE: u32 = 10;

/// Discord's limit for the text of a message.
const TEXT: usize = 2_000;

/// A page of incidents, newest first. `range`: the range as members read it.
pub(super) fn list(page: &[Incident], range: &str, pages: Pages, now: Timestamp) -> CreateEmbed {
    let mut lines = vec![range.to_owned(), String::new()];
    lines.extend(page.iter().map(|one| texts::listed(one, now)));
    if page.is_empty() {
        lines.push(texts::NO_INCIDENTS.to_owned());
    }
    let open = || page.iter().filter(|one| one.ended_at.is_none());
    let embed = CreateEmbed::new()
        .title(texts::incident_count(pages.total))
        .description(lines.join("\n"))
        .colour(match open().count() {
            0 => GREEN,
            _ if open().any(|one| one.acknowledged.is_none()) => RED,
            _ => AMBER,
        });
    match pages.footer() {
        Some(footer) => embed.footer(CreateEmbedFooter::new(footer)),
        None => embed,
    }
}

/// The message of an incident, and above it the notes that it does not show: the latest of them, the newest last.
pub(super) fn one(incident: &Incident) -> Message {
    let mut message = incident_card::message(incident);
    let notes = &incident.notes;
    let earlier = notes.latest.len().saturating_sub(incident_card::NOTES);
    let mut shown: Vec<String> = Vec::new();
    for note in notes.latest.iter().take(earlier).rev().map(texts::note) {
        let heading = texts::earlier_notes(shown.len() as u64 + 1, incident_card::NOTES);
        let lines = shown.iter().chain([&heading, &note]);
        let length: usize = lines.map(|line| line.chars().count() + 1).sum();
        if length > TEXT {
            break;
        }
        shown.push(note);
    }
    if !shown.is_empty() {
        let heading = texts::earlier_notes(shown.len() as u64, incident_card::NOTES);
        shown.push(heading);
        shown.reverse();
        message.content = shown.join("\n");
    }
    message
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::discord_id::{GuildId, UserId};
    use crate::domain::event::Actor;
    use crate::domain::incidents::grouping::{GroupKey, GroupScope, IncidentId};
    use crate::domain::incidents::note::NoteId;
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::domain::key::KeyId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::notifications::notification_kind::NotificationKind;
    use crate::domain::status::transition::OutageEnd;
    use crate::store::incidents::incident::{Note, Notes, Outage};
    use crate::store::testing::counts_of;

    fn open(name: Option<&str>) -> Incident {
        let outage = Outage {
            monitor_id: MonitorId(7),
            name: name.map(str::to_owned),
            target: None,
            reason: OutageReason::TimedOut,
            detail: None,
            started_at: NOW.minus(Duration::from_secs(420)),
            ended: None,
            is_flapping: false,
            continued_by: None,
            exists: true,
            times: 1,
        };
        Incident {
            kind: NotificationKind::Incident,
            id: IncidentId(12),
            guild_id: GuildId(1),
            group_key: GroupKey {
                scope: GroupScope::Nothing,
                group: None,
            },
            revision: 1,
            opened_at: outage.started_at,
            ended_at: None,
            acknowledged: None,
            rechecked: None,
            rechecked_result: None,
            muted: None,
            maintained: None,
            flapping_since: None,
            flapping_ended_at: None,
            cause: None,
            counts: counts_of(std::slice::from_ref(&outage)),
            outages: vec![outage],
            notes: Notes::default(),
        }
    }

    fn acknowledged(incident: Incident) -> Incident {
        Incident {
            acknowledged: Some((Actor::Member(UserId(42)), NOW)),
            ..incident
        }
    }

    fn resolved(mut incident: Incident) -> Incident {
        let ended = NOW.minus(Duration::from_secs(60));
        incident.outages[0].ended = Some((ended, OutageEnd::Recovered));
        incident.counts = counts_of(&incident.outages);
        incident.ended_at = Some(ended);
        incident
    }

    /// An incident with this number of notes, of which the latest ten are known.
    fn with_notes(text: &str, count: u64) -> Incident {
        let first = count.saturating_sub(10) + 1;
        let note = |number: u64| Note {
            id: NoteId(i64::try_from(number).unwrap()),
            incident: IncidentId(12),
            at: NOW,
            actor: Actor::Key(KeyId::parse("0123456789ab").unwrap()),
            text: format!("{number} {text}"),
        };
        let notes = Notes {
            latest: (first..=count).map(note).collect(),
            count,
        };
        Incident {
            notes,
            ..open(Some("shop"))
        }
    }

    #[test]
    fn lists_of_incidents() {
        let page = [
            open(Some("web *shop*")),
            acknowledged(open(Some("blog"))),
            resolved(open(None)),
        ];
        let range = "2026-01-01 12:00 to 2026-01-31 12:00 (UTC)";
        let cards = [
            list(&page, range, Pages::new(1, 21, PER_PAGE), NOW),
            list(&page[1..], range, Pages::new(1, 2, PER_PAGE), NOW),
            list(&page[2..], range, Pages::new(1, 1, PER_PAGE), NOW),
            list(&[], range, Pages::new(1, 0, PER_PAGE), NOW),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @r"
        [red] 21 incidents
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        #12 🔴 web \*shop\* is offline · opened <t:1769860380:f> · open for 7 min
        #12 🔴 blog is offline · opened <t:1769860380:f> · open for 7 min · acknowledged by <@42>
        #12 🟢 a removed monitor was offline for 6 min · opened <t:1769860380:f> · resolved after 6 min
        — Page 1 of 3 · 21 in total

        [amber] 2 incidents
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        #12 🔴 blog is offline · opened <t:1769860380:f> · open for 7 min · acknowledged by <@42>
        #12 🟢 a removed monitor was offline for 6 min · opened <t:1769860380:f> · resolved after 6 min

        [green] 1 incident
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        #12 🟢 a removed monitor was offline for 6 min · opened <t:1769860380:f> · resolved after 6 min

        [green] 0 incidents
        2026-01-01 12:00 to 2026-01-31 12:00 (UTC)

        There were no incidents.
        ");
    }

    #[test]
    fn a_page_fits_with_the_longest_titles() {
        let mut longest = acknowledged(open(Some(&"*".repeat(100))));
        longest.id = IncidentId(i64::MAX);
        longest.acknowledged = Some((Actor::Member(UserId(u64::MAX)), NOW));
        let page = vec![longest; PER_PAGE as usize];
        let range = "*".repeat(80);
        let pages = Pages::new(u32::MAX, u64::MAX, PER_PAGE);
        fits(list(&page, &range, pages, NOW));
    }

    #[test]
    fn earlier_notes_stand_above_the_incident_as_many_as_fit() {
        // The incident's message shows the latest three.
        for (count, expected) in [(0, ""), (3, ""), (4, "1 note before the last 3:")] {
            let text = one(&with_notes("works", count)).content;
            assert_eq!(text.lines().next().unwrap_or_default(), expected, "{count}");
        }
        let text = one(&with_notes("works", 100)).content;
        assert!(text.starts_with("7 notes before the last 3:\n"), "{text}");
        let place = |number: u32| text.find(&format!("{number} works"));
        assert!(place(91) < place(97) && place(91).is_some(), "{text}");
        assert_eq!((place(90), place(98)), (None, None), "{text}");
        // The latest of those that do not fit together stay.
        let long = one(&with_notes(&"*".repeat(1_000), 10)).content;
        assert!(long.chars().count() <= TEXT, "{}", long.chars().count());
        assert!(long.contains(":\n7 ") && !long.contains(":\n1 "), "{long}");
        assert!(
            long.chars().count() > TEXT - 320,
            "{}",
            long.chars().count()
        );
    }
}
