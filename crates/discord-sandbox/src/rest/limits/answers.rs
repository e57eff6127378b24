//! The limits of answers that are no messages: the choices of an autocomplete, and modals.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Mistake, Mistakes, items};

/// Checks the choices of an autocomplete answer.
pub(crate) fn choices(choices: &Value) -> Vec<Mistake> {
    let mut mistakes = Mistakes::default();
    mistakes.count("data.choices", choices, 25);
    for (index, choice) in items(choices).iter().enumerate() {
        mistakes.length(
            &format!("data.choices.{index}.name"),
            &choice["name"],
            1,
            100,
        );
        if choice["value"].is_string() {
            mistakes.length(
                &format!("data.choices.{index}.value"),
                &choice["value"],
                1,
                100,
            );
        }
    }
    mistakes.0
}

/// Checks a modal.
pub(crate) fn modal(modal: &Value) -> Vec<Mistake> {
    let mut mistakes = Mistakes::default();
    mistakes.length("data.title", &modal["title"], 1, 45);
    mistakes.length("data.custom_id", &modal["custom_id"], 1, 100);
    mistakes.count("data.components", &modal["components"], 5);
    let mut ids = BTreeSet::new();
    for (index, row) in items(&modal["components"]).iter().enumerate() {
        let path = format!("data.components.{index}");
        let [input] = items(&row["components"]) else {
            mistakes.add(&path, "A row of a modal holds one text input");
            continue;
        };
        text_input(&mut mistakes, &path, input);
        if !ids.insert(input["custom_id"].as_str().unwrap_or_default()) {
            mistakes.add(&path, "Component custom id cannot be duplicated");
        }
    }
    if ids.is_empty() {
        mistakes.add("data.components", "Must be between 1 and 5 in length.");
    }
    mistakes.0
}

/// Checks a text input of a modal.
fn text_input(mistakes: &mut Mistakes, path: &str, input: &Value) {
    if input["type"] != 4 {
        mistakes.add(path, "A row of a modal holds one text input");
    }
    if !matches!(input["style"].as_u64(), Some(1 | 2)) {
        mistakes.add(&format!("{path}.style"), "Value must be one of {1, 2}.");
    }
    mistakes.length(&format!("{path}.label"), &input["label"], 1, 45);
    mistakes.length(&format!("{path}.custom_id"), &input["custom_id"], 1, 100);
    mistakes.length(
        &format!("{path}.placeholder"),
        &input["placeholder"],
        0,
        100,
    );
    let most = input["max_length"].as_u64().unwrap_or(4_000);
    if !(1..=4_000).contains(&most) {
        mistakes.add(&format!("{path}.max_length"), "Must be between 1 and 4000.");
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    mistakes.length(&format!("{path}.value"), &input["value"], 0, most);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_modal_holds_text_inputs_within_their_limits() {
        let form = |change: fn(&mut Value)| {
            let mut input =
                json!({ "type": 4, "custom_id": "a", "style": 1, "label": "A", "max_length": 5 });
            change(&mut input);
            let row = json!({ "type": 1, "components": [input] });
            modal(&json!({ "title": "T", "custom_id": "form", "components": [row] }))
        };
        assert_eq!(form(|_| {}), []);
        type Break = fn(&mut Value);
        let broken: [(Break, &str); 6] = [
            (|it| it["type"] = json!(8), ""),
            (|it| it["style"] = json!(3), ".style"),
            (|it| it["label"] = json!("x".repeat(46)), ".label"),
            (|it| it["value"] = json!("123456"), ".value"),
            (
                |it| it["placeholder"] = json!("x".repeat(101)),
                ".placeholder",
            ),
            (|it| it["max_length"] = json!(4_001), ".max_length"),
        ];
        for (break_it, part) in broken {
            let path = format!("data.components.0{part}");
            assert_eq!(form(break_it)[0].path, path);
        }
        let empty = modal(&json!({ "title": "T", "custom_id": "form", "components": [] }));
        assert_eq!(empty[0].path, "data.components");
    }

    #[test]
    fn choices_and_modals_have_limits_too() {
        assert_eq!(
            choices(&json!(vec![json!({ "name": "a", "value": "b" }); 26]))[0].path,
            "data.choices"
        );
        assert_eq!(
            choices(&json!([{ "name": "x".repeat(101), "value": "b" }]))[0].path,
            "data.choices.0.name"
        );
        assert_eq!(
            modal(&json!({ "title": "x".repeat(46), "custom_id": "a" }))[0].path,
            "data.title"
        );
    }
}
