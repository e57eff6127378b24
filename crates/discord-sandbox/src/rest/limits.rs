//! Checks Discord's limits on what a bot sends: lengths, counts, names. Violations are refused as Discord refuses them.
//!
//! Sources: the API reference's pages on commands, messages and components, and the public OpenAPI description.

use std::collections::BTreeSet;

use serde_json::Value;

/// A path in the body and the error there, as in the `errors` of code 50035.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub path: String,
    pub message: String,
}

/// The mistakes found so far.
#[derive(Debug, Default)]
struct Mistakes(Vec<Mistake>);

impl Mistakes {
    fn add(&mut self, path: &str, message: impl Into<String>) {
        self.0.push(Mistake {
            path: path.to_owned(),
            message: message.into(),
        });
    }

    /// Requires a text of `least` to `most` characters, which may be absent if `least` is 0. Returns its length.
    fn length(&mut self, path: &str, value: &Value, least: usize, most: usize) -> usize {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if length < least || length > most {
            self.add(
                path,
                format!("Must be between {least} and {most} in length."),
            );
        }
        length
    }

    fn count(&mut self, path: &str, value: &Value, most: usize) {
        if items(value).len() > most {
            self.add(path, format!("Must be {most} or fewer in length."));
        }
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Checks a list of commands, as in a bulk overwrite.
pub(crate) fn commands(commands: &Value) -> Vec<Mistake> {
    let mut mistakes = Mistakes::default();
    mistakes.count("commands", commands, 100);
    let mut names = BTreeSet::new();
    for (index, command) in items(commands).iter().enumerate() {
        if !names.insert(command["name"].as_str().unwrap_or_default()) {
            mistakes.add(
                &format!("{index}.name"),
                "Application command names must be unique",
            );
        }
        option(&mut mistakes, &index.to_string(), command);
        if whole_length(command) > 8000 {
            mistakes.add(&index.to_string(), "Command exceeds maximum size (8000)");
        }
    }
    mistakes.0
}

/// Length of the names, descriptions and choices of a command with everything below it, in characters.
fn whole_length(part: &Value) -> usize {
    let own: usize = ["name", "description", "value"]
        .iter()
        .filter_map(|key| part[*key].as_str())
        .map(|text| text.chars().count())
        .sum();
    let below = items(&part["options"])
        .iter()
        .chain(items(&part["choices"]));
    own + below.map(whole_length).sum::<usize>()
}

/// Checks a command or one of its options: both have a name, a description and options.
fn option(mistakes: &mut Mistakes, path: &str, option_value: &Value) {
    let name = option_value["name"].as_str().unwrap_or_default();
    let is_letter = |letter: char| {
        letter == '-' || letter == '_' || (letter.is_alphanumeric() && !letter.is_uppercase())
    };
    if !(1..=32).contains(&name.chars().count()) || !name.chars().all(is_letter) {
        mistakes.add(&format!("{path}.name"), "Command name is invalid");
    }
    mistakes.length(
        &format!("{path}.description"),
        &option_value["description"],
        1,
        100,
    );
    mistakes.count(&format!("{path}.options"), &option_value["options"], 25);
    mistakes.count(&format!("{path}.choices"), &option_value["choices"], 25);
    if option_value["autocomplete"] == true && !items(&option_value["choices"]).is_empty() {
        mistakes.add(
            &format!("{path}.autocomplete"),
            "Autocomplete cannot be set with choices",
        );
    }
    for (index, choice) in items(&option_value["choices"]).iter().enumerate() {
        mistakes.length(
            &format!("{path}.choices.{index}.name"),
            &choice["name"],
            1,
            100,
        );
        mistakes.length(
            &format!("{path}.choices.{index}.value"),
            &choice["value"],
            0,
            100,
        );
    }
    let mut names = BTreeSet::new();
    let mut is_optional = false;
    for (index, inner) in items(&option_value["options"]).iter().enumerate() {
        let path = format!("{path}.options.{index}");
        if !names.insert(inner["name"].as_str().unwrap_or_default()) {
            mistakes.add(&path, "Option names must be unique");
        }
        let is_required = inner["required"] == true;
        if is_required && is_optional {
            mistakes.add(
                &path,
                "Required options must be placed before non-required options",
            );
        }
        is_optional |= !is_required;
        option(mistakes, &path, inner);
    }
}

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

    fn command(change: impl FnOnce(&mut Value)) -> Value {
        let mut command = json!({ "name": "ping", "description": "Pong", "options": [
            { "type": 3, "name": "a", "description": "A", "required": true },
            { "type": 3, "name": "b", "description": "B" },
        ]});
        change(&mut command);
        json!([command])
    }

    #[test]
    fn a_valid_command_passes_and_each_invalid_one_is_reported() {
        assert_eq!(commands(&command(|_| {})), []);
        type Break = fn(&mut Value);
        let broken: [(Break, &str); 8] = [
            (|it| it["name"] = json!("Ping"), "0.name"),
            (|it| it["name"] = json!("x".repeat(33)), "0.name"),
            (
                |it| it["description"] = json!("x".repeat(101)),
                "0.description",
            ),
            (|it| it["description"] = json!(""), "0.description"),
            (|it| it["options"][1]["name"] = json!("a"), "0.options.1"),
            (|it| it["options"][0]["required"] = json!(false), ""),
            (
                |it| {
                    it["options"][0]["choices"] =
                        json!(vec![json!({"name": "x", "value": "y"}); 26]);
                },
                "0.options.0.choices",
            ),
            (
                |it| {
                    it["options"][0]["required"] = json!(false);
                    it["options"][1]["required"] = json!(true);
                },
                "0.options.1",
            ),
        ];
        for (index, (break_it, path)) in broken.into_iter().enumerate() {
            let mistakes = commands(&command(break_it));
            let paths: Vec<&str> = mistakes
                .iter()
                .map(|mistake| mistake.path.as_str())
                .collect();
            if path.is_empty() {
                assert!(paths.is_empty());
            } else {
                assert_eq!(paths, [path], "case {index}");
            }
        }
    }

    #[test]
    fn two_commands_cannot_share_a_name() {
        let one = &command(|_| {})[0];
        assert_eq!(commands(&json!([one, one]))[0].path, "1.name");
    }

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
