//! Sends notifications to Discord through REST calls of its own, separate from the replies to interactions. They stay within
//! Discord's rate limits and within stricter limits of Rollcall's own.

use std::sync::Arc;

use discord_gateway_relay::rest::rate_limit::Route;
use discord_gateway_relay::rest::{CallBody, LimitedRest, RestError, SendError};
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};

use crate::discord::incidents::incident_card;
use crate::discord::monitors::summaries::summary_card;
use crate::discord::notifications::message_body::{add_mention, body, is_shown, with_files};
use crate::discord::notifications::{board_card, refusal, setup_message, texts};
use crate::discord::ui::reply::Message;
use crate::domain::discord_id::{ChannelId, EventId, GuildId, MessageId, MessageRef, UserId};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::domain::silences::maintenance::TimeWindow;
use crate::domain::text;
use crate::health::Health;
use crate::notify::messenger::{ChannelAccess, Messenger, SetupMessage};
use crate::notify::transport::{Address, Content, Outgoing, Place, Transport};

/// The route of requests about a guild or a user. Each has a limit of its own, so that no guild delays those of another.
const fn route_of(id: u64) -> Route {
    Route {
        channel: id,
        is_edit: false,
    }
}

/// Discord's limit for a scheduled event's name, in characters, and its codes for the privacy level and the entity type.
const EVENT_NAME: usize = 100;
const GUILD_ONLY: u8 = 2;
const EXTERNAL: u8 = 3;

/// Posts and edits messages in channels, and sends direct messages.
#[derive(Debug)]
pub(in crate::discord) struct ChannelMessenger {
    rest: LimitedRest,
    health: Arc<Health>,
}

impl ChannelMessenger {
    pub(in crate::discord) fn new(rest: LimitedRest, health: Arc<Health>) -> Self {
        Self { rest, health }
    }

    /// Posts a message; returns it, and what Discord shows.
    async fn post(
        &self,
        channel: ChannelId,
        body: CallBody,
    ) -> Result<(MessageRef, Value), DeliveryError> {
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
        let message = message.ok_or(DeliveryError::Retry {
            is_unanswered: true,
            after: None,
            reason: texts::INVALID_RESPONSE.into(),
        })?;
        Ok((message, sent))
    }

    async fn edit(&self, message: MessageRef, body: CallBody) -> Result<MessageRef, DeliveryError> {
        let (route, path) = existing(message);
        self.send(route, Method::PATCH, &path, body).await?;
        Ok(message)
    }

    async fn send(
        &self,
        route: Route,
        method: Method,
        path: &str,
        body: impl Into<CallBody>,
    ) -> Result<Value, DeliveryError> {
        let sent = self.rest.send(route, method, path, body).await;
        sent.map_err(|error| match error {
            SendError::Unauthorized => {
                self.health.doubt_token();
                DeliveryError::Unauthorized
            }
            SendError::Limited(wait) => DeliveryError::Retry {
                is_unanswered: false,
                after: Some(wait),
                reason: texts::RATE_LIMIT_REACHED.into(),
            },
            SendError::Call(refusal) => refusal::meaning(&refusal),
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

impl ChannelMessenger {
    async fn put(
        &self,
        mut message: Message,
        channel: ChannelId,
        outgoing: &Outgoing,
    ) -> Result<MessageRef, DeliveryError> {
        let files = std::mem::take(&mut message.files);
        let json = body(message, None);
        let complete = with_files(json.clone(), outgoing.picture.as_ref(), files);
        let has_files = !complete.files.is_empty();
        match self.put_body(complete, channel, outgoing).await {
            // The text does not wait for the permission Attach Files.
            Err(DeliveryError::DestinationBroken(_) | DeliveryError::Rejected(_)) if has_files => {
                self.put_body(json.into(), channel, outgoing).await
            }
            sent => sent,
        }
    }

    async fn put_body(
        &self,
        plain: CallBody,
        channel: ChannelId,
        outgoing: &Outgoing,
    ) -> Result<MessageRef, DeliveryError> {
        let (mention, reply_to) = match outgoing.place {
            Place::Existing(id) => return self.edit(id, plain).await,
            Place::New { mention, reply_to } => (mention, reply_to),
        };
        let mut body = plain.clone();
        if let Some(responder) = mention {
            add_mention(&mut body.json, responder);
        }
        // A message in another channel cannot be replied to.
        if let Some(replied) = reply_to.filter(|replied| replied.channel == channel) {
            body.json["message_reference"] = json!({
                "message_id": replied.message.to_string(), "fail_if_not_exists": false,
            });
        }
        body.json["nonce"] = json!(outgoing.nonce);
        body.json["enforce_nonce"] = json!(true);
        let sent = self.post(channel, body.clone()).await;
        let (posted, shown) = match sent {
            // The text has a link to that message, too.
            Err(DeliveryError::MessageGone) if !body.json["message_reference"].is_null() => {
                body.json["message_reference"] = Value::Null;
                self.post(channel, body).await?
            }
            sent => sent?,
        };
        match is_shown(&plain, &shown) {
            true => Ok(posted),
            // An earlier attempt, whose answer was lost, had posted it with the content of that time.
            false => self.edit(posted, plain).await,
        }
    }

    /// The channel of direct messages to a user.
    async fn direct_channel(&self, user: UserId) -> Result<ChannelId, DeliveryError> {
        let closed = || DeliveryError::DestinationBroken(texts::DIRECT_MESSAGES_CLOSED.into());
        let body = json!({ "recipient_id": user.to_string() });
        let path = "/users/@me/channels";
        let opened = self.send(route_of(user.0), Method::POST, path, body).await;
        let opened = opened.map_err(|error| match error {
            DeliveryError::Rejected(_) => closed(),
            error => error,
        })?;
        id_of(&opened).map(ChannelId).ok_or_else(closed)
    }
}

impl Transport for ChannelMessenger {
    fn ready<'a>(&'a self, to: &'a Address) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Address::Channel(channel) = to {
                let route = Route {
                    channel: channel.0,
                    is_edit: false,
                };
                self.rest.ready(route).await;
            }
        })
    }

