//! Counts what waits to be delivered, for the metrics and to know when the next attempt is due. With very many pending deliveries
//! that takes longer than a delivery, so it is not done after each of them.

use std::time::Duration;

use super::context::DeliveryContext;
use crate::clock::Stopwatch;
use crate::domain::notifications::destinations::DestinationKind;
use crate::store::StoreError;
use crate::store::notifications::queue;

/// Counting may take one part in this many of the time.
const SHARE: u32 = 20;

/// The longest time between two counts while there is something to do.
const LONGEST: Duration = Duration::from_secs(1);

/// The last count.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    counted: Option<Counted>,
}

#[derive(Debug)]
struct Counted {
    since: Stopwatch,
    /// How long it took.
    cost: Duration,
}

impl Counted {
    /// The time until it is counted again.
    fn stays_for(&self) -> Duration {
        let length = self.cost.saturating_mul(SHARE).min(LONGEST);
        length.saturating_sub(self.since.elapsed())
    }
}

impl Backlog {
    /// The time until the next attempt is due, or the backlog is to be counted again.
    pub(super) async fn until_next(
        &mut self,
        context: &DeliveryContext,
    ) -> Result<Duration, StoreError> {
        if let Some(counted) = &self.counted
            && !counted.stays_for().is_zero()
        {
            // What was postponed since then is not in it.
            return Ok(counted.stays_for());
        }
        let now = context.clock.now();
        let clock = Stopwatch::start();
        let waiting = queue::waiting(&context.store.reader, now).await?;
        for kind in DestinationKind::ALL {
            let count = waiting.counts.get(kind).copied().unwrap_or_default();
            let gauge = &context.metrics.notifications_pending;
            gauge
                .with_label_values(&[kind.as_str()])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        if !waiting.is_for_discord {
            context.health.no_message_waits();
        }
        self.counted = Some(Counted {
            since: Stopwatch::start(),
            cost: clock.elapsed(),
        });
        let next = waiting.next.map(|next| next.since(now));
        Ok(next.unwrap_or(Duration::MAX))
    }
}
