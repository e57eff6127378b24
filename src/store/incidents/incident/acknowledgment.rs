//! Who acknowledged an incident: a Discord user, or an API key. Each has a column.

use crate::domain::Timestamp;
use crate::domain::discord_id::UserId;
use crate::domain::event::Actor;
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::key::KeyId;
use crate::store::{Effect, StoreError, Tx};

/// Acknowledges an incident as a member or an API key; `Nothing` if the guild has no such open incident, or it is already
/// acknowledged, or the actor is another one.
pub async fn acknowledge(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    actor: Actor,
    now: Timestamp,
) -> Result<Effect, StoreError> {
    let (user, key) = match actor {
        Actor::Member(user) => (Some(user.to_row()), None),
        Actor::Key(key) => (None, Some(key.to_string())),
        Actor::System | Actor::CommandLine => return Ok(Effect::Nothing),
    };
    let changed = sqlx::query(
        "UPDATE incidents SET acknowledged_at = $5, acknowledged_by = $3, acknowledged_key = $4, revision = revision + 1
         WHERE guild_id = $1 AND id = $2 AND acknowledged_at IS NULL AND ended_at IS NULL",
    )
    .bind(incident.guild.to_row())
    .bind(incident.id.0)
    .bind(user)
    .bind(key)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// Takes back the acknowledgment of an incident. Its escalation starts now.
pub async fn unacknowledge(
    tx: &mut Tx<'_>,
    id: IncidentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET acknowledged_at = NULL, acknowledged_by = NULL, acknowledged_key = NULL, reminded_at = NULL,
             escalated_at = NULL, escalation_starts_at = $2, revision = revision + 1
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// The actor that the columns of an acknowledgment name; `None`: nobody acknowledged the incident.
pub(super) fn actor(user: Option<i64>, key: Option<&str>) -> Result<Option<Actor>, StoreError> {
    let damaged = || StoreError::Damaged("the acknowledgment of an incident".to_owned());
    match (user, key) {
        (Some(user), _) => Ok(Some(Actor::Member(UserId::from_row(user)))),
        (None, Some(key)) => {
            let key = KeyId::parse(key).ok_or_else(damaged)?;
            Ok(Some(Actor::Key(key)))
        }
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::domain::incidents::grouping::{GroupKey, GroupScope};
    use crate::store::incidents::incident;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);
    const AT: Timestamp = Timestamp::from_millis(7);

    /// Who acknowledged the incident and when, as its message and a monitor that joins it see it.
    async fn acknowledged(store: &TestStore) -> Option<(Actor, Timestamp)> {
        let id = IncidentId(1);
        let incident = incident::get(&store.reader, id).await.unwrap().unwrap();
        let joined = store
            .write(move |tx| Box::pin(incident::joined(tx, id)))
            .await;
        let by = incident.acknowledged.map(|(by, _)| by);
        assert_eq!(joined.unwrap().acknowledged_by, by);
        incident.acknowledged
    }

    #[tokio::test]
    async fn a_member_or_a_key_acknowledges_once_until_it_is_taken_back() {
        let store = TestStore::open().await;
        let nothing_shared = GroupKey {
            scope: GroupScope::Nothing,
            group: None,
        };
        store
            .write(move |tx| {
                Box::pin(async move { incident::begin(tx, HOME, &nothing_shared, AT, AT).await })
            })
            .await;
        let attempt = async |guild, actor| {
            let incident = IncidentRef {
                guild,
                id: IncidentId(1),
            };
            store
                .write(move |tx| Box::pin(acknowledge(tx, incident, actor, AT)))
                .await
        };
        let key = Actor::Key(KeyId::parse("0123456789ab").unwrap());
        let member = Actor::Member(UserId(7));
        for actor in [key, member] {
            for (guild, by) in [
                (GuildId(2), actor),
                (HOME, Actor::System),
                (HOME, Actor::CommandLine),
            ] {
                assert_eq!(attempt(guild, by).await, Effect::Nothing, "{by:?}");
                assert_eq!(acknowledged(&store).await, None);
            }
            assert_eq!(attempt(HOME, actor).await, Effect::Changed);
            assert_eq!(acknowledged(&store).await, Some((actor, AT)));
            for again in [key, member] {
                assert_eq!(attempt(HOME, again).await, Effect::Nothing, "{again:?}");
            }
            store
                .write(|tx| Box::pin(unacknowledge(tx, IncidentId(1), AT)))
                .await;
            assert_eq!(acknowledged(&store).await, None);
        }
    }
}
