//! Boards: one message per guild that shows all its monitors.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId, MessageId, MessageRef};
use crate::domain::monitor::MonitorKind;
use crate::domain::status::Status;
use crate::store::devices::device::status_of;
use crate::store::{Effect, Reader, StoreError, Tx};

/// A guild's board: its message, its content, and its failed attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    pub guild_id: GuildId,
    pub channel: ChannelId,
    /// `None`: the message has yet to be posted.
    pub message: Option<MessageId>,
    pub message_count: u32,
    /// A hash of the shown content, and when that was posted.
    pub content_hash: i64,
    pub posted_at: Timestamp,
    pub attempts: u32,
    pub next_try_at: Timestamp,
    pub broken_reason: Option<String>,
}

/// A monitor on a board.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoardLine {
    pub kind: MonitorKind,
    pub name: String,
    pub group: Option<String>,
    pub status: Status,
    pub since: Timestamp,
}

fn read(row: &SqliteRow) -> Result<Board, StoreError> {
    let message: Option<i64> = row.try_get("message_id")?;
    Ok(Board {
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        channel: ChannelId::from_row(row.try_get("channel_id")?),
        message: message.map(MessageId::from_row),
        message_count: row.try_get("message_count")?,
        content_hash: row.try_get("content_hash")?,
        posted_at: Timestamp::from_millis(row.try_get("posted_at")?),
        attempts: row.try_get("attempts")?,
        next_try_at: Timestamp::from_millis(row.try_get("next_try_at")?),
        broken_reason: row.try_get("broken_reason")?,
    })
}

/// All boards.
pub async fn all(reader: &Reader) -> Result<Vec<Board>, StoreError> {
    let rows = sqlx::query("SELECT * FROM boards ORDER BY guild_id")
        .fetch_all(&reader.pool)
        .await?;
    rows.iter().map(read).collect()
}

/// A guild's board.
pub async fn get(reader: &Reader, guild: GuildId) -> Result<Option<Board>, StoreError> {
    let row = sqlx::query("SELECT * FROM boards WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

#[derive(sqlx::FromRow)]
struct LineRow {
    kind: String,
    name: String,
    group_name: Option<String>,
    status: String,
    since: i64,
}

/// All monitors of a guild: by group, in each group by status with offline first, then by name.
pub async fn lines(reader: &Reader, guild: GuildId) -> Result<Vec<BoardLine>, StoreError> {
    let rows: Vec<LineRow> = sqlx::query_as(
        "SELECT kind, name, group_name, status, since FROM monitors WHERE guild_id = $1
         ORDER BY group_name IS NULL, group_name,
             CASE status WHEN 'offline' THEN 0 WHEN 'warning' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END, name, id",
    )
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    let line = |row: LineRow| {
        let damaged = |_| StoreError::Damaged(format!("the kind {} of a monitor", row.kind));
        Ok(BoardLine {
            kind: row.kind.parse().map_err(damaged)?,
            name: row.name,
            group: row.group_name,
            status: status_of(&row.status)?,
            since: Timestamp::from_millis(row.since),
        })
    };
    rows.into_iter().map(line).collect()
}

/// Sets the message of a guild's board; returns the previous message.
pub async fn set(
    tx: &mut Tx<'_>,
    guild: GuildId,
    posted: MessageRef,
) -> Result<Option<MessageRef>, StoreError> {
    let before: Option<(i64, Option<i64>)> =
        sqlx::query_as("SELECT channel_id, message_id FROM boards WHERE guild_id = $1")
            .bind(guild.to_row())
            .fetch_optional(&mut *tx.connection)
            .await?;
    sqlx::query(
        "INSERT INTO boards (guild_id, channel_id, message_id, message_count) VALUES ($1, $2, $3, 1)
         ON CONFLICT (guild_id) DO UPDATE SET channel_id = excluded.channel_id, message_id = excluded.message_id,
             message_count = boards.message_count + 1, content_hash = 0, attempts = 0, next_try_at = 0, broken_reason = NULL",
    )
    .bind(guild.to_row())
    .bind(posted.channel.to_row())
    .bind(posted.message.to_row())
    .execute(&mut *tx.connection)
    .await?;
    Ok(before.and_then(|(channel, message)| message_ref(channel, message)))
}

/// A removed board, and its message if it had been posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    pub message: Option<MessageRef>,
}

fn message_ref(channel: i64, message: Option<i64>) -> Option<MessageRef> {
    Some(MessageRef {
        channel: ChannelId::from_row(channel),
        message: MessageId::from_row(message?),
    })
}

/// Removes a guild's board; `None` if the guild had none.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId) -> Result<Option<Removed>, StoreError> {
    let deleted: Option<(i64, Option<i64>)> =
        sqlx::query_as("DELETE FROM boards WHERE guild_id = $1 RETURNING channel_id, message_id")
            .bind(guild.to_row())
            .fetch_optional(&mut *tx.connection)
            .await?;
    Ok(deleted.map(|(channel, message)| Removed {
        message: message_ref(channel, message),
    }))
}

