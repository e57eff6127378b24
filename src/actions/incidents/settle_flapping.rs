//! Ends flapping in both directions: a monitor that has been online for long enough is stable again, and one that has been
//! offline for long enough has an outage like any other, with an incident of its own.

use crate::actions::incidents::notify;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::observation_windows::ObservationWindows;
use crate::domain::incidents::flapping::{SETTLED_DOWN, WINDOW};
use crate::store::incidents::incident::{self, FlappingOutage};
use crate::store::notifications::alert_override;
use crate::store::silences::silence;
use crate::store::{Store, StoreError, Tx};

/// How many monitors are stable again, and how many stayed offline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    pub stable: u64,
    pub offline: u64,
}

/// Ends the flapping that is over. Only time that Rollcall observed counts against a monitor.
pub async fn settle(
    store: &Store,
    windows: &ObservationWindows,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let (mut settled, mut failure) = (Settled::default(), None);
    for guild in incident::guilds_with_flapping(&store.reader).await? {
        // A guild in which this fails does not keep the others from it.
        match settle_in(store, guild, windows.clone(), now).await {
            Ok(here) => {
                settled.stable += here.stable;
                settled.offline += here.offline;
            }
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(settled), Err)
}

async fn settle_in(
    store: &Store,
    guild: GuildId,
    windows: ObservationWindows,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let stable = incident::end_flapping(tx, guild, now.minus(WINDOW), now).await?;
                let mut offline = 0;
                for outage in incident::flapping_since(tx, guild, now.minus(SETTLED_DOWN)).await? {
                    if windows.between(outage.opened.started_at, now) >= SETTLED_DOWN {
                        offline += u64::from(settle_down(tx, outage, now).await?);
                    }
                }
                Ok(Settled { stable, offline })
            })
        })
        .await
}

/// Moves an outage to an incident that is posted, mentions its role, and escalates like any other. Returns whether it did:
/// while nobody would be notified, the monitor goes on flapping.
async fn settle_down(
    tx: &mut Tx<'_>,
    outage: FlappingOutage,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let monitor = outage.opened.monitor.id;
    let own = alert_override::of(tx, monitor).await?;
    if silence::of(tx, monitor, now).await?.is_some() || own.is_some_and(|own| !own.notify) {
        return Ok(false);
    }
    let role = own.and_then(|own| own.role);
    let Some(incident) = notify::again(tx, outage.opened, role, now).await? else {
        return Ok(false);
    };
    incident::outage_left(tx, outage, incident, now).await?;
    Ok(true)
}

#[cfg(test)]
#[path = "settle_flapping_tests.rs"]
mod tests;
