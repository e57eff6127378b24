//! Changes silences that are open or planned: their title, and when they end.

use serde_json::{Value, json};

use crate::actions::field_changes::FieldChanges;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::silences::silence::{SilenceId, SilenceKind};
use crate::domain::text;
use crate::store::event;
use crate::store::silences::silence::{self, Silence};
use crate::store::{Effect, Store};

/// Changes to a silence; `None` leaves a part as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SilenceEdit {
    /// Only maintenance has a title.
    pub title: Option<String>,
    /// The end of a silence that happens once.
    pub ends_at: Option<Timestamp>,
}

/// Changes a silence. An end in the past is refused: that is what ending it is for.
///
/// # Errors
/// `NotFound` if the guild has no such silence; `Conflict` if the silence cannot have the change.
pub async fn edit(
    store: &Store,
    requester: Requester,
    id: SilenceId,
    edit: SilenceEdit,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = silence::find(tx, requester.guild, id).await?;
                let known = known.ok_or_else(not_known)?;
                check(&known, &edit, now)?;
                let title = edit.title.as_deref().unwrap_or(&known.title);
                let ends_at = edit.ends_at.unwrap_or(known.window.ends_at);
                let changed = silence::update(tx, requester.guild, id, title, ends_at).await?;
                if changed == Effect::Nothing {
                    return Err(not_known());
                }
                let (from, to) = (
                    text::timestamp(known.window.ends_at),
                    text::timestamp(ends_at),
                );
                let changes = FieldChanges::default()
                    .field("title", known.title.as_str(), title)
                    .field("to", from, to.as_str());
                let details = json!({
                    "silence": id.0, "title": title, "to": to, "changes": Value::from(changes),
                });
                let event = requester.event(EventKind::SilenceEdited, None, details, now);
                Ok(event::append(tx, &event).await?)
            })
        })
        .await
}

fn not_known() -> Error {
    Error::NotFound("this silence has ended or does not exist".into())
}

fn check(known: &Silence, edit: &SilenceEdit, now: Timestamp) -> Result<(), Error> {
    let refuse = |reason: &str| Err(Error::Conflict(reason.into()));
    if edit.title.is_some() && known.kind == SilenceKind::Mute {
        return refuse("a mute has no title");
    }
    let Some(ends_at) = edit.ends_at else {
        return Ok(());
    };
    if known.weekly.is_some() {
        return refuse("weekly maintenance has no single end. End it, and schedule it again");
    }
    if ends_at <= now || ends_at <= known.window.starts_at {
        return refuse(
            "the end must be in the future and after the start. To end it now, delete it",
        );
    }
    match longest(known.kind) < ends_at.since(known.window.starts_at) {
        true => refuse("a mute lasts at most 30 days, and maintenance at most 7 days"),
        false => Ok(()),
    }
}

fn longest(kind: SilenceKind) -> std::time::Duration {
    match kind {
        SilenceKind::Mute => super::start::MUTE_RANGE.1,
        SilenceKind::Maintenance => crate::domain::silences::maintenance::LENGTHS.1,
    }
}