/// Records the message and the content of a board; `Nothing` if the board has been moved meanwhile.
pub async fn posted(
    tx: &mut Tx<'_>,
    known: &Board,
    message: MessageId,
    content_hash: i64,
    now: Timestamp,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE boards SET message_id = $2, content_hash = $3, posted_at = $4, attempts = 0, next_try_at = 0
         WHERE guild_id = $1 AND message_count = $5",
    )
    .bind(known.guild_id.to_row())
    .bind(message.to_row())
    .bind(content_hash)
    .bind(now.millis())
    .bind(known.message_count)
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// Records that a message was deleted; `Changed` if it was a board, which is then posted again.
pub async fn lost(tx: &mut Tx<'_>, message: MessageId) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE boards SET message_id = NULL, message_count = message_count + 1, posted_at = 0 WHERE message_id = $1",
    )
    .bind(message.to_row())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event |= changed.rows_affected() > 0;
    Ok(Effect::of(&changed))
}

/// Records a failed attempt. The next one is not before `next`; with `broken`, the reason why somebody must act first,
/// there is none.
pub async fn failed(
    tx: &mut Tx<'_>,
    guild: GuildId,
    next: Timestamp,
    broken: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE boards SET attempts = attempts + 1, next_try_at = $2, broken_reason = $3 WHERE guild_id = $1",
    )
    .bind(guild.to_row())
    .bind(next.millis())
    .bind(broken)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    const fn at(channel: u64, message: u64) -> MessageRef {
        MessageRef {
            channel: ChannelId(channel),
            message: MessageId(message),
        }
    }

    #[tokio::test]
    async fn a_late_update_does_not_undo_a_move_and_a_lost_board_is_posted_again() {
        let store = TestStore::open().await;
        let now = Timestamp::from_millis(7);
        store.write(|tx| Box::pin(set(tx, HOME, at(5, 50)))).await;
        let before = get(&store.reader, HOME).await.unwrap().unwrap();
        let (late, in_time) = store
            .write(move |tx| {
                Box::pin(async move {
                    assert_eq!(set(tx, HOME, at(6, 60)).await?, Some(at(5, 50)));
                    let late = posted(tx, &before, MessageId(51), 9, now).await?;
                    let moved = Board {
                        message_count: before.message_count + 1,
                        ..before
                    };
                    Ok((late, posted(tx, &moved, MessageId(60), 9, now).await?))
                })
            })
            .await;
        assert_eq!((late, in_time), (Effect::Nothing, Effect::Changed));
        let known = get(&store.reader, HOME).await.unwrap().unwrap();
        assert_eq!(
            (known.channel, known.message, known.content_hash),
            (ChannelId(6), Some(MessageId(60)), 9)
        );
        let lost = store
            .write(|tx| {
                Box::pin(async move {
                    Ok((
                        lost(tx, MessageId(50)).await?,
                        lost(tx, MessageId(60)).await?,
                    ))
                })
            })
            .await;
        assert_eq!(lost, (Effect::Nothing, Effect::Changed));
        let known = get(&store.reader, HOME).await.unwrap().unwrap();
        assert_eq!((known.message, known.message_count), (None, 3));
    }
}
