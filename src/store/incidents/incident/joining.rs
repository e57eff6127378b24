//! Monitors that join an incident after people have read its message.

use super::{acknowledgment, kind};
use crate::domain::Timestamp;
use crate::domain::event::Actor;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::store::{StoreError, Tx};

/// An incident that monitors join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinedIncident {
    pub created_at: Timestamp,
    /// Whether its message has been posted in the channel.
    pub is_posted: bool,
    pub acknowledged_by: Option<Actor>,
    /// The latest message about monitors that joined it.
    pub reply: Option<JoinedReply>,
}

/// A message about monitors that joined an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinedReply {
    pub id: IncidentId,
    /// When it was to be sent.
    pub at: Timestamp,
    /// Whether it has not been sent yet.
    pub is_pending: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    created_at: i64,
    is_posted: bool,
    acknowledged_by: Option<i64>,
    acknowledged_key: Option<String>,
    joined_reply_id: Option<i64>,
    joined_reply_at: Option<i64>,
    is_pending: bool,
}

/// What decides whether and when a message says that a monitor has joined an incident; `None` if it has been removed.
pub async fn joined(tx: &mut Tx<'_>, id: IncidentId) -> Result<Option<JoinedIncident>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT i.created_at, i.acknowledged_by, i.acknowledged_key, i.joined_reply_id, i.joined_reply_at,
             EXISTS (SELECT 1 FROM deliveries d JOIN destinations t ON t.id = d.destination_id
                     WHERE d.incident_id = i.id AND t.kind = 'channel' AND d.message_id IS NOT NULL) AS is_posted,
             EXISTS (SELECT 1 FROM deliveries d
                     WHERE d.incident_id = i.joined_reply_id AND d.delivered_revision = 0) AS is_pending
         FROM incidents i WHERE i.id = $1",
    )
    .bind(id.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    let joined = |row: Row| {
        let reply = row.joined_reply_id.zip(row.joined_reply_at);
        let key = row.acknowledged_key.as_deref();
        Ok(JoinedIncident {
            created_at: Timestamp::from_millis(row.created_at),
            is_posted: row.is_posted,
            acknowledged_by: acknowledgment::actor(row.acknowledged_by, key)?,
            reply: reply.map(|(id, at)| JoinedReply {
                id: IncidentId(id),
                at: Timestamp::from_millis(at),
                is_pending: row.is_pending,
            }),
        })
    };
    row.map(joined).transpose()
}

/// Records the latest message about monitors that joined an incident.
pub async fn set_joined_reply(
    tx: &mut Tx<'_>,
    id: IncidentId,
    reply: IncidentId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE incidents SET joined_reply_id = $2, joined_reply_at = $3 WHERE id = $1")
        .bind(id.0)
        .bind(reply.0)
        .bind(at.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Replaces the details of a message that has not been sent yet.
pub async fn amend(
    tx: &mut Tx<'_>,
    id: IncidentId,
    kind: &NotificationKind,
) -> Result<(), StoreError> {
    let (_, details) = kind::to_row(kind);
    sqlx::query("UPDATE incidents SET details = $2 WHERE id = $1")
        .bind(id.0)
        .bind(details)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}
