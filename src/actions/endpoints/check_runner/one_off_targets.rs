//! Which targets a guild has had checked once that are not its endpoints. They are remembered for an hour, because nothing
//! about them is stored, and the limits of ports and hosts must hold for them, too.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::OneOffRefusal;
use crate::clock::Stopwatch;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::host_allowance::{
    MAX_NEW_HOSTS, MAX_PORTS_OF_A_HOST, NEW_HOSTS_PERIOD,
};
use crate::domain::endpoints::target::{Host, Target};

/// Guilds from which on a new one makes room by forgetting what is old of all.
const SWEPT_AT: usize = 100;

/// The targets of all guilds; at most `MAX_NEW_HOSTS` of each. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct OneOffTargets(Arc<Mutex<HashMap<GuildId, VecDeque<RecentTarget>>>>);

/// A host and a port, and when it was first admitted.
#[derive(Debug)]
struct RecentTarget {
    since: Stopwatch,
    host: Host,
    port: u16,
}

impl OneOffTargets {
    /// Admits a target that is no endpoint. `ports`: those of the guild's endpoints on its host.
    ///
    /// # Errors
    /// It would be one port of its host, or one target, too many.
    pub(super) fn admit(
        &self,
        guild: GuildId,
        target: &Target,
        ports: &[u16],
    ) -> Result<(), OneOffRefusal> {
        let mut guilds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guilds.len() >= SWEPT_AT && !guilds.contains_key(&guild) {
            for recent in guilds.values_mut() {
                forget_old(recent);
            }
            guilds.retain(|_, recent| !recent.is_empty());
        }
        let recent = guilds.entry(guild).or_default();
        forget_old(recent);
        let of_host = recent.iter().filter(|known| known.host == target.host);
        let mut known: BTreeSet<u16> = of_host.map(|known| known.port).collect();
        if known.contains(&target.port) {
            return Ok(());
        }
        known.extend(ports);
        if known.len() >= MAX_PORTS_OF_A_HOST {
            return Err(OneOffRefusal::Ports);
        }
        if recent.len() as u64 >= MAX_NEW_HOSTS {
            return Err(OneOffRefusal::Targets);
        }
        recent.push_back(RecentTarget {
            since: Stopwatch::start(),
            host: target.host.clone(),
            port: target.port,
        });
        Ok(())
    }
}

/// The oldest ones are first.
fn forget_old(recent: &mut VecDeque<RecentTarget>) {
    while recent
        .front()
        .is_some_and(|oldest| oldest.since.elapsed() >= NEW_HOSTS_PERIOD)
    {
        recent.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OURS: GuildId = GuildId(1);

    fn target(host: usize, port: usize) -> Target {
        format!("tcp://host-{host}.example:{port}").parse().unwrap()
    }

    fn admitted(targets: &OneOffTargets, guild: GuildId, host: usize, port: usize) -> bool {
        targets.admit(guild, &target(host, port), &[]).is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_has_twenty_ports_with_those_of_endpoints() {
        let targets = OneOffTargets::default();
        for port in 1..=19 {
            assert!(admitted(&targets, OURS, 1, port), "{port}");
        }
        // One that is known counts once.
        assert!(admitted(&targets, OURS, 1, 7));
        let with_endpoints = targets.admit(OURS, &target(1, 20), &[443]);
        assert!(matches!(with_endpoints, Err(OneOffRefusal::Ports)));
        assert!(targets.admit(OURS, &target(1, 20), &[7]).is_ok());
        assert!(!admitted(&targets, OURS, 1, 21));
        assert!(admitted(&targets, OURS, 1, 20));
        assert!(admitted(&targets, OURS, 2, 21));
        assert!(admitted(&targets, GuildId(2), 1, 21));
    }

    #[tokio::test(start_paused = true)]
    async fn a_guild_has_two_hundred_targets_in_an_hour() {
        let targets = OneOffTargets::default();
        for host in 1..=200 {
            assert!(admitted(&targets, OURS, host, 80), "{host}");
        }
        let refused = targets.admit(OURS, &target(201, 80), &[]);
        assert!(matches!(refused, Err(OneOffRefusal::Targets)));
        assert!(admitted(&targets, OURS, 200, 80), "it is known");
        assert!(admitted(&targets, GuildId(2), 201, 80));
        tokio::time::advance(NEW_HOSTS_PERIOD - Duration::from_millis(1)).await;
        assert!(!admitted(&targets, OURS, 201, 80));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(admitted(&targets, OURS, 201, 80));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_guild_makes_room_among_many() {
        let targets = OneOffTargets::default();
        for guild in 1..=SWEPT_AT as u64 {
            assert!(admitted(&targets, GuildId(guild), 1, 80));
        }
        tokio::time::advance(NEW_HOSTS_PERIOD).await;
        assert!(admitted(&targets, OURS, 1, 80), "it is known");
        assert_eq!(targets.0.lock().unwrap().len(), SWEPT_AT);
        assert!(admitted(&targets, GuildId(1_000), 1, 80));
        assert_eq!(targets.0.lock().unwrap().len(), 2);
    }
}
