//! The bodies of messages in channels: which responder they mention, and whether Discord shows what was sent.

use discord_gateway_relay::rest::{AttachedFile, CallBody};
use poise::serenity_prelude::CreateAttachment;
use serde_json::{Value, json};

use crate::discord::ui::reply::Message;
use crate::domain::notifications::alert_policy::Responder;
use crate::notify::picture::renderer::DescribedPicture;

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

/// The name of a picture.
const PICTURE: &str = "picture.png";

/// The body with a picture and files, which take the place of all that the message had; without any, the message keeps those.
pub(super) fn with_files(
    mut json: Value,
    picture: Option<&DescribedPicture>,
    files: Vec<CreateAttachment>,
) -> CallBody {
    let shown = picture.map(|picture| AttachedFile {
        name: PICTURE.to_owned(),
        bytes: picture.png.bytes.clone(),
    });
    let others = files.into_iter().map(|file| AttachedFile {
        name: file.filename,
        bytes: file.data,
    });
    let files: Vec<AttachedFile> = shown.into_iter().chain(others).collect();
    if !files.is_empty() {
        let named = files.iter().enumerate();
        let named = named.map(|(id, file)| json!({ "id": id, "filename": file.name }));
        json["attachments"] = named.collect();
        if let Some(picture) = picture {
            json["attachments"][0]["description"] = json!(picture.description);
        }
    }
    CallBody { json, files }
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

/// Whether Discord's answer shows the embeds and the files that were sent. It shows others if it has had this nonce before.
pub(super) fn is_shown(body: &CallBody, answer: &Value) -> bool {
    let has_files = answer["attachments"]
        .as_array()
        .is_none_or(|files| !files.is_empty());
    if !body.files.is_empty() && !has_files {
        return false;
    }
    let sent = &body.json;
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
    use std::sync::Arc;

    use super::*;
    use crate::domain::discord_id::{RoleId, UserId};
    use crate::notify::picture::png::PngPicture;

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
            let body = CallBody::from(sent.clone());
            assert_eq!(is_shown(&body, &answer), is_the_same, "{answer}");
        }
        let pictured = with_files(sent, Some(&picture()), Vec::new());
        let without = json!({ "embeds": pictured.json["embeds"], "attachments": [] });
        assert!(!is_shown(&pictured, &without));
        let with = json!({ "embeds": pictured.json["embeds"], "attachments": [{ "id": "1" }] });
        assert!(is_shown(&pictured, &with));
    }

    fn picture() -> DescribedPicture {
        DescribedPicture {
            png: Arc::new(PngPicture {
                bytes: vec![1],
                unreadable: Vec::new(),
            }),
            description: "Latency of shop.".to_owned(),
        }
    }

    #[test]
    fn a_picture_and_files_take_the_place_of_all_that_the_message_had() {
        let csv = || vec![CreateAttachment::bytes(vec![2], "summary.csv")];
        let entry =
            json!({ "id": 0, "filename": "picture.png", "description": "Latency of shop." });
        for (picture, files, listed) in [
            (Some(picture()), Vec::new(), json!([entry])),
            (
                Some(picture()),
                csv(),
                json!([entry, { "id": 1, "filename": "summary.csv" }]),
            ),
            (None, csv(), json!([{ "id": 0, "filename": "summary.csv" }])),
            (None, Vec::new(), Value::Null),
        ] {
            let body = with_files(json!({ "content": "x" }), picture.as_ref(), files);
            assert_eq!(body.json["attachments"], listed);
            assert_eq!(body.json["content"], "x");
            let names: Vec<&str> = body.files.iter().map(|file| &*file.name).collect();
            let listed = listed.as_array().into_iter().flatten();
            let listed: Vec<&str> = listed.filter_map(|one| one["filename"].as_str()).collect();
            assert_eq!(names, listed);
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
