//! Forms: what a member types into the inputs of a form that the bot has opened.

use std::fmt;

use serde_json::{Value, json};

use super::As;
use super::sending::{Act, FORM};
use crate::people::slash::SlashError;
use crate::reply::Reply;
use crate::world::Answer;

/// A form that the bot has opened.
#[derive(Clone, Debug)]
pub struct Form {
    body: Value,
    /// The message whose button opened it.
    message: Option<u64>,
}

/// An input that Discord's client would not submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormError {
    pub custom_id: String,
    pub label: String,
    pub why: String,
}

impl fmt::Display for FormError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.label, self.why)
    }
}

impl std::error::Error for FormError {}

impl Form {
    pub(crate) fn new(body: Value, message: Option<u64>) -> Self {
        Self { body, message }
    }

    /// Its inputs, each with its label, its custom id and its value.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Value> {
        let rows = self.body["components"].as_array().into_iter().flatten();
        rows.map(|row| &row["components"][0])
    }

    pub fn title(&self) -> &str {
        self.body["title"].as_str().unwrap_or_default()
    }

    /// What an input is filled in with, by its label.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn value(&self, label: &str) -> &str {
        match self.input(label) {
            Some(input) => input["value"].as_str().unwrap_or_default(),
            None => panic!("the form {} has no input {label}", self.title()),
        }
    }

    fn input(&self, label: &str) -> Option<&Value> {
        self.inputs().find(|input| input["label"] == label)
    }

    /// The submission of the form. `typed` holds texts by custom id; other inputs keep what they are filled in with.
    pub(crate) fn submission(&self, typed: &[(&str, &str)]) -> Result<Act, Vec<FormError>> {
        let mut errors = Vec::new();
        let mut rows = Vec::new();
        for input in self.inputs() {
            let custom_id = input["custom_id"].as_str().unwrap_or_default();
            let found = typed.iter().find(|(of, _)| *of == custom_id);
            let text = found.map_or_else(
                || input["value"].as_str().unwrap_or_default(),
                |(_, text)| *text,
            );
            if let Err(why) = check(input, text) {
                errors.push(FormError {
                    custom_id: custom_id.to_owned(),
                    label: input["label"].as_str().unwrap_or_default().to_owned(),
                    why,
                });
            }
            rows.push(json!({ "type": 1, "id": 1, "components": [
                { "type": 4, "id": 2, "custom_id": custom_id, "value": text },
            ]}));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let data = json!({ "custom_id": self.body["custom_id"], "components": rows });
        Ok(Act {
            kind: FORM,
            data,
            message: self.message,
        })
    }
}

impl As<'_> {
    /// Presses a button that opens a form.
    ///
    /// # Panics
    /// If there is no such button, or the bot opens no form.
    pub async fn open_form(&self, reply: &Reply, button: &str) -> Form {
        match self.try_open_form(reply, button).await {
            Ok(form) => form,
            Err(error) => panic!("{button}: {error} in {}", reply.render()),
        }
    }

    /// Presses a button that opens a form.
    ///
    /// # Errors
    /// If there is no such button, or the bot does not open a form in time.
    pub async fn try_open_form(&self, reply: &Reply, button: &str) -> Result<Form, SlashError> {
        let act = self.press_of(reply, button)?;
        match self.begin(act).await?.1 {
            Answer::Modal(body) => Ok(Form::new(body, Some(reply.message_id))),
            _ => Err(SlashError::BadChoice("it opened no form".to_owned())),
        }
    }

    /// Types into the inputs of a form, by their labels, submits it and waits for the reply. Other inputs keep what they are
    /// filled in with.
    ///
    /// # Panics
    /// If there is no such input, if Discord's client would not submit the form, or if no reply comes.
    pub async fn submit(&self, form: &Form, typed: &[(&str, &str)]) -> Reply {
        match self.try_submit(form, typed).await {
            Ok(reply) => reply,
            Err(error) => panic!("{}: {error}", form.title()),
        }
    }

    /// Types into the inputs of a form, by their labels, submits it and waits for the reply.
    ///
    /// # Errors
    /// If there is no such input, if Discord's client would not submit the form, or if no reply comes.
    pub async fn try_submit(
        &self,
        form: &Form,
        typed: &[(&str, &str)],
    ) -> Result<Reply, SlashError> {
        let mut by_id = Vec::new();
        for (label, text) in typed {
            let input = form
                .input(label)
                .ok_or_else(|| SlashError::BadOption(format!("the form has no input {label}")))?;
            by_id.push((input["custom_id"].as_str().unwrap_or_default(), *text));
        }
        let act = form.submission(&by_id).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(FormError::to_string).collect();
            SlashError::BadOption(all.join("; "))
        })?;
        self.interact(act).await
    }
}

/// Whether Discord's client would submit this text.
fn check(input: &Value, text: &str) -> Result<(), String> {
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let is_required = input["required"] != false;
    let least = input["min_length"]
        .as_u64()
        .unwrap_or(u64::from(is_required));
    let most = input["max_length"].as_u64().unwrap_or(4_000);
    let is_omitted = length == 0 && !is_required;
    if is_omitted || (least..=most).contains(&length) {
        return Ok(());
    }
    if length == 0 {
        return Err("This field is required".to_owned());
    }
    Err(format!("Must be between {least} and {most} in length."))
}
