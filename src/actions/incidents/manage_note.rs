//! Adds, changes and deletes the notes of an incident, open or resolved. Each change brings the incident's messages up to date.

use serde_json::json;

use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::incidents::note::{MAX_NOTES, NoteId};
use crate::store::incidents::incident::{self, Note};
use crate::store::{Reader, Store, event};

/// Adds a note to an incident.
pub async fn add(
    store: &Store,
    requester: Requester,
    id: IncidentId,
    text: String,
    now: Timestamp,
) -> Result<Note, Error> {
    let note = store
        .writer
        .transact_for::<NoteId, Error>(requester.guild, move |tx| {
            Box::pin(async move {
                let of = requester.incident(id);
                if incident::count_notes(tx, of).await? >= MAX_NOTES {
                    return Err(Error::Conflict(format!(
                        "this incident has reached its limit of {MAX_NOTES} notes. Delete one first"
                    )));
                }
                let added = incident::add_note(tx, of, requester.actor, &text, now).await?;
                let note = added.ok_or_else(super::not_found)?;
                let details = json!({ "incident": id.0, "note": note.0 });
                let event = requester.event(EventKind::IncidentNoted, None, details, now);
                event::append(tx, &event).await?;
                Ok(note)
            })
        })
        .await?;
    get(&store.reader, requester, note).await
}

/// Changes the text of a note. Its author and its time stay; the audit log says who changed it.
pub async fn edit(
    store: &Store,
    requester: Requester,
    id: NoteId,
    text: String,
    now: Timestamp,
) -> Result<Note, Error> {
    store
        .writer
        .transact::<(), Error>(move |tx| {
            Box::pin(async move {
                let edited = incident::edit_note(tx, requester.guild, id, &text).await?;
                let incident = edited.ok_or_else(no_such_note)?;
                let details = json!({ "incident": incident.0, "note": id.0 });
                let event = requester.event(EventKind::IncidentNoteEdited, None, details, now);
                Ok(event::append(tx, &event).await?)
            })
        })
        .await?;
    get(&store.reader, requester, id).await
}

/// Deletes a note.
pub async fn remove(
    store: &Store,
    requester: Requester,
    id: NoteId,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let removed = incident::remove_note(tx, requester.guild, id).await?;
                let incident = removed.ok_or_else(no_such_note)?;
                let details = json!({ "incident": incident.0, "note": id.0 });
                let event = requester.event(EventKind::IncidentNoteRemoved, None, details, now);
                Ok(event::append(tx, &event).await?)
            })
        })
        .await
}

/// A note of the requester's own guild.
pub async fn get(reader: &Reader, requester: Requester, id: NoteId) -> Result<Note, Error> {
    let note = incident::note(reader, requester.guild, id).await?;
    note.ok_or_else(no_such_note)
}

