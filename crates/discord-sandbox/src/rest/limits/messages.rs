//! The limits of messages: their text, their embeds, and the buttons and menus below them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Mistake, Mistakes, items};
use crate::world::{Attachments, NewFile, id_of};

/// Checks the body of a message; with `has_files` it may be empty otherwise.
pub(crate) fn message(body: &Value, has_files: bool) -> Vec<Mistake> {
    let mut mistakes = Mistakes::default();
    mistakes.length("content", &body["content"], 0, 2000);
    mistakes.count("embeds", &body["embeds"], 10);
    let embeds = items(&body["embeds"]);
    let total: usize = embeds
        .iter()
        .enumerate()
        .map(|(index, embed)| check_embed(&mut mistakes, index, embed))
        .sum();
    if total > 6000 {
        mistakes.add("embeds", "Embed size exceeds maximum size of 6000");
    }
    components(&mut mistakes, &body["components"]);
    let is_empty = body["content"].as_str().unwrap_or_default().is_empty() && embeds.is_empty();
    if is_empty && !has_files && items(&body["components"]).is_empty() {
        mistakes.add("content", "Cannot send an empty message");
    }
    mistakes.0
}

/// Checks the list of files: each entry names one of the request or one of the message.
pub(crate) fn attachments(body: &Value, files: &[NewFile], present: &Attachments) -> Vec<Mistake> {
    let mut mistakes = Mistakes::default();
    let list = &body["attachments"];
    mistakes.count("attachments", list, 10);
    if files.len() > 10 {
        mistakes.add("attachments", "Must be 10 or fewer in length.");
    }
    for (index, entry) in items(list).iter().enumerate() {
        let path = format!("attachments.{index}");
        mistakes.length(
            &format!("{path}.description"),
            &entry["description"],
            0,
            1024,
        );
        mistakes.length(&format!("{path}.filename"), &entry["filename"], 0, 1024);
        let is_known = id_of(entry).is_some_and(|id| {
            present.find(id).is_some() || files.iter().any(|file| file.number == id)
        });
        if !is_known {
            mistakes.add(&format!("{path}.id"), "Attachment data not found");
        }
    }
    mistakes.0
}

/// Checks an embed. Returns the characters that count towards the total of all embeds.
fn check_embed(mistakes: &mut Mistakes, index: usize, embed: &Value) -> usize {
    let path = format!("embeds.{index}");
    let mut total = mistakes.length(&format!("{path}.title"), &embed["title"], 0, 256)
        + mistakes.length(
            &format!("{path}.description"),
            &embed["description"],
            0,
            4096,
        )
        + mistakes.length(
            &format!("{path}.footer.text"),
            &embed["footer"]["text"],
            0,
            2048,
        )
        + mistakes.length(
            &format!("{path}.author.name"),
            &embed["author"]["name"],
            0,
            256,
        );
    mistakes.count(&format!("{path}.fields"), &embed["fields"], 25);
    for (number, field) in items(&embed["fields"]).iter().enumerate() {
        total += mistakes.length(
            &format!("{path}.fields.{number}.name"),
            &field["name"],
            1,
            256,
        ) + mistakes.length(
            &format!("{path}.fields.{number}.value"),
            &field["value"],
            1,
            1024,
        );
    }
    total
}

fn components(mistakes: &mut Mistakes, rows: &Value) {
    mistakes.count("components", rows, 5);
    let mut ids = BTreeSet::new();
    for (row_index, row) in items(rows).iter().enumerate() {
        let path = format!("components.{row_index}");
        let inner = items(&row["components"]);
        if row["type"] != 1 || inner.is_empty() || inner.len() > 5 {
            mistakes.add(&path, "An action row holds one to five components");
        }
        for (index, component) in inner.iter().enumerate() {
            let path = format!("{path}.components.{index}");
            if component["url"].is_null() {
                mistakes.length(
                    &format!("{path}.custom_id"),
                    &component["custom_id"],
                    1,
                    100,
                );
                if !ids.insert(component["custom_id"].as_str().unwrap_or_default()) {
                    mistakes.add(&path, "Component custom id cannot be duplicated");
                }
            }
            match component["type"].as_u64() {
                Some(2) => {
                    mistakes.length(
                        &format!("{path}.label"),
                        &component["label"],
                        usize::from(component["emoji"].is_null()),
                        80,
                    );
                }
                Some(3..=8) => select(mistakes, &path, component, inner.len()),
                _ => mistakes.add(&path, "This component does not belong into an action row"),
            }
        }
    }
}

