//! Notes of incidents. Every change of a note raises the revision of its incident, so that its messages are updated.

use std::collections::HashMap;

use super::places;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::incidents::note::NoteId;
use crate::store::{Effect, Reader, StoreError, Tx};

/// Maximum number of notes that are loaded with an incident; all others are only counted.
const LATEST: u32 = 10;

/// A note of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub id: NoteId,
    pub incident: IncidentId,
    pub at: Timestamp,
    /// Who wrote it.
    pub actor: Actor,
    pub text: String,
}

/// The notes of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The latest ones, the newest last.
    pub latest: Vec<Note>,
    pub count: u64,
}

#[derive(sqlx::FromRow)]
struct NoteRow {
    id: i64,
    incident_id: i64,
    at: i64,
    actor: String,
    text: String,
}

impl NoteRow {
    fn read(self) -> Result<Note, StoreError> {
        let damaged = || StoreError::Damaged(format!("the actor {} of a note", self.actor));
        Ok(Note {
            id: NoteId(self.id),
            incident: IncidentId(self.incident_id),
            at: Timestamp::from_millis(self.at),
            actor: Actor::parse(&self.actor).ok_or_else(damaged)?,
            text: self.text,
        })
    }
}

/// Adds a note to an incident, open or resolved; `None` if the guild has no such incident.
pub async fn add_note(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    actor: Actor,
    text: &str,
    now: Timestamp,
) -> Result<Option<NoteId>, StoreError> {
    if raise_revision(tx, incident).await? == Effect::Nothing {
        return Ok(None);
    }
    let id = sqlx::query_scalar(
        "INSERT INTO incident_notes (incident_id, guild_id, at, actor, text) VALUES ($1, $2, $3, $4, $5) RETURNING id",
    )
    .bind(incident.id.0)
    .bind(incident.guild.to_row())
    .bind(now.millis())
    .bind(actor.to_string())
    .bind(text)
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(Some(NoteId(id)))
}

async fn raise_revision(tx: &mut Tx<'_>, incident: IncidentRef) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE incidents SET revision = revision + 1 WHERE guild_id = $1 AND id = $2 AND kind = 'incident'",
    )
    .bind(incident.guild.to_row())
    .bind(incident.id.0)
    .execute(&mut *tx.connection)
    .await?;
    let effect = Effect::of(&changed);
    tx.wrote_event |= effect == Effect::Changed;
    Ok(effect)
}

/// Number of notes of an incident.
pub async fn count_notes(tx: &mut Tx<'_>, incident: IncidentRef) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM incident_notes WHERE guild_id = $1 AND incident_id = $2",
    )
    .bind(incident.guild.to_row())
    .bind(incident.id.0)
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// Changes the text of a note of a guild; returns its incident, or `None` if the guild has no such note.
pub async fn edit_note(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: NoteId,
    text: &str,
) -> Result<Option<IncidentId>, StoreError> {
    let incident: Option<i64> = sqlx::query_scalar(
        "UPDATE incident_notes SET text = $3 WHERE guild_id = $1 AND id = $2 RETURNING incident_id",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .bind(text)
    .fetch_optional(&mut *tx.connection)
    .await?;
    changed(tx, guild, incident.map(IncidentId)).await
}

/// Deletes a note of a guild; returns its incident, or `None` if the guild has no such note.
pub async fn remove_note(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: NoteId,
) -> Result<Option<IncidentId>, StoreError> {
    let incident: Option<i64> = sqlx::query_scalar(
        "DELETE FROM incident_notes WHERE guild_id = $1 AND id = $2 RETURNING incident_id",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    changed(tx, guild, incident.map(IncidentId)).await
}

async fn changed(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incident: Option<IncidentId>,
) -> Result<Option<IncidentId>, StoreError> {
    let Some(id) = incident else { return Ok(None) };
    let effect = raise_revision(tx, IncidentRef { guild, id }).await?;
    Ok((effect == Effect::Changed).then_some(id))
}

/// A note of a guild.
pub async fn note(reader: &Reader, guild: GuildId, id: NoteId) -> Result<Option<Note>, StoreError> {
    let row: Option<NoteRow> = sqlx::query_as(
        "SELECT id, incident_id, at, actor, text FROM incident_notes WHERE guild_id = $1 AND id = $2",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .fetch_optional(&reader.pool)
    .await?;
    row.map(NoteRow::read).transpose()
}

/// The notes of an incident after the one with this id, oldest first.
pub async fn notes_after(
    reader: &Reader,
    incident: IncidentRef,
    after: NoteId,
    limit: u32,
) -> Result<Vec<Note>, StoreError> {
    let rows: Vec<NoteRow> = sqlx::query_as(
        "SELECT id, incident_id, at, actor, text FROM incident_notes
         WHERE guild_id = $1 AND incident_id = $2 AND id > $3 ORDER BY id LIMIT $4",
    )
    .bind(incident.guild.to_row())
    .bind(incident.id.0)
    .bind(after.0)
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    rows.into_iter().map(NoteRow::read).collect()
}

#[derive(sqlx::FromRow)]
struct LatestRow {
    #[sqlx(flatten)]
    note: NoteRow,
    count: i64,
}

/// The notes of each of these incidents that has any, in one statement.
pub(super) async fn latest(
    reader: &Reader,
    incidents: &[i64],
) -> Result<HashMap<IncidentId, Notes>, StoreError> {
    let sql = format!(
        "SELECT * FROM (
             SELECT id, incident_id, at, actor, text, COUNT(*) OVER (PARTITION BY incident_id) AS count,
                 ROW_NUMBER() OVER (PARTITION BY incident_id ORDER BY id DESC) AS place
             FROM incident_notes WHERE incident_id IN {}) ranked
         WHERE place <= {LATEST} ORDER BY id",
        places(incidents)
    );
    let mut query = sqlx::query_as::<_, LatestRow>(sqlx::AssertSqlSafe(sql));
    for id in incidents {
        query = query.bind(id);
    }
    let mut found: HashMap<IncidentId, Notes> = HashMap::new();
    for row in query.fetch_all(&reader.pool).await? {
        let note = row.note.read()?;
        let notes = found.entry(note.incident).or_default();
        notes.count = row.count.unsigned_abs();
        notes.latest.push(note);
    }
    Ok(found)
}
