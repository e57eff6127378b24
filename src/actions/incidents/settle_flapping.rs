//! Ends flapping in both directions: an incident whose monitors have been online for long enough is stable again, and a
//! monitor that has been offline for long enough has an outage like any other, with an incident of its own.

use crate::actions::incidents::notify;
use crate::domain::Timestamp;
use crate::domain::incidents::flapping::{SETTLED_DOWN, WINDOW};
use crate::store::incidents::incident;
use crate::store::incidents::outage::Opened;
use crate::store::notifications::alert_override;
use crate::store::silences::silence;
use crate::store::{Store, StoreError, Tx};

/// How many incidents are stable again, and how many monitors are offline for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    pub stable: u64,
    pub offline: u64,
}

/// Ends the flapping that is over.
pub async fn settle(store: &Store, now: Timestamp) -> Result<Settled, StoreError> {
    if !incident::has_flapping(&store.reader).await? {
        return Ok(Settled::default());
    }
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let stable = incident::end_flapping(tx, now.minus(WINDOW), now).await?;
                let offline = settle_down(tx, now).await?;
                Ok(Settled { stable, offline })
            })
        })
        .await
}

/// The new incident of each is posted, mentions its role, and starts its escalation like any other.
async fn settle_down(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    let mut settled = 0;
    for one in incident::flapping_since(tx, now.minus(SETTLED_DOWN)).await? {
        let own = alert_override::of(tx, one.monitor.id).await?;
        let is_silenced = silence::of(tx, one.monitor.id, now).await?.is_some();
        if is_silenced || own.is_some_and(|own| !own.notify) {
            continue;
        }
        let opened = Opened {
            id: one.id,
            monitor: one.monitor,
            started_at: one.started_at,
        };
        let role = own.and_then(|own| own.role);
        let incident = notify::begin(tx, opened, role, now).await?;
        incident::outage_left(tx, one.incident, incident, now).await?;
        settled += 1;
    }
    Ok(settled)
}
