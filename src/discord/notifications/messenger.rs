//! Sends notifications to Discord through REST calls of its own, separate from the replies to interactions. They stay within
//! Discord's rate limits and within stricter limits of Rollcall's own.

use discord_gateway_relay::rest::rate_limit::Route;
use discord_gateway_relay::rest::{CallError, LimitedRest, RestError, SendError};
use futures_util::future::BoxFuture;
use poise::serenity_prelude as serenity;
use reqwest::Method;
use serde_json::{Value, json};

use crate::discord::incidents::incident_card;
use crate::discord::notifications::{board_card, texts};
use crate::discord::ui::reply::Message;
use crate::domain::discord_id::{ChannelId, EventId, GuildId, MessageId, MessageRef, UserId};
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::silences::maintenance::TimeWindow;
use crate::domain::text;
use crate::notify::messenger::{Messenger, Place, Reminder, SendFailure};
use crate::store::incidents::incident::Incident;
use crate::store::notifications::board::BoardLine;

/// Discord's error codes for requests that cannot succeed.
const UNKNOWN_CHANNEL: u64 = 10_003;
const UNKNOWN_MESSAGE: u64 = 10_008;
const TOO_MANY_OLD_EDITS: u64 = 30_046;
const MISSING_ACCESS: u64 = 50_001;

/// The route of requests that do not belong to a channel.
const NO_CHANNEL: Route = Route {
    channel: 0,
    is_edit: false,
};

/// Discord's limit for a scheduled event's name, in characters, and its codes for the privacy level and the entity type.
const EVENT_NAME: usize = 100;
const GUILD_ONLY: u8 = 2;
const EXTERNAL: u8 = 3;

/// Posts and edits messages in channels.
#[derive(Debug)]
pub(in crate::discord) struct ChannelMessenger {
    rest: LimitedRest,
}

impl ChannelMessenger {
    pub(in crate::discord) fn new(rest: LimitedRest) -> Self {
        Self { rest }
    }

    async fn post(&self, channel: ChannelId, body: Value) -> Result<MessageRef, SendFailure> {
        let route = Route {
            channel: channel.0,
            is_edit: false,
        };
        let path = format!("/channels/{channel}/messages");
        let sent = self.send(route, Method::POST, &path, body).await?;
        let message = id_of(&sent).map(|id| MessageRef {
            channel,
            message: MessageId(id),
        });
        message.ok_or(SendFailure::Later {
            after: None,
            reason: texts::INVALID_RESPONSE.into(),
        })
    }

    async fn edit(&self, message: MessageRef, body: Value) -> Result<MessageRef, SendFailure> {
        let (route, path) = existing(message);
        self.send(route, Method::PATCH, &path, body).await?;
        Ok(message)
    }

    async fn send(
        &self,
        route: Route,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Value, SendFailure> {
        let sent = self.rest.send(route, method, path, body).await;
        sent.map_err(|error| match error {
            SendError::Unauthorized => SendFailure::Refused,
            SendError::Limited(wait) => SendFailure::Later {
                after: Some(wait),
                reason: texts::RATE_LIMIT_REACHED.into(),
            },
            SendError::Call(refusal) => refused(&refusal),
        })
    }
}

/// The route and the path of an existing message.
fn existing(message: MessageRef) -> (Route, String) {
    let MessageRef { channel, message } = message;
    let route = Route {
        channel: channel.0,
        is_edit: true,
    };
    (route, format!("/channels/{channel}/messages/{message}"))
}

/// The id of what Discord created.
fn id_of(answer: &Value) -> Option<u64> {
    answer["id"].as_str()?.parse().ok()
}

/// What a refused call means for the delivery.
fn refused(refusal: &CallError) -> SendFailure {
    let later = |after, reason: &RestError| SendFailure::Later {
        after,
        reason: reason.to_string(),
    };
    match (&refusal.error, refusal.code) {
        (RestError::Unauthorized, _) => SendFailure::Refused,
        (error @ RestError::Limited { retry_after }, _) => later(Some(*retry_after), error),
        (RestError::Status(403), code) => SendFailure::Broken(no_permission(code).into()),
        (RestError::Status(404), Some(UNKNOWN_CHANNEL)) => {
            SendFailure::Broken(texts::CHANNEL_DELETED.into())
        }
        (RestError::Status(404), Some(UNKNOWN_MESSAGE))
        | (RestError::Status(400), Some(TOO_MANY_OLD_EDITS)) => SendFailure::MessageGone,
        (error @ RestError::Status(400), _) => SendFailure::Rejected(error.to_string()),
        (error, _) => later(None, error),
    }
}

fn no_permission(code: Option<u64>) -> &'static str {
    match code {
        Some(MISSING_ACCESS) => texts::NO_VIEW_PERMISSION,
        _ => texts::NO_SEND_PERMISSION,
    }
}

impl ChannelMessenger {
    async fn put(&self, message: Message, place: Place) -> Result<MessageRef, SendFailure> {
        match place {
            Place::Existing(id) => self.edit(id, body(message, None)).await,
            Place::New {
                channel,
                mention,
                nonce,
            } => {
                let mut body = body(message, mention);
                body["nonce"] = json!(nonce);
                body["enforce_nonce"] = json!(true);
                self.post(channel, body).await
            }
        }
    }
}

