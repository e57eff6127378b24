//! The format `template`: a message that the guild writes itself, as JSON with placeholders. It covers ntfy, Gotify, Telegram,
//! PagerDuty and whatever else accepts JSON; docs/webhooks.md has an example for each.
//!
//! Placeholders are replaced inside JSON texts only, so no name of a monitor can change what the message consists of. A
//! template may hold the receiver's key: it is a secret like the URL.

use std::fmt;

use serde_json::{Value, json};

use super::people::{self, Style};
use super::{IncidentChange, TEST_SENTENCE, event_type, link};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::webhook::EventType;
use crate::domain::text;
use crate::notify::transport::CurrentIncident;
use crate::notify::wording;
use crate::store::notifications::webhook::Webhook;

/// Maximum characters of a template.
pub const LONGEST: usize = 2_000;

/// The placeholders, in the order in which they are documented.
pub const PLACEHOLDERS: [&str; 9] = [
    "title", "text", "link", "incident", "event", "action", "severity", "priority", "time",
];

/// Why a template cannot be used. Does not repeat it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the template must have at most {LONGEST} characters")]
    TooLong,
    #[error("the template must be a JSON object, such as `{{\"message\":\"{{{{title}}}}\"}}`: {0}")]
    NotJson(String),
    #[error("the placeholder `{{{{{0}}}}}` is unknown. Known are {known}", known = known())]
    Unknown(String),
}

fn known() -> String {
    PLACEHOLDERS
        .map(|name| format!("`{{{{{name}}}}}`"))
        .join(", ")
}

/// A template that has been checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Template(Value);

impl fmt::Debug for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Template")
    }
}

/// The template of a webhook.
pub(super) fn of_webhook(webhook: &Webhook) -> Result<Template, String> {
    let text = webhook.template.as_deref().unwrap_or_default();
    Template::parse(text).map_err(|error| error.to_string())
}

impl Template {
    /// Reads and checks a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.chars().count() > LONGEST {
            return Err(TemplateError::TooLong);
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            TemplateError::NotJson(format!(
                "it is invalid in line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        if !value.is_object() {
            return Err(TemplateError::NotJson("it is something else".into()));
        }
        check(&value)?;
        Ok(Self(value))
    }

    pub(super) fn of_test(&self, guild: GuildId, now: Timestamp) -> Value {
        self.fill(&Values {
            title: TEST_SENTENCE.to_owned(),
            text: TEST_SENTENCE.to_owned(),
            link: guild.link(),
            incident: "0".to_owned(),
            event: EventType::Test,
            // Alarms that nobody opened can be closed, so a test wakes nobody.
            state: AlertState::Resolved,
            now,
        })
    }

    pub(super) fn of_incident(&self, current: &CurrentIncident, now: Timestamp) -> Value {
        let incident = &current.incident;
        let change = IncidentChange::of(incident, current.delivered_revision > 0);
        let style = Style {
            escape: people::plain,
            code: people::plain,
            when: |at| format!("at {}", text::minute(at)),
        };
        let state = match (&incident.kind, change) {
            (_, IncidentChange::Resolved) => AlertState::Resolved,
            (NotificationKind::Incident, _) => AlertState::Open,
            _ => AlertState::Noted,
        };
        let title = wording::title(incident, people::plain);
        // Some receivers reject an empty text.
        let lines = people::lines(current, &style);
        self.fill(&Values {
            text: if lines.is_empty() {
                title.clone()
            } else {
                lines
            },
            title,
            link: link(current),
            incident: incident.id.0.to_string(),
            event: event_type(incident, change),
            state,
            now,
        })
    }

    fn fill(&self, values: &Values) -> Value {
        filled(&self.0, values)
    }
}

/// The state of what a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AlertState {
    Open,
    Resolved,
    /// Neither: a fact that the guild must know.
    Noted,
}

/// What the placeholders stand for.
struct Values {
    title: String,
    text: String,
    link: String,
    incident: String,
    event: EventType,
    state: AlertState,
    now: Timestamp,
}

impl Values {
    fn of(&self, name: &str) -> Option<Value> {
        let (action, severity, priority) = match self.state {
            AlertState::Open => ("trigger", "critical", 5),
            AlertState::Resolved => ("resolve", "info", 3),
            AlertState::Noted => ("trigger", "warning", 4),
        };
        Some(match name {
            "title" => json!(self.title),
            "text" => json!(self.text),
            "link" => json!(self.link),
            "incident" => json!(self.incident),
            "event" => json!(self.event.as_str()),
            "action" => json!(action),
            "severity" => json!(severity),
            "priority" => json!(priority),
            "time" => json!(text::timestamp(self.now)),
            _ => return None,
        })
    }
}

/// Fails at the first unknown placeholder.
fn check(value: &Value) -> Result<(), TemplateError> {
    match value {
        Value::String(text) => match pieces(text).find(|piece| piece.is_unknown()) {
            Some(Piece::Placeholder(name)) => Err(TemplateError::Unknown(text::cut(name, 50))),
            _ => Ok(()),
        },
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => fields.values().try_for_each(check),
        _ => Ok(()),
    }
}

fn filled(value: &Value, values: &Values) -> Value {
    match value {
        Value::String(text) => filled_text(text, values),
        Value::Array(items) => items.iter().map(|item| filled(item, values)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (name.clone(), filled(value, values)))
                .collect()
        }
        other => other.clone(),
    }
}

