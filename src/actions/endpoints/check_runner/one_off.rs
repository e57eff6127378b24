//! Checks a target that need not be an endpoint, once and without a record. Every limit of endpoints holds for it: the address
//! policy, the connections per address, and the ports and hosts, so that nobody scans a network with it.

use std::time::Duration;

use super::{CheckRunner, Checked, Postponed};
use crate::clock::Stopwatch;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::target::Target;
use crate::probe::connection_limit::Urgency;
use crate::probe::{Check, RedirectScope};
use crate::store::endpoints::host_additions;
use crate::store::{Store, StoreError};

/// How much later than its time limit a check may end.
const MARGIN: Duration = Duration::from_millis(300);

/// A failure of a target with a name is confirmed by reference names, which takes this long after the check.
const CONFIRMATION: Duration = Duration::from_millis(1_500);

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoResult {
    /// Its turn to connect did not come in time.
    NoTurn,
    /// There was no time to find out whether the target or Rollcall's own network has failed.
    Unconfirmed,
}

/// A check of a target on account of a guild.
#[derive(Clone, Copy, Debug)]
pub struct OneOffCheck<'a> {
    pub guild: GuildId,
    pub target: &'a Target,
    /// `None` for a target without HTTP.
    pub http_check: Option<&'a HttpCheck>,
    /// Including the wait for its turn to connect.
    pub time_limit: Duration,
}

/// Why a target is not checked. `Display` is the start of a sentence.
#[derive(Debug, thiserror::Error)]
pub enum OneOffRefusal {
    #[error(
        "this Discord server has endpoints and probes on {} ports of this host, which is the limit",
        crate::domain::endpoints::host_allowance::MAX_PORTS_OF_A_HOST
    )]
    Ports,
    #[error(
        "this Discord server has probed {} targets that are not its endpoints within an hour, which is the limit. Add endpoints, whose probes do not count",
        crate::domain::endpoints::host_allowance::MAX_NEW_HOSTS
    )]
    Targets,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CheckRunner {
    /// Refuses a target that a guild could not add as an endpoint, either. Its endpoints are always admitted.
    pub async fn admit_one_off(
        &self,
        store: &Store,
        guild: GuildId,
        target: &Target,
    ) -> Result<(), OneOffRefusal> {
        if self.limits.is_exempt(target) {
            return Ok(());
        }
        let ports = host_additions::known_ports(&store.reader, guild, &target.host).await?;
        if ports.contains(&target.port) {
            return Ok(());
        }
        self.one_off_targets.admit(guild, target, &ports)
    }

    /// Checks a target when it is the guild's turn to connect to its address. It waits in the queue of its guild only, with the
    /// scheduled checks: these must not fall behind because of it.
    pub async fn check_once(&self, check: OneOffCheck<'_>) -> Result<Checked, NoResult> {
        let started = Stopwatch::start();
        let end = started.after(check.time_limit + MARGIN);
        let in_time = OneOffCheck {
            time_limit: match check.target.has_name() {
                true => limit_before_confirmation(check.time_limit),
                false => check.time_limit,
            },
            ..check
        };
        let checked = tokio::time::timeout_at(end, self.check_until(in_time, started)).await;
        let mut checked = match checked {
            Ok(checked) => checked.ok_or(NoResult::NoTurn)?,
            Err(_) => return Err(NoResult::Unconfirmed),
        };
        if !checked.result.is_up() {
            let settled = self.connectivity.is_settled(started);
            tokio::time::timeout_at(end, settled)
                .await
                .map_err(|_| NoResult::Unconfirmed)?;
        }
        checked.result = self
            .connectivity
            .trusted(checked.result, check.target.has_name());
        Ok(checked)
    }

    async fn check_until(&self, check: OneOffCheck<'_>, started: Stopwatch) -> Option<Checked> {
        let mut turn = None;
        loop {
            let left = check.time_limit.checked_sub(started.elapsed())?;
            let one = Check {
                target: check.target,
                http_check: check.http_check,
                timeout: left,
                now: self.clock.now(),
                redirects: match self.limits.is_exempt(check.target) {
                    true => RedirectScope::Anywhere,
                    false => RedirectScope::UsualPorts,
                },
            };
            let Postponed(bucket) = match self
                .prober
                .check_in_turn(one, check.guild, turn.take())
                .await
            {
                Ok(checked) => return Some(checked),
                Err(postponed) => postponed,
            };
            let waiting = self
                .limiter()?
                .turn(check.guild, &bucket, Urgency::Scheduled);
            let end = started.after(check.time_limit);
            turn = Some(tokio::time::timeout_at(end, waiting).await.ok()?);
        }
    }
}

/// The time limit of a check whose failure must be confirmed: at least half of all.
fn limit_before_confirmation(all: Duration) -> Duration {
    all.saturating_sub(CONFIRMATION).max(all / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_leaves_time_for_its_confirmation_but_has_at_least_half() {
        for (all, check) in [
            (9_500, 8_000),
            (3_001, 1_501),
            (3_000, 1_500),
            (2_999, 1_499),
            (500, 250),
        ] {
            let limit = limit_before_confirmation(Duration::from_millis(all));
            assert_eq!(limit.as_millis(), check, "{all}");
        }
    }
}
