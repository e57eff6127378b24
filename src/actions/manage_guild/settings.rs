//! The settings of a guild that its managers change in Discord.

use serde_json::{Value, json};

use crate::actions::field_changes::FieldChanges;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::silences::maintenance::Tz;
use crate::store::guild::guild_setting;
use crate::store::{Effect, Store, event};

/// Sets the time zone in which the days and months of the history are cut; `Nothing` if it was so already.
pub async fn set_timezone(
    store: &Store,
    requester: Requester,
    zone: Tz,
    now: Timestamp,
) -> Result<Effect, Error> {
    let before = guild_setting::timezone(&store.reader, requester.guild).await?;
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                if guild_setting::set_timezone(tx, requester.guild, zone).await? == Effect::Nothing
                {
                    return Ok(Effect::Nothing);
                }
                let changes = FieldChanges::default().field("timezone", before.name(), zone.name());
                let details = json!({ "changes": Value::from(changes) });
                let event = requester.event(EventKind::SettingsChanged, None, details, now);
                event::append(tx, &event).await?;
                Ok(Effect::Changed)
            })
        })
        .await
}
