//! The scheduled events in Discord that show maintenance windows. A row stays until its event is deleted or over, also when
//! its window is gone.

use crate::domain::Timestamp;
use crate::domain::discord_id::{EventId, GuildId};
use crate::domain::silences::maintenance::TimeWindow;
use crate::domain::silences::silence::SilenceId;
use crate::store::{Reader, StoreError, Tx};

/// A window that Discord's calendar does not show yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingEvent {
    pub guild_id: GuildId,
    pub silence: SilenceId,
    pub title: String,
    pub window: TimeWindow,
}

/// An event whose window has been removed or has another time now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObsoleteEvent {
    pub id: i64,
    pub guild_id: GuildId,
    /// `EventId(0)`: Discord refused it.
    pub event: EventId,
}

/// Maintenance windows that start after the given time and have no event, in guilds that have not removed the bot.
pub async fn missing(reader: &Reader, after: Timestamp) -> Result<Vec<MissingEvent>, StoreError> {
    let rows: Vec<(i64, i64, String, i64, i64)> = sqlx::query_as(
        "SELECT w.guild_id, w.id, w.title, w.starts_at, w.ends_at FROM silences w
         WHERE w.kind = 'maintenance' AND w.starts_at > $1 AND w.guild_id NOT IN (SELECT guild_id FROM left_guilds)
             AND NOT EXISTS (SELECT 1 FROM calendar_events c WHERE c.silence_id = w.id AND c.starts_at = w.starts_at)
         ORDER BY w.starts_at, w.id",
    )
    .bind(after.millis())
    .fetch_all(&reader.pool)
    .await?;
    let missing = |(guild, id, title, starts_at, ends_at)| MissingEvent {
        guild_id: GuildId::from_row(guild),
        silence: SilenceId(id),
        title,
        window: TimeWindow {
            starts_at: Timestamp::from_millis(starts_at),
            ends_at: Timestamp::from_millis(ends_at),
        },
    };
    Ok(rows.into_iter().map(missing).collect())
}

/// Records the event of a window. `EventId(0)`: Discord refused it, so it is not requested again.
pub async fn insert(
    tx: &mut Tx<'_>,
    shown: &MissingEvent,
    event: EventId,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO calendar_events (guild_id, silence_id, starts_at, ends_at, event_id) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(shown.guild_id.to_row())
    .bind(shown.silence.0)
    .bind(shown.window.starts_at.millis())
    .bind(shown.window.ends_at.millis())
    .bind(event.to_row())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Events that show a window which no longer exists, and is not over either.
pub async fn obsolete(reader: &Reader, now: Timestamp) -> Result<Vec<ObsoleteEvent>, StoreError> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT c.id, c.guild_id, c.event_id FROM calendar_events c
         WHERE c.ends_at > $1 AND c.guild_id NOT IN (SELECT guild_id FROM left_guilds)
             AND NOT EXISTS (SELECT 1 FROM silences w WHERE w.id = c.silence_id AND w.starts_at = c.starts_at)
         ORDER BY c.id",
    )
    .bind(now.millis())
    .fetch_all(&reader.pool)
    .await?;
    let obsolete = |(id, guild, event)| ObsoleteEvent {
        id,
        guild_id: GuildId::from_row(guild),
        event: EventId::from_row(event),
    };
    Ok(rows.into_iter().map(obsolete).collect())
}

/// Forgets an event that has been deleted.
pub async fn remove(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM calendar_events WHERE id = $1")
        .bind(id)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Forgets the events that are over; returns how many.
pub async fn prune(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    let deleted = sqlx::query("DELETE FROM calendar_events WHERE ends_at <= $1")
        .bind(now.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(deleted.rows_affected())
}
