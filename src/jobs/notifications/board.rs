//! Keeps the boards up to date with the monitors: a board is edited when something has changed, at most as often as the
//! setting allows. A deleted board is posted again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::Timestamp;
use crate::domain::discord_id::{MessageId, MessageRef};
use crate::jobs::JobContext;
use crate::jobs::reconcile::{self, IDLE, Pass, SHORT, write};
use crate::notify::backoff::backoff;
use crate::notify::messenger::{Messenger, Place, SendFailure};
use crate::store::notifications::board::{self, Board, BoardLine};
use crate::store::{Effect, StoreError};

/// An unchanged board is shown again after this time, so that one deleted while Rollcall was not running reappears.
const REFRESH_EVERY: Duration = Duration::from_secs(900);

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, stop: watch::Receiver<bool>) {
    let work: Pass = |context, messenger| Box::pin(pass(context, messenger));
    reconcile::run(context, "boards", work, stop).await;
}

/// Shows the boards that are due; returns the time until the next one is.
async fn pass(context: &JobContext, messenger: &dyn Messenger) -> Result<Duration, StoreError> {
    let reader = &context.store.reader;
    let mut wait = IDLE;
    for known in board::all(reader).await? {
        let now = context.checks.clock.now();
        let due = due_at(&known, context.board_interval, now);
        if due > now {
            wait = wait.min(due.since(now));
            continue;
        }
        let lines = board::lines(reader, known.guild_id).await?;
        let hash = hash_of(&lines);
        let is_changed = known.message.is_none() || known.content_hash != hash;
        if is_changed || now.since(known.posted_at) >= REFRESH_EVERY {
            show(context, messenger, known, hash, &lines).await?;
            // After a failure, the next pass reads from the database when to try again.
            wait = SHORT;
        }
    }
    Ok(wait)
}

/// When a board may be edited next. A time too far ahead comes from a clock that has been set back since, and counts as now.
fn due_at(known: &Board, interval: Duration, now: Timestamp) -> Timestamp {
    if known.broken_reason.is_some() {
        return Timestamp::from_millis(i64::MAX);
    }
    let due = known.next_try_at.max(known.posted_at.plus(interval));
    let is_possible = due.since(now) <= interval.max(REFRESH_EVERY);
    if is_possible { due } else { now }
}

/// A hash of a board's content, to detect changes.
fn hash_of(lines: &[BoardLine]) -> i64 {
    let mut hasher = DefaultHasher::new();
    lines.hash(&mut hasher);
    i64::from_ne_bytes(hasher.finish().to_ne_bytes())
}

async fn show(
    context: &JobContext,
    messenger: &dyn Messenger,
    known: Board,
    hash: i64,
    lines: &[BoardLine],
) -> Result<(), StoreError> {
    let place = match known.message {
        Some(message) => Place::Existing(MessageRef {
            channel: known.channel,
            message,
        }),
        None => Place::New {
            channel: known.channel,
            mention: None,
            nonce: format!(
                "b{}-{}",
                known.guild_id.0 % 1_000_000_000,
                known.message_count
            ),
        },
    };
    let shown = messenger.show_board(lines, place).await;
    let now = context.checks.clock.now();
    let guild = known.guild_id;
    match shown {
        Ok(message) => {
            let was_new = known.message.is_none();
            let posted = record_posted(context, known, message.message, hash).await?;
            if was_new && posted == Effect::Nothing {
                // Someone moved the board to another channel while it was being posted here.
                if let Err(failure) = messenger.delete_message(message).await {
                    tracing::warn!(%guild, %failure, "cannot delete duplicate board");
                }
            }
            Ok(())
        }
        Err(SendFailure::MessageGone) => {
            let Some(lost) = known.message else {
                return Ok(());
            };
            write(context, move |tx| {
                Box::pin(async move { board::lost(tx, lost).await.map(drop) })
            })
            .await
        }
        Err(failure) => {
            tracing::warn!(%guild, %failure, "cannot update board");
            let (after, broken) = match failure {
                SendFailure::Broken(reason) | SendFailure::Rejected(reason) => (None, Some(reason)),
                SendFailure::Later { after, .. } => (after, None),
                SendFailure::MessageGone | SendFailure::Refused => (Some(IDLE), None),
            };
            let wait = backoff(known.attempts, fastrand::f64()).max(after.unwrap_or_default());
            let next = now.plus(wait.max(SHORT));
            write(context, move |tx| {
                Box::pin(async move { board::failed(tx, guild, next, broken.as_deref()).await })
            })
            .await
        }
    }
}

async fn record_posted(
    context: &JobContext,
    known: Board,
    message: MessageId,
    content_hash: i64,
) -> Result<Effect, StoreError> {
    let now = context.checks.clock.now();
    context
        .store
        .writer
        .transact(move |tx| {
            Box::pin(async move { board::posted(tx, &known, message, content_hash, now).await })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::{ChannelId, GuildId};
    use crate::domain::monitor::MonitorKind;
    use crate::domain::status::Status;

    #[test]
    fn a_board_is_due_by_its_last_edit_and_its_next_attempt() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let known = |shown: i64, next: i64, broken: bool| Board {
            guild_id: GuildId(1),
            channel: ChannelId(5),
            message: Some(MessageId(6)),
            message_count: 1,
            content_hash: 0,
            posted_at: at(shown),
            attempts: 0,
            next_try_at: at(next),
            broken_reason: broken.then(|| "gone".into()),
        };
        for (known, due) in [
            (known(100, 0, false), 160),
            (known(100, 300, false), 300),
            (known(0, 0, false), 60),
        ] {
            assert_eq!(due_at(&known, Duration::from_secs(60), at(100)), at(due));
        }
        let set_back = due_at(&known(9_000, 0, false), Duration::from_secs(60), at(100));
        assert_eq!(set_back, at(100));
        let never = due_at(&known(0, 0, true), Duration::from_secs(60), at(100));
        assert_eq!(never, Timestamp::from_millis(i64::MAX));
    }

    #[test]
    fn different_content_has_a_different_hash() {
        let line = |status| BoardLine {
            kind: MonitorKind::Endpoint,
            name: "shop".into(),
            group: None,
            status,
            since: Timestamp::from_millis(7),
        };
        let up = hash_of(&[line(Status::Online)]);
        assert_eq!(up, hash_of(&[line(Status::Online)]));
        assert_ne!(up, hash_of(&[line(Status::Offline)]));
        assert_ne!(up, hash_of(&[]));
    }
}