    fn deliver<'a>(
        &'a self,
        outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, DeliveryError>> {
        Box::pin(async move {
            let channel = match &outgoing.to {
                Address::Channel(channel) => *channel,
                Address::User(user) => match outgoing.place {
                    Place::Existing(message) => message.channel,
                    Place::New { .. } => self.direct_channel(*user).await?,
                },
                Address::Webhook(_) => {
                    return Err(DeliveryError::Rejected(texts::NOT_IN_DISCORD.into()));
                }
            };
            let message = match &outgoing.content {
                Content::Incident(current) => incident_card::message(&current.incident),
                Content::Reminder(reminder) => incident_card::reminder(reminder, outgoing.now),
                Content::Joined(joined) => incident_card::joined(joined),
                Content::Board(lines) => board_card::message(lines),
                Content::Summary(document) => summary_card::message(document),
            };
            self.put(message, channel, outgoing).await.map(Some)
        })
    }
}

impl Messenger for ChannelMessenger {
    fn delete_message(&self, message: MessageRef) -> BoxFuture<'_, Result<(), DeliveryError>> {
        let (route, path) = existing(message);
        Box::pin(async move {
            self.send(route, Method::DELETE, &path, Value::Null)
                .await
                .map(drop)
        })
    }

    fn send_direct_message<'a>(
        &'a self,
        user: UserId,
        sentence: &'a str,
    ) -> BoxFuture<'a, Result<(), DeliveryError>> {
        Box::pin(async move {
            let channel = self.direct_channel(user).await?;
            let body = body(Message::sentence(sentence), None);
            self.post(channel, body.into()).await.map(drop)
        })
    }

    fn is_member(
        &self,
        guild: GuildId,
        user: UserId,
    ) -> BoxFuture<'_, Result<bool, DeliveryError>> {
        Box::pin(async move {
            let path = format!("/guilds/{guild}/members/{user}");
            let found = self
                .send(route_of(guild.0), Method::GET, &path, Value::Null)
                .await;
            match found {
                Ok(_) => Ok(true),
                Err(DeliveryError::DestinationBroken(_)) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn has_channel(
        &self,
        guild: GuildId,
        channel: ChannelId,
    ) -> BoxFuture<'_, Result<ChannelAccess, DeliveryError>> {
        Box::pin(async move {
            let path = format!("/channels/{channel}");
            // The route of the guild that asks: the channel may be one of another guild, whose messages must not wait.
            let found = self
                .send(route_of(guild.0), Method::GET, &path, Value::Null)
                .await;
            match found {
                Ok(found) if found["guild_id"].as_str() == Some(&guild.to_string()) => {
                    Ok(ChannelAccess::Visible)
                }
                Ok(_) => Ok(ChannelAccess::Missing),
                Err(DeliveryError::DestinationBroken(reason))
                    if reason == texts::CHANNEL_DELETED =>
                {
                    Ok(ChannelAccess::Missing)
                }
                Err(DeliveryError::DestinationBroken(_)) => Ok(ChannelAccess::Hidden),
                Err(error) => Err(error),
            }
        })
    }

    fn create_event<'a>(
        &'a self,
        guild: GuildId,
        title: &'a str,
        window: TimeWindow,
    ) -> BoxFuture<'a, Result<EventId, DeliveryError>> {
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
            let made = self
                .send(route_of(guild.0), Method::POST, &path, body)
                .await?;
            id_of(&made)
                .map(EventId)
                .ok_or_else(|| DeliveryError::DestinationBroken(texts::INVALID_RESPONSE.into()))
        })
    }

    fn delete_event(
        &self,
        guild: GuildId,
        event: EventId,
    ) -> BoxFuture<'_, Result<(), DeliveryError>> {
        Box::pin(async move {
            let path = format!("/guilds/{guild}/scheduled-events/{event}");
            let taken = self
                .send(route_of(guild.0), Method::DELETE, &path, Value::Null)
                .await;
            match taken {
                Ok(_)
                | Err(
                    DeliveryError::DestinationBroken(_)
                    | DeliveryError::Rejected(_)
                    | DeliveryError::MessageGone,
                ) => Ok(()),
                Err(failure) => Err(failure),
            }
        })
    }

    fn accepts_token(&self) -> BoxFuture<'_, Result<bool, DeliveryError>> {
        Box::pin(async move {
            let asked = self.rest.check_token().await;
            asked.map_err(|error| DeliveryError::Retry {
                is_unanswered: false,
                after: match &error {
                    RestError::Limited { retry_after } => Some(*retry_after),
                    _ => None,
                },
                reason: error.to_string(),
            })
        })
    }

    fn send_setup_message(
        &self,
        channel: ChannelId,
        message: SetupMessage,
    ) -> BoxFuture<'_, Result<MessageRef, DeliveryError>> {
        Box::pin(async move {
            let (message, _) = self
                .post(channel, setup_message::body(&message).into())
                .await?;
            Ok(message)
        })
    }
}