fn select(mistakes: &mut Mistakes, path: &str, component: &Value, row_length: usize) {
    if row_length > 1 {
        mistakes.add(path, "A select menu fills its row");
    }
    mistakes.length(
        &format!("{path}.placeholder"),
        &component["placeholder"],
        0,
        150,
    );
    if component["type"] == 8 {
        let known = [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16].map(Value::from);
        let kinds = items(&component["channel_types"]);
        if !kinds.iter().all(|kind| known.contains(kind)) {
            mistakes.add(&format!("{path}.channel_types"), "Unknown channel type");
        }
    } else if !component["channel_types"].is_null() {
        mistakes.add(
            &format!("{path}.channel_types"),
            "Only menus of channels have types",
        );
    }
    if component["type"] != 3 {
        return;
    }
    let options = items(&component["options"]);
    if options.is_empty() || options.len() > 25 {
        mistakes.add(
            &format!("{path}.options"),
            "Must be between 1 and 25 in length.",
        );
    }
    for (index, option) in options.iter().enumerate() {
        let path = format!("{path}.options.{index}");
        mistakes.length(&format!("{path}.label"), &option["label"], 1, 100);
        mistakes.length(&format!("{path}.value"), &option["value"], 1, 100);
        mistakes.length(
            &format!("{path}.description"),
            &option["description"],
            0,
            100,
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_must_keep_its_limits() {
        let button = |id: &str| json!({ "type": 2, "style": 1, "label": "Go", "custom_id": id });
        let row = |buttons: Vec<Value>| json!({ "type": 1, "components": buttons });
        for (body, path) in [
            (json!({ "content": "x".repeat(2000) }), None),
            (json!({ "content": "ä".repeat(2001) }), Some("content")),
            (json!({}), Some("content")),
            (
                json!({ "embeds": [{ "title": "x".repeat(257) }] }),
                Some("embeds.0.title"),
            ),
            (
                json!({ "embeds": [{ "description": "x".repeat(4097) }] }),
                Some("embeds.0.description"),
            ),
            (
                json!({ "embeds": [{ "fields": [{ "name": "a", "value": "" }] }] }),
                Some("embeds.0.fields.0.value"),
            ),
            (
                json!({ "embeds": vec![json!({ "description": "x".repeat(3001) }); 2] }),
                Some("embeds"),
            ),
            (
                json!({ "embeds": vec![json!({ "title": "x" }); 11] }),
                Some("embeds"),
            ),
            (
                json!({ "content": "x", "components": [row(vec![button("a"), button("a")])] }),
                Some("components.0.components.1"),
            ),
            (
                json!({ "content": "x", "components": [row(vec![button(&"a".repeat(101))])] }),
                Some("components.0.components.0.custom_id"),
            ),
            (
                json!({ "content": "x", "components": [row((0..6).map(|id| button(&id.to_string())).collect())] }),
                Some("components.0"),
            ),
            (
                json!({ "content": "x", "components": [row(vec![button("a")])] }),
                None,
            ),
        ] {
            let mistakes = message(&body, false);
            assert_eq!(
                mistakes.first().map(|mistake| mistake.path.as_str()),
                path,
                "{body}"
            );
        }
        assert_eq!(message(&json!({}), true), []);
    }

    #[test]
    fn a_list_of_files_must_keep_its_limits() {
        let file = |number: u64| NewFile {
            number,
            name: "a.png".to_owned(),
            content: Vec::new(),
        };
        let entry = |length: usize| json!([{ "id": 0, "description": "ä".repeat(length) }]);
        let files: Vec<NewFile> = (0..10).map(file).collect();
        for (list, files, path) in [
            (entry(1024), &files[..1], None),
            (entry(1025), &files[..1], Some("attachments.0.description")),
            (json!([{ "id": 1 }]), &files[..1], Some("attachments.0.id")),
            (json!([{ "id": "7" }]), &[], Some("attachments.0.id")),
            (json!([{ "id": "51" }]), &[], None),
            (json!([]), &files[..], None),
            (
                json!((0..11).map(|_| json!({ "id": 0 })).collect::<Vec<_>>()),
                &files[..],
                Some("attachments"),
            ),
        ] {
            let mut present = Attachments::default();
            present.apply(50, &json!({}), vec![file(0)]);
            let body = json!({ "attachments": list });
            let mistakes = attachments(&body, files, &present);
            let found = mistakes.first().map(|mistake| mistake.path.as_str());
            assert_eq!(found, path, "{body}");
        }
    }

    #[test]
    fn only_a_menu_of_channels_has_channel_types() {
        let menu = |kind: u64, types: Value| {
            let menu = json!({ "type": kind, "custom_id": "a", "channel_types": types });
            message(
                &json!({ "content": "x", "components": [{ "type": 1, "components": [menu] }] }),
                false,
            )
        };
        assert_eq!(menu(8, json!([0, 5])), []);
        assert_eq!(menu(8, Value::Null), []);
        assert_eq!(menu(6, Value::Null), []);
        for wrong in [menu(8, json!([99])), menu(6, json!([0]))] {
            assert_eq!(wrong[0].path, "components.0.components.0.channel_types");
        }
    }
}
