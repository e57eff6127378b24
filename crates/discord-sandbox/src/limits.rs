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
    for (index, row) in items(&modal["components"]).iter().enumerate() {
        let input = &row["components"][0];
        mistakes.length(
            &format!("data.components.{index}.label"),
            &input["label"],
            1,
            45,
        );
        mistakes.length(
            &format!("data.components.{index}.custom_id"),
            &input["custom_id"],
            1,
            100,
        );
    }
    mistakes.0
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
