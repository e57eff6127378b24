//! The limits of commands: their names, descriptions, options and choices.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Mistake, Mistakes, items};

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
}
