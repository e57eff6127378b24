//! API keys made, rotated and revoked. A key is shown once, when it is made; only a hash of it is kept.

use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::key::{ApiKey, KeyId, KeyKind};
use crate::domain::monitor::MonitorId;
use crate::store::api_key::{self, StoredKey};
use crate::store::event::{self, NewEvent};
use crate::store::{Store, StoreError, Tx};

/// After a rotation the old key is good for so long, so that agents can be changed one by one.
pub const GRACE: Duration = Duration::from_secs(24 * 3600);

/// The hash under which a key is stored. Its secret has 256 random bits, so a fast hash is safe.
pub fn hash(key: &ApiKey) -> [u8; 32] {
    Sha256::digest(key.secret()).into()
}

/// A key with fresh random bits.
fn fresh(kind: KeyKind) -> Result<ApiKey, StoreError> {
    let (mut id, mut secret) = ([0; 16], [0; 32]);
    let filled = getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut secret));
    filled.map_err(|_| StoreError::Damaged("the system gives no random numbers".into()))?;
    Ok(ApiKey::from_random(kind, id, secret))
}

/// Makes a key of the asker's guild; `monitor` is whose own it is to be.
pub async fn create(
    store: &Store,
    requester: Requester,
    kind: KeyKind,
    monitor: Option<MonitorId>,
    now: Timestamp,
) -> Result<ApiKey, Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move { Ok(create_in(tx, requester, kind, monitor, now).await?) })
        })
        .await
}

/// Makes a key as a part of something larger.
pub async fn create_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    kind: KeyKind,
    monitor: Option<MonitorId>,
    now: Timestamp,
) -> Result<ApiKey, StoreError> {
    let key = fresh(kind)?;
    let row = StoredKey {
        id: key.id,
        guild_id: requester.guild,
        kind,
        monitor_id: monitor,
        secret_sha256: hash(&key).to_vec(),
        created_at: now,
        expires_at: None,
        revoked_at: None,
    };
    api_key::insert(tx, &row).await?;
    note(tx, requester, EventKind::KeyMade, &row, now).await?;
    Ok(key)
}

/// Makes a key in the place of another, which is good for another day.
pub async fn rotate(
    store: &Store,
    requester: Requester,
    id: KeyId,
    now: Timestamp,
) -> Result<ApiKey, Error> {
    let old = api_key::find(&store.reader, &id).await?;
    let old = old
        .filter(|key| key.guild_id == requester.guild && key.is_good(now))
        .ok_or_else(not_found)?;
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let key = create_in(tx, requester, old.kind, old.monitor_id, now).await?;
                api_key::expire(tx, &old.id, now.plus(GRACE)).await?;
                note(tx, requester, EventKind::KeyRotated, &old, now).await?;
                Ok(key)
            })
        })
        .await
}

/// Makes a key useless from now on.
pub async fn revoke(
    store: &Store,
    requester: Requester,
    id: KeyId,
    now: Timestamp,
) -> Result<(), Error> {
    let key = api_key::find(&store.reader, &id).await?;
    let key = key.ok_or_else(not_found)?;
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if !api_key::revoke(tx, requester.guild, &id, now).await? {
                    return Err(not_found());
                }
                Ok(note(tx, requester, EventKind::KeyRevoked, &key, now).await?)
            })
        })
        .await
}

fn not_found() -> Error {
    Error::NotFound("there is no such key (any more); `rollcall key list` shows all".into())
}

async fn note(
    tx: &mut Tx<'_>,
    requester: Requester,
    kind: EventKind,
    key: &StoredKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let event = NewEvent {
        guild_id: requester.guild,
        monitor_id: key.monitor_id,
        kind,
        at: now,
        noticed_at: now,
        actor: requester.actor,
        details: json!({ "key": key.id.as_str(), "kind": key.kind.word() }),
    };
    event::append(tx, &event).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Actor;
    use crate::domain::monitor::GuildId;
    use crate::store::testing::TestStore;

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn requester(guild: u64) -> Requester {
        Requester {
            guild: GuildId(guild),
            actor: Actor::CommandLine,
        }
    }

    async fn stored(store: &TestStore, id: KeyId) -> StoredKey {
        api_key::find(&store.reader, &id).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_key_is_stored_as_a_hash_only() {
        let store = TestStore::open().await;
        let key = create(&store, requester(1), KeyKind::Fleet, None, NOW)
            .await
            .unwrap();
        assert_eq!(stored(&store, key.id).await.secret_sha256, hash(&key));
        let rows: Vec<(String,)> = store.rows("SELECT details FROM events").await;
        let secret = &key.reveal()[22..];
        assert!(
            rows.iter().all(|(details,)| !details.contains(secret)),
            "{rows:?}"
        );
    }

    #[tokio::test]
    async fn after_a_rotation_both_keys_are_good_for_a_day() {
        let store = TestStore::open().await;
        let old = create(&store, requester(1), KeyKind::Read, None, NOW)
            .await
            .unwrap();
        let new = rotate(&store, requester(1), old.id, NOW).await.unwrap();
        assert_ne!(old.id, new.id);
        let (old, new) = (stored(&store, old.id).await, stored(&store, new.id).await);
        let day = NOW.plus(GRACE);
        assert!(old.is_good(NOW) && !old.is_good(day) && new.is_good(day));
        assert_eq!(new.kind, KeyKind::Read);
    }

    #[tokio::test]
    async fn another_guilds_key_is_as_unknown_as_one_that_does_not_exist() {
        let store = TestStore::open().await;
        let key = create(&store, requester(1), KeyKind::Read, None, NOW)
            .await
            .unwrap();
        for requester in [requester(2), requester(3)] {
            assert!(rotate(&store, requester, key.id, NOW).await.is_err());
            assert!(revoke(&store, requester, key.id, NOW).await.is_err());
        }
        revoke(&store, requester(1), key.id, NOW).await.unwrap();
        assert!(!stored(&store, key.id).await.is_good(NOW));
        assert!(revoke(&store, requester(1), key.id, NOW).await.is_err());
    }
}
