//! Boards: one message per guild that shows all its monitors. A board is a delivery without an incident.

use super::delivery::message_ref;
use super::destination;
use crate::domain::Timestamp;
use crate::domain::discord_id::{GuildId, MessageId, MessageRef};
use crate::domain::monitor::MonitorKind;
use crate::domain::notifications::destinations::DestinationKind;
use crate::domain::status::Status;
use crate::store::devices::device::status_of;
use crate::store::{Effect, Reader, StoreError, Tx};

/// A monitor on a board.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoardLine {
    pub kind: MonitorKind,
    pub name: String,
    pub group: Option<String>,
    pub status: Status,
    pub since: Timestamp,
}

/// Whether a guild has a board.
pub async fn exists(reader: &Reader, guild: GuildId) -> Result<bool, StoreError> {
    let board = destination::only(reader, guild, DestinationKind::Board).await?;
    Ok(board.is_some())
}

/// Whether a message is a board.
pub async fn is_board(reader: &Reader, message: MessageId) -> Result<bool, StoreError> {
    let is_board: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM deliveries WHERE incident_id IS NULL AND message_id = $1)",
    )
    .bind(message.to_row())
    .fetch_one(&reader.pool)
    .await?;
    Ok(is_board)
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

/// Sets the message of a guild's board; returns the previous message. A monitor may have changed while it was posted, so it is
/// shown again.
pub async fn set(
    tx: &mut Tx<'_>,
    guild: GuildId,
    posted: MessageRef,
    now: Timestamp,
) -> Result<Option<MessageRef>, StoreError> {
    let kind = DestinationKind::Board;
    let board = destination::set_only(tx, guild, kind, posted.channel.to_row()).await?;
    let known: Option<(i64, Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT id, channel_id, message_id FROM deliveries WHERE destination_id = $1 AND incident_id IS NULL",
    )
    .bind(board.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    let sql = match known {
        Some(_) => {
            "UPDATE deliveries SET channel_id = $2, message_id = $3, delivered_at = $4, lost_messages = lost_messages + 1,
                 delivered_revision = wanted_revision, wanted_revision = wanted_revision + 1
             WHERE destination_id = $1 AND incident_id IS NULL"
        }
        None => {
            "INSERT INTO deliveries (destination_id, channel_id, message_id, delivered_at, wanted_revision, delivered_revision)
             VALUES ($1, $2, $3, $4, 2, 1)"
        }
    };
    sqlx::query(sql)
        .bind(board.0)
        .bind(posted.channel.to_row())
        .bind(posted.message.to_row())
        .bind(now.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(known.and_then(|(_, channel, message)| message_ref(channel, message)))
}

/// A removed board, and its message if it had been posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    pub message: Option<MessageRef>,
}

/// Removes a guild's board; `None` if the guild had none.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId) -> Result<Option<Removed>, StoreError> {
    let found: Option<(Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT d.channel_id, d.message_id FROM deliveries d JOIN destinations t ON t.id = d.destination_id
         WHERE t.guild_id = $1 AND t.kind = 'board'",
    )
    .bind(guild.to_row())
    .fetch_optional(&mut *tx.connection)
    .await?;
    let removed = destination::remove(tx, guild, DestinationKind::Board, None).await?;
    let message = found.and_then(|(channel, message)| message_ref(channel, message));
    Ok((removed == Effect::Changed).then_some(Removed { message }))
}

/// Records that a message was deleted; `Changed` if it was a board, which is then posted again.
pub async fn lost(tx: &mut Tx<'_>, message: MessageId) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE deliveries SET message_id = NULL, lost_messages = lost_messages + 1, wanted_revision = wanted_revision + 1, next_try_at = 0
         WHERE incident_id IS NULL AND message_id = $1",
    )
    .bind(message.to_row())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event |= changed.rows_affected() > 0;
    Ok(Effect::of(&changed))
}

