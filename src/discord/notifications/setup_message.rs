//! The messages in channels that belong to the setup of a guild: the welcome, the announcement of alerts, and the test alert.

use poise::serenity_prelude as serenity;
use serde_json::{Value, json};
use serenity::{ButtonStyle, CreateActionRow, CreateEmbed};

use crate::discord::notifications::{message_body, texts};
use crate::discord::ui::custom_id::Button;
use crate::discord::ui::reply::Message;
use crate::discord::ui::setup_button::SetupButton;
use crate::notify::messenger::SetupMessage;

/// The request body of a message. It mentions nobody.
pub(super) fn body(message: &SetupMessage) -> Value {
    let mut body = message_body::body(shown(message), None);
    if let SetupMessage::Welcome { nonce } = message {
        body["nonce"] = json!(nonce);
        body["enforce_nonce"] = json!(true);
    }
    body
}

fn shown(message: &SetupMessage) -> Message {
    let embed = |title: &str, text: String| {
        Message::embed(CreateEmbed::new().title(title).description(text))
    };
    match message {
        SetupMessage::AlertsStart => {
            embed(texts::TEST_MESSAGE_TITLE, texts::TEST_MESSAGE.to_owned())
        }
        SetupMessage::TestAlert(role) => embed(texts::TEST_ALERT_TITLE, texts::test_alert(*role)),
        SetupMessage::SummariesStart { times, zone } => embed(
            texts::SUMMARIES_TITLE,
            texts::summaries_start(*times, *zone),
        ),
        SetupMessage::Welcome { .. } => {
            let mut message = embed(texts::WELCOME_TITLE, texts::WELCOME.to_owned());
            let start = Button::Setup(SetupButton::Start);
            message.rows = vec![CreateActionRow::Buttons(vec![
                start.with_label(texts::SET_UP, ButtonStyle::Primary),
            ])];
            message
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::RoleId;
    use crate::domain::history::summary::schedule::{SummaryDay, SummaryTimes};
    use crate::domain::silences::maintenance::Tz;

    #[test]
    fn the_messages_of_the_setup_mention_nobody() {
        let nonce = "w1".to_owned();
        for message in [
            SetupMessage::AlertsStart,
            SetupMessage::TestAlert(Some(RoleId(7))),
            SetupMessage::Welcome { nonce },
            SetupMessage::SummariesStart {
                times: SummaryTimes::new(SummaryDay::Every, 0).unwrap(),
                zone: Tz::UTC,
            },
        ] {
            let body = body(&message);
            assert_eq!(body["allowed_mentions"], json!({ "parse": [] }), "{body}");
            assert_eq!(body["content"], "", "{body}");
        }
    }

    #[test]
    fn only_the_welcome_has_a_button_and_is_posted_once_per_nonce() {
        let welcome = body(&SetupMessage::Welcome { nonce: "w1".into() });
        let button = &welcome["components"][0]["components"][0];
        assert_eq!(
            (&button["label"], &button["custom_id"]),
            (&json!("Set up"), &json!("setup"))
        );
        assert_eq!(
            (&welcome["nonce"], &welcome["enforce_nonce"]),
            (&json!("w1"), &json!(true))
        );
        let test = body(&SetupMessage::TestAlert(None));
        assert_eq!(
            (&test["components"], &test["nonce"]),
            (&json!([]), &Value::Null)
        );
    }
}
