//! Determines the probable cause of an open incident and stores it with the incident.

use crate::domain::incidents::cause::{Cause, judge};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::patch::Patch;
use crate::store::incidents::evidence;
use crate::store::incidents::incident::{self, Incident};
use crate::store::{Store, StoreError};

/// Judges the cause of an incident again; returns how it changed.
/// With `notify`, the change makes a new revision, which is delivered to every destination.
pub async fn diagnose(
    store: &Store,
    known: &Incident,
    notify: bool,
) -> Result<Patch<Cause>, StoreError> {
    if known.kind != NotificationKind::Incident || known.ended_at.is_some() {
        return Ok(Patch::Keep);
    }
    let found = judge(&evidence::about(&store.reader, known).await?);
    let is_same = match (&found, &known.cause) {
        (Some(found), Some(before)) => found.is_like(before),
        (None, None) => true,
        _ => false,
    };
    if is_same {
        return Ok(Patch::Keep);
    }
    let (id, cause) = (known.id, found.clone());
    store
        .writer
        .transact::<(), StoreError>(move |tx| {
            Box::pin(async move { incident::judged(tx, id, cause.as_ref(), notify).await })
        })
        .await?;
    Ok(Patch::from(found))
}
