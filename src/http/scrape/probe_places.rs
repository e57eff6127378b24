//! How many probes of a guild run at once. A further one is refused and waits nowhere, so a guild whose targets do not answer
//! holds a limited number of connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::discord_id::GuildId;
use crate::http::api::problem::Problem;

/// Probes of a guild that run at once: enough for 10 per second that take 5 s each.
const MOST: usize = 50;

/// The probes that run, by guild. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct ProbePlaces(Arc<Mutex<HashMap<GuildId, usize>>>);

/// The place of a probe, which is free again when it is dropped.
#[derive(Debug)]
pub(super) struct ProbePlace {
    places: ProbePlaces,
    guild: GuildId,
}

impl ProbePlaces {
    /// Takes a place of the guild.
    ///
    /// # Errors
    /// All of them are taken.
    pub(super) fn enter(&self, guild: GuildId) -> Result<ProbePlace, Problem> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(guild).or_default();
        if *count >= MOST {
            let limit = format!("this Discord server may have {MOST} probes that run at once");
            return Err(Problem::too_often(&limit, 1));
        }
        *count += 1;
        Ok(ProbePlace {
            places: self.clone(),
            guild,
        })
    }
}

impl Drop for ProbePlace {
    fn drop(&mut self) {
        let mut running = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.guild) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.guild);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_probes_of_a_guild_run_at_once_whatever_others_do() {
        let places = ProbePlaces::default();
        let (ours, theirs) = (GuildId(1), GuildId(2));
        let mut running: Vec<_> = (0..MOST).map(|_| places.enter(ours).unwrap()).collect();
        let refused = places.enter(ours).unwrap_err();
        assert_eq!(
            refused.detail(),
            "this Discord server may have 50 probes that run at once. Try again in 1 s"
        );
        let other = places.enter(theirs).unwrap();
        running.pop();
        running.push(places.enter(ours).unwrap());
        assert!(places.enter(ours).is_err());
        drop((running, other));
        assert!(places.0.lock().unwrap().is_empty(), "nothing is kept");
    }
}
