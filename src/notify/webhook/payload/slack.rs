//! The format `slack`: Slack's incoming webhooks, which Mattermost and Rocket.Chat accept, too.
//!
//! Slack shows the blocks, and uses the text for notifications. Mattermost and Rocket.Chat show the text, as Markdown. So the
//! name of a monitor must be harmless in all three.

use serde_json::{Value, json};

use super::people::{self, Style};
use super::{TEST_SENTENCE, link};
use crate::domain::text;
use crate::notify::transport::CurrentIncident;
use crate::notify::wording;

/// Slack's limit for a header, in characters.
const HEADER: usize = 150;

pub(super) fn of_test() -> Value {
    json!({ "text": TEST_SENTENCE })
}

pub(super) fn of_incident(current: &CurrentIncident) -> Value {
    let style = Style {
        escape,
        code: |target| format!("`{}`", escape_markup(target).replace('`', "'")),
        when: |at| format!("at {}", text::minute(at)),
    };
    let lines = people::lines(current, &style);
    let title = wording::title(&current.incident, escape);
    let plain_title = wording::title(&current.incident, people::plain);
    let link = format!("<{}|Open in Discord>", link(current));
    let plain_title = text::cut(&plain_title, HEADER);
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": plain_title, "emoji": false },
    })];
    // Slack rejects an empty section. `verbatim`: names of channels and people are not turned into mentions.
    if !lines.is_empty() {
        blocks.push(json!({
            "type": "section",
            "text": { "type": "mrkdwn", "text": lines, "verbatim": true },
        }));
    }
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": link }] }));
    let parts = [title, lines, link];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    json!({ "text": parts.join("\n"), "blocks": blocks })
}

/// Escapes the three characters that Slack's links and mentions consist of.
fn escape_markup(text: &str) -> String {
    people::plain(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The same, and takes the effect of mentions (`@all`) and links of Mattermost and Rocket.Chat with an invisible space.
fn escape(text: &str) -> String {
    escape_markup(text)
        .replace('@', "@\u{200b}")
        .replace("](", "]\u{200b}(")
        .replace("://", ":\u{200b}//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_and_links_in_names_have_no_effect() {
        for (name, escaped) in [
            ("shop", "shop"),
            ("<!here> & co", "&lt;!here&gt; &amp; co"),
            ("@all", "@\u{200b}all"),
            ("a@channel@here", "a@\u{200b}channel@\u{200b}here"),
            (
                "[free](https://evil.example)",
                "[free]\u{200b}(https:\u{200b}//evil.example)",
            ),
            ("@\u{200b}\u{200b}here", "@\u{200b}here"),
        ] {
            assert_eq!(escape(name), escaped);
        }
    }
}
