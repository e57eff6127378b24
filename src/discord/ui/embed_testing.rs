//! What the tests of cards share: a time, and Discord's limits for an embed.

use poise::serenity_prelude::CreateEmbed;
use serde_json::Value;

use crate::domain::Timestamp;

pub(in crate::discord) const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

pub(in crate::discord) fn embed_json(embed: CreateEmbed) -> Value {
    serde_json::to_value(embed).unwrap()
}

/// Asserts Discord's limits for one embed. Source: Discord's API reference.
pub(in crate::discord) fn fits(embed: CreateEmbed) {
    let embed = embed_json(embed);
    let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let mut total =
        length(&embed["title"]) + length(&embed["description"]) + length(&embed["footer"]["text"]);
    assert!(
        length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4096,
        "{embed}"
    );
    let fields = embed["fields"].as_array().cloned().unwrap_or_default();
    assert!(fields.len() <= 25);
    for field in fields {
        assert!(
            (1..=256).contains(&length(&field["name"]))
                && (1..=1024).contains(&length(&field["value"])),
            "{field}"
        );
        total += length(&field["name"]) + length(&field["value"]);
    }
    assert!(total <= 6000, "{total} characters");
}

/// A card as readers see it, for snapshots: color, title, description, one line for each field, footer.
pub(in crate::discord) fn card_text(embed: CreateEmbed) -> String {
    let embed = embed_json(embed);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let color = match embed["color"].as_u64() {
        Some(0x2e_cc71) => "green",
        Some(0xf1_c40f) => "amber",
        Some(0xe7_4c3c) => "red",
        Some(0x95_a5a6) => "grey",
        _ => "no color",
    };
    let mut lines = vec![format!("[{color}] {}", text(&embed["title"]))];
    lines.push(text(&embed["description"]));
    for field in embed["fields"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{}: {}",
            text(&field["name"]),
            text(&field["value"])
        ));
    }
    let footer = text(&embed["footer"]["text"]);
    if !footer.is_empty() {
        lines.push(format!("— {footer}"));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}