/// A text that is one placeholder becomes its value, which may be a number; in others, values are text.
fn filled_text(text: &str, values: &Values) -> Value {
    let all: Vec<Piece<'_>> = pieces(text).collect();
    if let [Piece::Placeholder(only)] = all[..]
        && let Some(value) = values.of(only)
    {
        return value;
    }
    let mut filled = String::new();
    for piece in all {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Placeholder(name) => match values.of(name) {
                Some(Value::String(value)) => filled.push_str(&value),
                Some(value) => filled.push_str(&value.to_string()),
                None => {}
            },
        }
    }
    filled.into()
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// What stands between `{{` and `}}`.
    Placeholder(&'a str),
}

impl Piece<'_> {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Placeholder(name) if !PLACEHOLDERS.contains(name))
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.find("{{");
        let end = start.and_then(|start| Some(start + rest.get(start..)?.find("}}")?));
        let piece = match (start, end) {
            (Some(0), Some(end)) => {
                let name = rest.get(2..end).unwrap_or_default();
                rest = rest.get(end + 2..).unwrap_or_default();
                return Some(Piece::Placeholder(name.trim()));
            }
            (Some(start), Some(_)) => start,
            _ => rest.len(),
        };
        let (text, after) = rest.split_at(piece);
        rest = after;
        Some(Piece::Text(text))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(title: &str) -> Values {
        Values {
            title: title.to_owned(),
            text: "https://shop.example.org/ went offline".to_owned(),
            link: "https://discord.com/channels/1".to_owned(),
            incident: "12".to_owned(),
            event: EventType::IncidentOpened,
            state: AlertState::Open,
            now: Timestamp::from_millis(1_700_000_000_000),
        }
    }

    fn fill(template: &str, title: &str) -> String {
        let template = Template::parse(template).unwrap();
        template.fill(&values(title)).to_string()
    }

    #[test]
    fn placeholders_are_replaced_in_texts_only() {
        for (template, filled) in [
            (r#"{"m":"{{title}}"}"#, r#"{"m":"a \"b\""}"#),
            (
                r#"{"m":"{{ title }}: {{text}}"}"#,
                r#"{"m":"a \"b\": https://shop.example.org/ went offline"}"#,
            ),
            (r#"{"n":"{{priority}}"}"#, r#"{"n":5}"#),
            (r#"{"n":"priority {{priority}}"}"#, r#"{"n":"priority 5"}"#),
            (
                r#"{"a":[{"{{title}}":1}],"b":true}"#,
                r#"{"a":[{"{{title}}":1}],"b":true}"#,
            ),
            (
                r#"{"m":"{{action}} {{severity}} {{event}} {{incident}}"}"#,
                r#"{"m":"trigger critical incident.opened 12"}"#,
            ),
            (r#"{"m":"{ {} }} {{"}"#, r#"{"m":"{ {} }} {{"}"#),
            (
                r#"{"m":"{{link}}","t":"{{time}}"}"#,
                r#"{"m":"https://discord.com/channels/1","t":"2023-11-14T22:13:20Z"}"#,
            ),
        ] {
            assert_eq!(fill(template, "a \"b\""), filled, "{template}");
        }
    }

    #[test]
    fn an_unusable_template_is_explained_and_not_repeated() {
        let longest = |length: usize| format!(r#"{{"m":"{}"}}"#, "x".repeat(length - 8));
        assert!(Template::parse(&longest(LONGEST - 1)).is_ok());
        assert!(Template::parse(&longest(LONGEST)).is_ok());
        let too_long = longest(LONGEST + 1);
        let mut shown = Vec::new();
        for template in ["canary", "[]", r#"{"canary":"{{titel}}"}"#, &too_long, ""] {
            let error = Template::parse(template).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
            shown.push(error);
        }
        insta::assert_snapshot!(shown.join("\n"), @r#"
        the template must be a JSON object, such as `{"message":"{{title}}"}`: it is invalid in line 1, column 1
        the template must be a JSON object, such as `{"message":"{{title}}"}`: it is something else
        the placeholder `{{titel}}` is unknown. Known are `{{title}}`, `{{text}}`, `{{link}}`, `{{incident}}`, `{{event}}`, `{{action}}`, `{{severity}}`, `{{priority}}`, `{{time}}`
        the template must have at most 2000 characters
        the template must be a JSON object, such as `{"message":"{{title}}"}`: it is invalid in line 1, column 0
        "#);
    }

    #[test]
    fn every_placeholder_has_a_value() {
        for name in PLACEHOLDERS {
            assert!(values("").of(name).is_some(), "{name}");
        }
        assert_eq!(values("").of("titel"), None);
    }

    #[test]
    fn the_templates_of_the_page_about_webhooks_can_be_used() {
        let page = include_str!("../../../../docs/webhooks.md");
        let mut count = 0;
        for line in page.lines() {
            let Some((_, rest)) = line.split_once(" template:") else {
                continue;
            };
            let template = rest.trim_end_matches([' ', '|', '`']);
            let parsed = Template::parse(template);
            assert!(parsed.is_ok(), "{template}: {parsed:?}");
            count += 1;
        }
        assert_eq!(count, 4, "ntfy, Gotify, Telegram, PagerDuty");
    }

    proptest! {
        #[test]
        fn no_title_changes_what_a_message_consists_of(title in "\\PC*") {
            let filled = fill(r#"{"a":"{{title}}","b":"x{{title}}y"}"#, &title);
            let value: Value = serde_json::from_str(&filled).unwrap();
            prop_assert_eq!(value, json!({ "a": title, "b": format!("x{title}y") }));
        }
    }
}
