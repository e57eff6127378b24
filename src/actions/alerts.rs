//! Where a guild is told, as people set it; and what they do with a card: take care of it, have it looked at.

use serde_json::json;

use super::looking::Looking;
use super::recheck;
use super::{Asker, Error, note};
use crate::domain::Instant;
use crate::domain::event::{Actor, EventKind};
use crate::domain::fold::CardId;
use crate::store::card::Card;
use crate::store::{Reader, Store, StoreError, alert_settings, card, endpoint, notice};

/// Looks at a time when a card is looked at.
const AT_A_TIME: usize = 10;

/// Sets the channel in which a guild is told, and the role that is called. What could not be told so far is told now.
pub async fn set(
    store: &Store,
    asker: Asker,
    (channel, role): (u64, Option<u64>),
    now: Instant,
) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                alert_settings::set(tx, asker.guild, (channel, role)).await?;
                notice::try_now(tx, asker.guild).await?;
                let role = role.map(|role| role.to_string());
                let facts = json!({ "channel": channel.to_string(), "role": role });
                Ok(note(tx, asker, (EventKind::AlertsSet, None, facts), now).await?)
            })
        })
        .await
}

/// Stops telling a guild anything.
pub async fn remove(store: &Store, asker: Asker, now: Instant) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if !alert_settings::remove(tx, asker.guild).await? {
                    return Err(Error::NotFound("no channel is set for alerts".into()));
                }
                let kind = (EventKind::AlertsRemoved, None, json!({}));
                Ok(note(tx, asker, kind, now).await?)
            })
        })
        .await
}

/// Somebody takes care of what is on a card; the card as it is then.
pub async fn acknowledge(
    store: &Store,
    asker: Asker,
    id: CardId,
    now: Instant,
) -> Result<Card, Error> {
    let Actor::Member(user) = asker.actor else {
        return Err(Error::Invalid("only members take care of incidents".into()));
    };
    own(&store.reader, asker, id).await?;
    store
        .writer
        .transact::<(), Error>(move |tx| {
            Box::pin(async move {
                if !card::acknowledge(tx, (asker.guild, id), user, now).await? {
                    return Err(Error::Conflict(
                        "this is over, or somebody takes care of it already".into(),
                    ));
                }
                let facts = json!({ "card": id.0 });
                Ok(note(tx, asker, (EventKind::CardAcknowledged, None, facts), now).await?)
            })
        })
        .await?;
    own(&store.reader, asker, id).await
}

/// Looks at the endpoints of a card that are down; the card as it is then.
pub async fn look_again(
    looking: &Looking,
    store: &Store,
    asker: Asker,
    id: CardId,
) -> Result<Card, Error> {
    let Actor::Member(user) = asker.actor else {
        return Err(Error::Invalid(
            "only members have incidents looked at".into(),
        ));
    };
    let reader = &store.reader;
    let card = own(reader, asker, id).await?;
    let down = card
        .members
        .iter()
        .filter(|member| member.ended_at.is_none());
    let mut endpoints = Vec::new();
    for member in down {
        // Devices and servers report by themselves: there is nothing to look at.
        if let Some(found) = endpoint::get(reader, asker.guild, member.monitor_id).await? {
            endpoints.push(recheck::scheduled(reader, &found).await?);
        }
    }
    recheck::many(looking, endpoints, AT_A_TIME, asker.actor, |_, _| {}).await?;
    let now = looking.clock.now();
    store
        .writer
        .transact::<_, StoreError>(move |tx| {
            Box::pin(async move { card::rechecked(tx, (asker.guild, id), user, now).await })
        })
        .await?;
    own(reader, asker, id).await
}

/// A card of the asker's own guild.
async fn own(reader: &Reader, asker: Asker, id: CardId) -> Result<Card, Error> {
    card::get(reader, id)
        .await?
        .filter(|card| card.guild_id == asker.guild)
        .ok_or_else(|| Error::NotFound("that incident is not known (any more)".into()))
}
