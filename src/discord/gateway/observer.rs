//! Passes the relay's reports on to the health check and the metrics.

use std::sync::Arc;
use std::time::Duration;

use discord_gateway_relay::{Membership, Observer, Stage};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::health::{Gateway, Health};
use crate::metrics::Metrics;

/// Records the state of every shard.
#[derive(Debug)]
pub(super) struct GatewayObserver {
    pub health: Arc<Health>,
    pub metrics: Arc<Metrics>,
    /// To the recorder of the guilds.
    pub memberships: mpsc::UnboundedSender<Membership>,
}

impl GatewayObserver {
    fn update_gateway_up(&self) {
        let is_ready = self.health.gateway() == Gateway::Ready;
        self.metrics.gateway_up.set(i64::from(is_ready));
    }
}

impl Observer for GatewayObserver {
    fn shards_reset(&self, count: usize) {
        self.health.begin_shards(count);
        self.update_gateway_up();
    }

    fn stage(&self, shard: usize, stage: Stage) {
        self.health.change_shard(shard, |known| known.stage = stage);
        self.update_gateway_up();
    }

    fn guilds(&self, shard: usize, count: usize) {
        self.health
            .change_shard(shard, |known| known.guilds = count);
    }

    fn membership(&self, membership: Membership) {
        // The receiver lives as long as the thread of Discord.
        let _ = self.memberships.send(membership);
    }

    fn latency(&self, shard: usize, latency: Duration) {
        self.health
            .change_shard(shard, |known| known.latency = Some(latency));
        if let Some(slowest) = self.health.latency() {
            self.metrics
                .gateway_latency_seconds
                .set(slowest.as_secs_f64());
        }
    }

    fn reconnect(&self, reason: &'static str) {
        self.health.note_reconnect(Clock::SYSTEM.now().day());
        self.metrics
            .gateway_reconnects
            .with_label_values(&[reason])
            .inc();
    }

    fn identify(&self) {
        self.metrics.gateway_identifies.inc();
    }

    fn resume(&self) {
        self.metrics.gateway_resumes.inc();
    }

    fn activity(&self) {
        self.health.note_activity();
    }
}
