//! The card of the audit log.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use crate::discord::monitors::audit::texts;
use crate::discord::ui::embed::{GREY, relative};
use crate::store::event::Event;

/// Maximum events on one card.
pub(super) const EVENTS: u32 = 20;

/// The lines of a card, in characters. Discord allows 4,096.
const LINES: usize = 4_000;

pub(super) fn audit(events: &[Event]) -> CreateEmbed {
    let lines = events
        .iter()
        .map(|event| format!("{} {}", relative(event.at), texts::sentence(event)));
    let mut room = LINES;
    let shown: Vec<String> = lines
        .take_while(|line| {
            let length = line.chars().count() + 1;
            let fits = length <= room;
            room = room.saturating_sub(length);
            fits
        })
        .collect();
    let card = CreateEmbed::new().title(texts::TITLE).colour(GREY);
    let is_whole = shown.len() == events.len();
    let card = match shown.is_empty() {
        true => card.description(texts::NO_EVENTS),
        false => card.description(shown.join("\n")),
    };
    match is_whole {
        true => card,
        false => card.footer(CreateEmbedFooter::new(texts::OLDER_EVENTS)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::discord_id::UserId;
    use crate::domain::event::{Actor, EventKind};

    fn event(kind: EventKind, name: &str, details: Value) -> Event {
        Event {
            id: 1,
            at: NOW,
            kind,
            monitor_id: None,
            name: Some(name.to_owned()),
            actor: Actor::Member(UserId(u64::MAX)),
            details,
        }
    }

    #[test]
    fn cards_of_the_audit_log() {
        let events = [
            event(
                EventKind::EndpointOffline,
                "shop",
                json!({ "reason": "refused" }),
            ),
            event(EventKind::ServerAdded, "*db*", json!({})),
        ];
        let cards = [audit(&events), audit(&[])];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @r"
        [grey] Audit log
        <t:1769860800:R> **shop** went offline: connection refused
        <t:1769860800:R> <@18446744073709551615> added the server **\*db\***

        [grey] Audit log
        There are no matching events yet.
        ");
    }

    #[test]
    fn a_card_has_as_many_whole_lines_as_fit() {
        let change = json!({ "from": "*".repeat(200), "to": "*".repeat(200) });
        let fields = ["name", "target", "keyword", "method", "slug"];
        let changes: serde_json::Map<String, Value> = fields
            .iter()
            .map(|name| ((*name).to_owned(), change.clone()))
            .collect();
        let longest = event(
            EventKind::EndpointEdited,
            &"*".repeat(64),
            json!({ "changes": changes }),
        );
        let card = audit(&vec![longest; EVENTS as usize]);
        fits(card.clone());
        let shown = card_text(card);
        assert!(shown.lines().count() > 4, "{shown}");
        assert!(shown.ends_with("— Choose a type or a monitor to see older events"));
    }
}
