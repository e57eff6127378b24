//! The bodies of messages in channels: which responder they mention, and whether Discord shows what was sent.

use serde_json::{Value, json};

use crate::discord::ui::reply::Message;
use crate::domain::notifications::alert_policy::Responder;

/// The request body of a message, which mentions only this one role or user, by id.
pub(super) fn body(message: Message, mention: Option<Responder>) -> Value {
    let mut body = json!({
        "content": message.content, "embeds": message.embeds, "components": message.rows,
        "allowed_mentions": { "parse": [] },
    });
    if let Some(responder) = mention {
        add_mention(&mut body, responder);
    }
    body
}

pub(super) fn add_mention(body: &mut Value, responder: Responder) {
    let (content, mentions) = match responder {
        Responder::Role(id) => (
            format!("<@&{id}>"),
            json!({ "parse": [], "roles": [id.to_string()] }),
        ),
        Responder::User(id) => (
            format!("<@{id}>"),
            json!({ "parse": [], "users": [id.to_string()] }),
        ),
    };
    body["content"] = content.into();
    body["allowed_mentions"] = mentions;
}

/// Whether Discord's answer shows the embeds that were sent. It shows others if it has had this nonce before.
pub(super) fn is_shown(sent: &Value, answer: &Value) -> bool {
    let texts = |body: &Value| -> Option<Vec<String>> {
        let embeds = body["embeds"].as_array()?;
        let fields = embeds
            .iter()
            .flat_map(|embed| embed["fields"].as_array().into_iter().flatten())
            .map(|field| &field["value"]);
        let heads = embeds
            .iter()
            .flat_map(|embed| [&embed["title"], &embed["description"]]);
        // Discord cuts white space at both ends.
        let trimmed = |text: &Value| text.as_str().unwrap_or_default().trim().to_owned();
        Some(heads.chain(fields).map(trimmed).collect())
    };
    texts(answer).is_none_or(|shown| Some(shown) == texts(sent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::{RoleId, UserId};

    #[test]
    fn an_answer_that_shows_something_else_is_noticed() {
        let embed = |title: &str, value: &str| json!({ "embeds": [{ "title": title, "description": "text\n", "fields": [{ "name": "n", "value": value }] }] });
        let sent = embed("a", "b");
        for (answer, is_the_same) in [
            (embed("a", "b"), true),
            (embed(" a", "b "), true),
            (embed("c", "b"), false),
            (embed("a", "c"), false),
            (json!({ "embeds": [] }), false),
            (json!({ "id": "1" }), true),
        ] {
            assert_eq!(is_shown(&sent, &answer), is_the_same, "{answer}");
        }
    }

    #[test]
    fn only_the_given_responder_is_mentioned() {
        let message = || Message::sentence("@everyone");
        let without_mention = body(message(), None);
        assert_eq!(without_mention["allowed_mentions"], json!({ "parse": [] }));
        assert_eq!(
            without_mention["content"], "@everyone",
            "plain text, because mentions are off"
        );
        let user = body(message(), Some(Responder::User(UserId(8))));
        assert_eq!(
            user["allowed_mentions"],
            json!({ "parse": [], "users": ["8"] })
        );
        let role = body(message(), Some(Responder::Role(RoleId(7))));
        assert_eq!(
            role["allowed_mentions"],
            json!({ "parse": [], "roles": ["7"] })
        );
        assert_eq!(role["content"], "<@&7>");
    }
}
