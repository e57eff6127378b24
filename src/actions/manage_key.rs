//! Creates, rotates and revokes API keys. A key is shown once, when it is created; only its hash is stored.

use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::{Actor, EventKind};
use crate::domain::key::{ApiKey, KeyId, KeyKind};
use crate::domain::monitor::MonitorId;
use crate::store::api_key::{self, StoredKey};
use crate::store::event::{self, NewEvent};
use crate::store::{Effect, Store, StoreError, Tx};

/// How long the old key stays valid after a rotation, so that agents can be reconfigured one by one.
pub const GRACE: Duration = Duration::from_secs(24 * 3600);

/// The maximum number of valid keys of one device or server. Its oldest ones are revoked.
const MOST_OWN_KEYS: u32 = 5;

/// Hash under which a key is stored. Its secret has 256 random bits, so a fast hash is safe.
pub fn hash(key: &ApiKey) -> [u8; 32] {
    Sha256::digest(key.secret()).into()
}

/// Generates a key from random bits.
fn generate(kind: KeyKind) -> Result<ApiKey, StoreError> {
    let (mut id, mut secret) = ([0; 16], [0; 32]);
    let filled = getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut secret));
    filled.map_err(|_| StoreError::Damaged("cannot generate random numbers".into()))?;
    Ok(ApiKey::from_random(kind, id, secret))
}

/// Creates a key for the requester's guild, which may have `quota` valid ones. Keys that were replaced count while they are
/// valid.
pub async fn create(
    store: &Store,
    requester: Requester,
    kind: KeyKind,
    quota: u64,
    now: Timestamp,
) -> Result<ApiKey, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                check_room(tx, requester, quota, now).await?;
                Ok(create_in(tx, requester, kind, None, now).await?)
            })
        })
        .await
}

/// Refuses another key for a guild that has as many valid ones as it may have. The operator's command line may add more.
async fn check_room(
    tx: &mut Tx<'_>,
    requester: Requester,
    quota: u64,
    now: Timestamp,
) -> Result<(), Error> {
    if requester.actor == Actor::CommandLine {
        return Ok(());
    }
    if api_key::count_valid(tx, requester.guild, now).await? < quota {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "this Discord server has reached its limit of {quota} API keys. Revoke one first, or ask the operator to raise QUOTA_KEYS"
    )))
}

/// Creates a key within a transaction of the caller.
pub async fn create_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    kind: KeyKind,
    monitor: Option<MonitorId>,
    now: Timestamp,
) -> Result<ApiKey, StoreError> {
    let key = generate(kind)?;
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
    if let Some(monitor) = monitor {
        api_key::revoke_oldest(tx, monitor, MOST_OWN_KEYS, now).await?;
    }
    note(tx, requester, EventKind::KeyCreated, &row, now).await?;
    Ok(key)
}

/// Creates a key that replaces another; the old one stays valid for `GRACE`.
pub async fn rotate(
    store: &Store,
    requester: Requester,
    id: KeyId,
    quota: u64,
    now: Timestamp,
) -> Result<ApiKey, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let old = api_key::known(tx, &id).await?;
                let old = old
                    .filter(|key| key.guild_id == requester.guild && key.is_valid(now))
                    .ok_or_else(not_found)?;
                if old.monitor_id.is_none() {
                    check_room(tx, requester, quota, now).await?;
                }
                let key = create_in(tx, requester, old.kind, old.monitor_id, now).await?;
                api_key::expire(tx, &old.id, now.plus(GRACE)).await?;
                note(tx, requester, EventKind::KeyRotated, &old, now).await?;
                Ok(key)
            })
        })
        .await
}

/// Revokes a key: it is invalid from `now` on.
pub async fn revoke(
    store: &Store,
    requester: Requester,
    id: KeyId,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let key = api_key::known(tx, &id).await?.ok_or_else(not_found)?;
                if api_key::revoke(tx, requester.guild, &id, now).await? == Effect::Nothing {
                    return Err(not_found());
                }
                Ok(note(tx, requester, EventKind::KeyRevoked, &key, now).await?)
            })
        })
        .await
}

