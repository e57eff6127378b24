//! Begins and ends maintenance at its times, and shows what is to come as a scheduled event in Discord where the bot may.

use std::time::Duration;

use super::Context;
use crate::actions::maintenance;
use crate::domain::Timestamp;
use crate::notify::messenger::{Messenger, SendFailure};
use crate::store::StoreError;
use crate::store::maintenance::{self as rows, Maintenance};

pub(super) const NAME: &str = "maintain";
pub(super) const PERIOD: Duration = Duration::from_secs(5);

/// Discord takes no event that is to begin this soon.
const AHEAD: Duration = Duration::from_secs(60);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let changed = maintenance::apply_due(&context.store, now).await?;
    if let Some(messenger) = &context.messenger {
        show(context, &**messenger, now).await?;
    }
    Ok(format!("{changed} have begun or ended"))
}

async fn show(
    context: &Context,
    messenger: &dyn Messenger,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = rows::list(&context.store.reader, None).await?;
    let is_to_come = |one: &Maintenance| {
        one.discord_event.is_none() && !one.is_running && one.window.starts_at > now.plus(AHEAD)
    };
    for one in known.into_iter().filter(is_to_come) {
        let made = messenger
            .create_event(one.guild_id.0, &one.title, one.window)
            .await;
        let event = match made {
            Ok(event) => event,
            // Whether it may be shown is Discord's to say; it happens all the same.
            Err(SendFailure::Broken(_) | SendFailure::Rejected(_)) => 0,
            Err(_) => continue,
        };
        context
            .store
            .writer
            .transact::<(), StoreError>(move |tx| Box::pin(rows::shown(tx, one.id, event)))
            .await?;
    }
    Ok(())
}
