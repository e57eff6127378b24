//! What people may add: the shortest interval, the ports of a host, and new hosts per hour.
//!
//! The operator's command line is exempt, and so are addresses in `PROBE_ALLOW`, as they are typed. A name is never exempt:
//! it may lead elsewhere tomorrow. Guild 0 is not exempt, because API keys work for it, too.

use std::time::Duration;

use outbound_policy::AddressPolicy;

use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::endpoints::host_allowance::{
    HostAllowance, MAX_NEW_HOSTS, MAX_PORTS_OF_A_HOST, NEW_HOSTS_PERIOD,
};
use crate::domain::endpoints::target::{Host, Target};
use crate::domain::event::Actor;
use crate::domain::text::short_duration;
use crate::store::endpoints::endpoint::{Description, Endpoint, Scheduled};
use crate::store::endpoints::host_additions;
use crate::store::{Store, StoreError, Tx};

/// The limits of what people may add.
#[derive(Clone, Debug, Default)]
pub struct EndpointLimits {
    /// The maximum number of endpoints of a guild.
    pub quota: u64,
    /// The shortest interval that people may set.
    pub min_interval: Duration,
    /// Addresses that are exempt.
    pub exempt: AddressPolicy,
}

/// A store with the limits of what is added to it.
#[derive(Clone, Copy, Debug)]
pub struct LimitedStore<'a> {
    pub store: &'a Store,
    pub limits: &'a EndpointLimits,
}

/// Why an endpoint may not be added or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request is wrong by itself.
    #[error("{0}")]
    Invalid(String),
    /// The request is refused because of what is stored.
    #[error("{0}")]
    Conflict(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(text) => Self::Invalid(text),
            Refusal::Conflict(text) => Self::Conflict(text),
        }
    }
}

impl EndpointLimits {
    /// The limits of tests and of the command line: only the quota.
    pub fn of_quota(quota: u64) -> Self {
        Self {
            quota,
            ..Self::default()
        }
    }

    /// Refuses an interval that is too short for a target.
    pub fn check_interval(
        &self,
        requester: Requester,
        target: &Target,
        interval: Option<Duration>,
    ) -> Result<(), Refusal> {
        let is_short = interval.is_some_and(|interval| interval < self.min_interval);
        if !is_short || is_operator(requester) || self.is_exempt(target) {
            return Ok(());
        }
        Err(Refusal::Invalid(format!(
            "the interval must be at least {}, unless the operator lowers PROBE_MIN_INTERVAL. Example: `60s`",
            short_duration(self.min_interval)
        )))
    }

    /// The interval at which an endpoint is checked. A stored interval may be shorter than the minimum, because it is older
    /// than the limit.
    pub fn interval(&self, endpoint: &Scheduled, default: Duration) -> Duration {
        match endpoint.interval {
            None => default,
            Some(interval)
                if endpoint.has_operator_interval || self.is_exempt(&endpoint.target) =>
            {
                interval
            }
            Some(interval) => interval.max(self.min_interval),
        }
    }

    /// Whether an address is on the operator's list, so that it has no limits.
    pub fn is_exempt(&self, target: &Target) -> bool {
        match target.host {
            Host::Ip(ip) => self
                .exempt
                .is_listed(std::net::SocketAddr::new(ip, target.port)),
            Host::Name(_) => false,
        }
    }
}

/// Whether the operator acts, at the command line.
pub(super) fn is_operator(requester: Requester) -> bool {
    match requester.actor {
        Actor::CommandLine => true,
        Actor::System | Actor::Member(_) | Actor::Key(_) => false,
    }
}

/// Applies the limits to the targets that one transaction adds.
pub(super) struct Admission<'a> {
    limits: &'a EndpointLimits,
    requester: Requester,
    now: Timestamp,
    allowance: HostAllowance,
}

impl<'a> Admission<'a> {
    pub(super) async fn start(
        tx: &mut Tx<'_>,
        limits: &'a EndpointLimits,
        requester: Requester,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let since = now.minus(NEW_HOSTS_PERIOD);
        let used = host_additions::used(tx, requester.guild, since).await?;
        Ok(Self {
            limits,
            requester,
            now,
            allowance: HostAllowance::new(limits.quota, used),
        })
    }

    pub(super) fn requester(&self) -> Requester {
        self.requester
    }

    /// Refuses a target that the guild may not add now. `before`: the endpoint whose target it becomes.
    pub(super) async fn admit(
        &mut self,
        tx: &mut Tx<'_>,
        description: &Description,
        before: Option<&Endpoint>,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let (target, guild) = (&description.target, self.requester.guild);
        if before.is_none()
            && let Err(refusal) =
                self.limits
                    .check_interval(self.requester, target, description.interval)
        {
            return Ok(Err(refusal));
        }
        if is_operator(self.requester) || self.limits.is_exempt(target) {
            return Ok(Ok(()));
        }
        let ports =
            host_additions::ports(tx, guild, &target.host, before.map(|before| before.id)).await?;
        if ports.contains(&target.port) {
            return Ok(Ok(()));
        }
        if ports.len() >= MAX_PORTS_OF_A_HOST {
            return Ok(Err(Refusal::Conflict(format!(
                "`{}` has endpoints on {MAX_PORTS_OF_A_HOST} ports already, which is the limit. Remove one of them first",
                target.host
            ))));
        }
        let is_known = before.is_some_and(|before| before.description.target.host == target.host);
        if ports.is_empty() && !is_known && !self.allowance.take() {
            return Ok(Err(self.too_many_hosts(tx).await?));
        }
        Ok(Ok(()))
    }

    /// Stores how many new hosts were admitted.
    pub(super) async fn record(self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let (guild, new) = (self.requester.guild, self.allowance.taken());
        host_additions::record(tx, guild, new, self.now, NEW_HOSTS_PERIOD).await
    }

    async fn too_many_hosts(&self, tx: &mut Tx<'_>) -> Result<Refusal, StoreError> {
        let since = self.now.minus(NEW_HOSTS_PERIOD);
        let oldest = host_additions::oldest(tx, self.requester.guild, since).await?;
        let free_at = oldest.unwrap_or(self.now).plus(NEW_HOSTS_PERIOD);
        let minutes = free_at.since(self.now).as_secs().div_ceil(60);
        Ok(Refusal::Conflict(format!(
            "this Discord server has added {MAX_NEW_HOSTS} new hosts within an hour, which is the limit. Try again in {minutes} min"
        )))
    }
}

#[cfg(test)]
mod tests;