impl Messenger for ChannelMessenger {
    fn show<'a>(
        &'a self,
        incident: &'a Incident,
        place: Place,
    ) -> BoxFuture<'a, Result<MessageRef, SendFailure>> {
        Box::pin(self.put(incident_card::message(incident), place))
    }

    fn remind<'a>(
        &'a self,
        reminder: &'a Reminder,
        place: Place,
    ) -> BoxFuture<'a, Result<MessageRef, SendFailure>> {
        Box::pin(self.put(incident_card::reminder(reminder), place))
    }

    fn show_board<'a>(
        &'a self,
        lines: &'a [BoardLine],
        place: Place,
    ) -> BoxFuture<'a, Result<MessageRef, SendFailure>> {
        Box::pin(self.put(board_card::message(lines), place))
    }

    fn delete_message(&self, message: MessageRef) -> BoxFuture<'_, Result<(), SendFailure>> {
        let (route, path) = existing(message);
        Box::pin(async move {
            self.send(route, Method::DELETE, &path, Value::Null)
                .await
                .map(drop)
        })
    }

    fn direct_channel(&self, user: UserId) -> BoxFuture<'_, Result<ChannelId, SendFailure>> {
        Box::pin(async move {
            let body = json!({ "recipient_id": user.to_string() });
            let path = "/users/@me/channels";
            let opened = self.send(NO_CHANNEL, Method::POST, path, body).await;
            let opened = opened.map_err(|failure| match failure {
                SendFailure::Later { after: None, .. } | SendFailure::Rejected(_) => {
                    direct_messages_closed()
                }
                failure => failure,
            })?;
            id_of(&opened)
                .map(ChannelId)
                .ok_or_else(direct_messages_closed)
        })
    }

    fn send_direct_message<'a>(
        &'a self,
        user: UserId,
        sentence: &'a str,
    ) -> BoxFuture<'a, Result<(), SendFailure>> {
        Box::pin(async move {
            let channel = self.direct_channel(user).await?;
            let body = body(Message::sentence(sentence), None);
            self.post(channel, body).await.map(drop)
        })
    }

    fn create_event<'a>(
        &'a self,
        guild: GuildId,
        title: &'a str,
        window: TimeWindow,
    ) -> BoxFuture<'a, Result<EventId, SendFailure>> {
        Box::pin(async move {
            let body = json!({
                "name": text::cut(title, EVENT_NAME),
                "privacy_level": GUILD_ONLY,
                "entity_type": EXTERNAL,
                "entity_metadata": { "location": "Rollcall" },
                "scheduled_start_time": text::timestamp(window.starts_at),
                "scheduled_end_time": text::timestamp(window.ends_at),
                "description": texts::PLANNED_MAINTENANCE,
            });
            let path = format!("/guilds/{guild}/scheduled-events");
            let made = self.send(NO_CHANNEL, Method::POST, &path, body).await?;
            id_of(&made)
                .map(EventId)
                .ok_or_else(|| SendFailure::Broken(texts::INVALID_RESPONSE.into()))
        })
    }

    fn delete_event(
        &self,
        guild: GuildId,
        event: EventId,
    ) -> BoxFuture<'_, Result<(), SendFailure>> {
        Box::pin(async move {
            let path = format!("/guilds/{guild}/scheduled-events/{event}");
            let taken = self
                .send(NO_CHANNEL, Method::DELETE, &path, Value::Null)
                .await;
            match taken {
                Ok(_) | Err(SendFailure::Broken(_) | SendFailure::Rejected(_)) => Ok(()),
                Err(failure) => Err(failure),
            }
        })
    }

    fn send_test_message(
        &self,
        channel: ChannelId,
    ) -> BoxFuture<'_, Result<MessageRef, SendFailure>> {
        let message = Message::embed(
            serenity::CreateEmbed::new()
                .title(texts::TEST_MESSAGE_TITLE)
                .description(texts::TEST_MESSAGE),
        );
        Box::pin(self.post(channel, body(message, None)))
    }
}

/// The failure for a user who accepts no direct messages from Rollcall, for any reason.
fn direct_messages_closed() -> SendFailure {
    SendFailure::Broken(texts::DIRECT_MESSAGES_CLOSED.into())
}

/// The request body of a message. It mentions only this one role or user, by id.
fn body(message: Message, mention: Option<Responder>) -> Value {
    let (content, mentions) = match mention {
        None => (message.content.clone(), json!({ "parse": [] })),
        Some(Responder::Role(id)) => (
            format!("<@&{id}>"),
            json!({ "parse": [], "roles": [id.to_string()] }),
        ),
        Some(Responder::User(id)) => (
            format!("<@{id}>"),
            json!({ "parse": [], "users": [id.to_string()] }),
        ),
    };
    json!({
        "content": content, "embeds": message.embeds, "components": message.rows,
        "allowed_mentions": mentions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::RoleId;

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