fn no_such_note() -> Error {
    Error::NotFound("this note does not exist".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::{HOME, at, down, member, up, with_endpoints};
    use crate::domain::discord_id::GuildId;
    use crate::domain::event::Actor;
    use crate::domain::key::KeyId;
    use crate::store::testing::TestStore;

    const INCIDENT: IncidentId = IncidentId(1);

    /// A requester with an API key of a guild.
    fn key_of(guild: GuildId) -> Requester {
        let key = KeyId::parse("0123456789ab").unwrap();
        Requester {
            guild,
            actor: Actor::Key(key),
        }
    }

    /// A guild with an open incident.
    async fn with_incident() -> TestStore {
        let store = TestStore::open().await;
        let [shop, _] = with_endpoints(&store).await;
        down(&store, shop, 10).await;
        store
    }

    /// The revision of the incident, and whether a delivery of it waits.
    async fn revision(store: &TestStore) -> (i64, bool) {
        let rows: Vec<(i64, bool)> = store
            .rows(
                "SELECT i.revision, d.wanted_revision > d.delivered_revision FROM incidents i
                 JOIN deliveries d ON d.incident_id = i.id WHERE i.id = 1",
            )
            .await;
        rows[0]
    }

    async fn delivered(store: &TestStore) {
        store
            .execute("UPDATE deliveries SET delivered_revision = wanted_revision")
            .await;
    }

    async fn events(store: &TestStore) -> Vec<(String, String, String)> {
        store
            .rows("SELECT kind, actor, details FROM events WHERE kind LIKE 'incident_note%' ORDER BY id")
            .await
    }

    #[tokio::test]
    async fn every_change_of_a_note_is_delivered_and_in_the_audit_log() {
        let store = with_incident().await;
        let key = key_of(HOME);
        delivered(&store).await;
        let note = add(&store, key, INCIDENT, "one".into(), at(20)).await;
        let note = note.unwrap();
        assert_eq!(
            (note.incident, note.at, note.actor, note.text.as_str()),
            (INCIDENT, at(20), key.actor, "one")
        );
        assert_eq!(revision(&store).await, (2, true));
        delivered(&store).await;
        let edited = edit(&store, member(), note.id, "two".into(), at(30)).await;
        let text = "two".to_owned();
        assert_eq!(
            edited.unwrap(),
            Note {
                text,
                ..note.clone()
            }
        );
        assert_eq!(revision(&store).await, (3, true));
        delivered(&store).await;
        remove(&store, member(), note.id, at(40)).await.unwrap();
        assert_eq!(revision(&store).await, (4, true));
        let details = r#"{"incident":1,"note":1,"severity":"info"}"#;
        let event = |kind: &str, actor: &str| (kind.into(), actor.into(), details.into());
        assert_eq!(
            events(&store).await,
            [
                event("incident_noted", "key:0123456789ab"),
                event("incident_note_edited", "discord:7"),
                event("incident_note_removed", "discord:7"),
            ]
        );
        for gone in [
            get(&store.reader, key, note.id).await.map(drop),
            edit(&store, key, note.id, "three".into(), at(50))
                .await
                .map(drop),
            remove(&store, key, note.id, at(50)).await,
        ] {
            assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
        }
        assert_eq!(revision(&store).await, (4, true));
    }

    #[tokio::test]
    async fn a_resolved_incident_takes_notes_and_stays_resolved() {
        let store = with_incident().await;
        up(&store, crate::domain::monitor::MonitorId(1), 20).await;
        let note = add(&store, key_of(HOME), INCIDENT, "done".into(), at(30)).await;
        let incident = incident::get(&store.reader, INCIDENT)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(incident.ended_at, Some(at(20)));
        assert_eq!(incident.notes.latest, [note.unwrap()]);
    }

    #[tokio::test]
    async fn another_guild_finds_neither_the_incident_nor_its_notes() {
        let store = with_incident().await;
        let foreign = key_of(GuildId(2));
        let note = add(&store, key_of(HOME), INCIDENT, "ours".into(), at(20)).await;
        let note = note.unwrap();
        let before = (revision(&store).await, events(&store).await);
        for refused in [
            add(&store, foreign, INCIDENT, "x".into(), at(30))
                .await
                .map(drop),
            edit(&store, foreign, note.id, "x".into(), at(30))
                .await
                .map(drop),
            remove(&store, foreign, note.id, at(30)).await,
            get(&store.reader, foreign, note.id).await.map(drop),
        ] {
            assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
        }
        assert_eq!((revision(&store).await, events(&store).await), before);
        let own = get(&store.reader, key_of(HOME), note.id).await;
        assert_eq!(own.unwrap(), note);
    }

    #[tokio::test]
    async fn an_incident_has_at_most_100_notes() {
        let store = with_incident().await;
        let key = key_of(HOME);
        for number in 1..=100 {
            let text = number.to_string();
            add(&store, key, INCIDENT, text, at(number)).await.unwrap();
        }
        let beyond = add(&store, key, INCIDENT, "101".into(), at(101)).await;
        assert!(matches!(beyond, Err(Error::Conflict(_))), "{beyond:?}");
        assert_eq!(revision(&store).await.0, 101);
        let foreign = add(&store, key_of(GuildId(2)), INCIDENT, "x".into(), at(101)).await;
        assert!(matches!(foreign, Err(Error::NotFound(_))), "{foreign:?}");
        remove(&store, key, NoteId(1), at(102)).await.unwrap();
        add(&store, key, INCIDENT, "101".into(), at(103))
            .await
            .unwrap();
        let incident = incident::get(&store.reader, INCIDENT)
            .await
            .unwrap()
            .unwrap();
        let latest = incident.notes.latest.iter().map(|note| note.text.as_str());
        assert_eq!(incident.notes.count, 100);
        assert_eq!(
            latest.collect::<Vec<_>>(),
            ["92", "93", "94", "95", "96", "97", "98", "99", "100", "101"]
        );
    }

    #[tokio::test]
    async fn what_is_no_incident_takes_no_notes() {
        let store = with_incident().await;
        store
            .execute("UPDATE incidents SET kind = 'bulk_offline', details = '{}'")
            .await;
        let refused = add(&store, key_of(HOME), INCIDENT, "x".into(), at(20)).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    }
}
