//! Adds monitors to user-defined groups, and removes them.

use serde_json::json;

use super::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::monitor::{MonitorId, parse_name};
use crate::store::event;
use crate::store::monitors::group;
use crate::store::{Effect, Store};

/// Puts a monitor into the group of that name, or into none (`None`); returns the name as it is stored.
pub async fn set(
    store: &Store,
    requester: Requester,
    monitor: MonitorId,
    name: Option<String>,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let name = name.map(|name| parse_name(&name)).transpose();
    let name = name.map_err(|error| Error::Invalid(format!("`group`: {error}")))?;
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if group::set(tx, requester.guild, monitor, name.as_deref()).await?
                    == Effect::Nothing
                {
                    return Err(Error::NotFound("this monitor does not exist".into()));
                }
                let details = json!({ "group": name });
                event::append(
                    tx,
                    &requester.event(EventKind::MonitorGrouped, Some(monitor), details, now),
                )
                .await?;
                Ok(name)
            })
        })
        .await
}