/// The boards whose message was last posted or edited before the given time are shown again, so that one deleted while
/// Rollcall was not running reappears. `Nothing` if there are none.
pub async fn refresh(tx: &mut Tx<'_>, before: Timestamp) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE deliveries SET wanted_revision = wanted_revision + 1
         WHERE incident_id IS NULL AND delivered_at < $1 AND delivered_revision >= wanted_revision",
    )
    .bind(before.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event |= changed.rows_affected() > 0;
    Ok(Effect::of(&changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::ChannelId;
    use crate::domain::monitor::MonitorId;
    use crate::store::notifications::delivery::{self, Delivery, Receipt};
    use crate::store::notifications::queue::{self, Held};
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    const fn message(channel: u64, message: u64) -> MessageRef {
        MessageRef {
            channel: ChannelId(channel),
            message: MessageId(message),
        }
    }

    /// The board of the guild, if it waits to be shown.
    async fn waiting(store: &TestStore, second: i64) -> Option<Delivery> {
        let held = Held {
            discord: false,
            incidents: true,
        };
        let due = queue::due(&store.reader, held, at(second)).await.unwrap();
        let id = due.first()?.id;
        let pending = queue::pending(&store.reader, id, held, at(second)).await;
        pending.unwrap().into_iter().next().map(|(board, _)| board)
    }

    #[tokio::test]
    async fn a_board_waits_to_be_shown_after_every_change_of_a_monitor() {
        let store = TestStore::open().await;
        store
            .write(|tx| Box::pin(set(tx, HOME, message(5, 50), at(0))))
            .await;
        let mut second = 0;
        let mut shown = async |what: &str, is_changed: bool| {
            second += 10;
            let known = waiting(&store, second).await;
            assert_eq!(known.is_some(), is_changed, "{what}");
            let Some(known) = known else { return };
            let receipt = Receipt {
                has_picture: false,
                revision: known.wanted_revision,
                message: known.message,
                at: at(second),
                next_try_at: at(second + 5),
            };
            let delivered = store
                .write(move |tx| {
                    Box::pin(async move { delivery::delivered(tx, &known, receipt).await })
                })
                .await;
            assert_eq!(delivered, Effect::Changed);
        };
        shown("it was posted", true).await;
        shown("nothing", false).await;
        let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
        shown("a new monitor", true).await;
        store.add_endpoint(GuildId(2), "tcp://192.0.2.1:1").await;
        shown("a monitor of another guild", false).await;
        store
            .set_status(id, Status::Unknown, Status::Online, at(1))
            .await;
        shown("a new status", true).await;
        store.execute("UPDATE monitors SET name = 'shop'").await;
        shown("a new name", true).await;
        store
            .execute("UPDATE monitors SET group_name = 'web'")
            .await;
        shown("a new group", true).await;
        store
            .execute("DELETE FROM monitors WHERE guild_id = 1")
            .await;
        shown("a removed monitor", true).await;
        shown("nothing again", false).await;
        let refreshed = store.write(|tx| Box::pin(refresh(tx, at(80)))).await;
        assert_eq!(refreshed, Effect::Nothing);
        let refreshed = store.write(|tx| Box::pin(refresh(tx, at(81)))).await;
        assert_eq!(refreshed, Effect::Changed);
        shown("a long time", true).await;
        assert_eq!(id, MonitorId(1));
    }

    #[tokio::test]
    async fn a_late_update_does_not_undo_a_move_and_a_lost_board_is_posted_again() {
        let store = TestStore::open().await;
        store
            .write(|tx| Box::pin(set(tx, HOME, message(5, 50), at(0))))
            .await;
        let before = waiting(&store, 1).await.unwrap();
        let late = store
            .write(move |tx| {
                Box::pin(async move {
                    let previous = set(tx, HOME, message(6, 60), at(1)).await?;
                    assert_eq!(previous, Some(message(5, 50)));
                    let receipt = Receipt {
                        has_picture: false,
                        revision: before.wanted_revision,
                        message: Some(message(5, 51)),
                        at: at(1),
                        next_try_at: at(1),
                    };
                    delivery::delivered(tx, &before, receipt).await
                })
            })
            .await;
        assert_eq!(late, Effect::Nothing);
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
        let known = waiting(&store, 2).await.unwrap();
        assert_eq!((known.message, known.lost_messages), (None, 2));
        let removed = store.write(|tx| Box::pin(remove(tx, HOME))).await;
        assert_eq!(removed, Some(Removed { message: None }));
        assert!(!exists(&store.reader, HOME).await.unwrap());
    }
}