fn not_found() -> Error {
    Error::NotFound(
        "this key does not exist or was revoked. `/keys list` and `rollcall key list` show all keys".into(),
    )
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
        details: json!({ "key": key.id.as_str(), "kind": key.kind.as_str() }),
    };
    event::append(tx, &event).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::domain::event::Actor;
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
    async fn keys_are_stored_only_as_hashes() {
        let store = TestStore::open().await;
        let key = create(&store, requester(1), KeyKind::Fleet, 10, NOW)
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
    async fn both_keys_are_valid_for_a_day_after_a_rotation() {
        let store = TestStore::open().await;
        let old = create(&store, requester(1), KeyKind::Read, 10, NOW)
            .await
            .unwrap();
        let new = rotate(&store, requester(1), old.id, 10, NOW).await.unwrap();
        assert_ne!(old.id, new.id);
        let (old, new) = (stored(&store, old.id).await, stored(&store, new.id).await);
        let day = NOW.plus(GRACE);
        assert!(old.is_valid(NOW) && !old.is_valid(day) && new.is_valid(day));
        assert_eq!(new.kind, KeyKind::Read);
    }

    #[tokio::test]
    async fn keys_of_other_guilds_are_not_found() {
        let store = TestStore::open().await;
        let key = create(&store, requester(1), KeyKind::Read, 10, NOW)
            .await
            .unwrap();
        for requester in [requester(2), requester(3)] {
            assert!(rotate(&store, requester, key.id, 10, NOW).await.is_err());
            assert!(revoke(&store, requester, key.id, NOW).await.is_err());
        }
        revoke(&store, requester(1), key.id, NOW).await.unwrap();
        assert!(!stored(&store, key.id).await.is_valid(NOW));
        assert!(revoke(&store, requester(1), key.id, NOW).await.is_err());
    }

    #[tokio::test]
    async fn a_guild_has_as_many_valid_keys_as_its_quota_unless_the_operator_adds_more() {
        let store = TestStore::open().await;
        let member = Requester {
            actor: Actor::System,
            ..requester(1)
        };
        let create_for = |by| create(&store, by, KeyKind::Read, 2, NOW);
        let first = create_for(member).await.unwrap();
        create_for(member).await.unwrap();
        let refused = create_for(member).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        create(&store, requester(2), KeyKind::Read, 2, NOW)
            .await
            .unwrap();
        let operator = Requester {
            actor: Actor::CommandLine,
            ..requester(1)
        };
        let added = create_for(operator).await.unwrap();
        for key in [first, added] {
            revoke(&store, member, key.id, NOW).await.unwrap();
        }
        create_for(member).await.unwrap();
    }

    #[tokio::test]
    async fn a_monitor_keeps_its_five_newest_keys_and_invalid_ones_are_deleted_later() {
        let store = TestStore::open().await;
        let at = |second: i64| Timestamp::from_millis(second * 1_000);
        for second in 0..7 {
            store
                .write(move |tx| {
                    Box::pin(async move {
                        let own = Some(MonitorId(9));
                        create_in(tx, requester(1), KeyKind::Device, own, at(second)).await
                    })
                })
                .await;
        }
        let valid: Vec<(i64,)> = store
            .rows("SELECT created_at FROM api_keys WHERE revoked_at IS NULL ORDER BY created_at")
            .await;
        assert_eq!(valid, [(2_000,), (3_000,), (4_000,), (5_000,), (6_000,)]);
        // The two others were revoked with the sixth and the seventh key.
        for (before, deleted) in [(5, 0), (6, 1), (7, 1)] {
            let count = store
                .write(move |tx| Box::pin(api_key::prune(tx, at(before), 10)))
                .await;
            assert_eq!(count, deleted, "{before}");
        }
    }
}
