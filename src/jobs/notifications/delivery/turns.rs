//! Whose turn it is: guilds do not wait for each other. The one that was served longest ago comes first, and none of them takes
//! more than a few slots.

use std::collections::HashMap;

use crate::domain::discord_id::GuildId;
use crate::domain::notifications::destinations::DestinationId;
use crate::store::notifications::destination::Destination;

/// Destinations served at the same time: in Discord, whose rate limits are shared, and webhooks, which may be slow.
const DISCORD: usize = 64;
const WEBHOOKS: usize = 64;

/// The same for one guild, each.
const PER_GUILD: usize = 4;

/// Guilds remembered before those served longest ago are forgotten.
const REMEMBERED: usize = 10_000;

/// The destinations that are being served, and when each guild was served last.
#[derive(Debug, Default)]
pub(super) struct Turns {
    busy: HashMap<DestinationId, Slot>,
    /// Counts up with every destination served.
    served: HashMap<GuildId, u64>,
    count: u64,
}

/// A slot that a destination takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    guild: GuildId,
    is_discord: bool,
}

impl Turns {
    /// Chooses from the destinations that are due those to be served now.
    pub(super) fn admit(&mut self, mut due: Vec<Destination>) -> Vec<Destination> {
        due.retain(|one| !self.busy.contains_key(&one.id));
        let mut admitted = Vec::new();
        while let Some(index) = self.first(&due) {
            let chosen = due.swap_remove(index);
            self.count += 1;
            self.served.insert(chosen.guild_id, self.count);
            self.busy.insert(chosen.id, slot(&chosen));
            admitted.push(chosen);
        }
        self.forget_oldest();
        admitted
    }

    /// Frees the slot of a destination.
    pub(super) fn end(&mut self, served: DestinationId) {
        self.busy.remove(&served);
    }

    /// The position of the destination that is next, if there is a slot for one.
    fn first(&self, due: &[Destination]) -> Option<usize> {
        let has_slot = |one: &&(usize, &Destination)| self.has_slot(slot(one.1));
        let waits = |one: &(usize, &Destination)| {
            let served = self.served.get(&one.1.guild_id).copied();
            (served.unwrap_or_default(), one.1.id)
        };
        let candidates: Vec<_> = due.iter().enumerate().collect();
        let first = candidates
            .iter()
            .filter(has_slot)
            .min_by_key(|one| waits(one));
        first.map(|(index, _)| *index)
    }

    fn has_slot(&self, wanted: Slot) -> bool {
        let same = |slot: &&Slot| slot.is_discord == wanted.is_discord;
        let all = self.busy.values().filter(same).count();
        let own = self.busy.values().filter(|slot| **slot == wanted).count();
        let most = if wanted.is_discord { DISCORD } else { WEBHOOKS };
        all < most && own < PER_GUILD
    }

    fn forget_oldest(&mut self) {
        if self.served.len() > REMEMBERED {
            let middle = self.count.saturating_sub(REMEMBERED as u64 / 2);
            self.served.retain(|_, at| *at > middle);
        }
    }
}

fn slot(destination: &Destination) -> Slot {
    Slot {
        guild: destination.guild_id,
        is_discord: destination.kind.is_discord(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notifications::destination_health::DestinationHealth;
    use crate::domain::notifications::destinations::DestinationKind;

    fn destination(id: i64, guild: u64, kind: DestinationKind) -> Destination {
        Destination {
            id: DestinationId(id),
            guild_id: GuildId(guild),
            kind,
            address: id,
            health: DestinationHealth::default(),
        }
    }

    fn webhooks(ids: std::ops::Range<i64>, guild: u64) -> Vec<Destination> {
        ids.map(|id| destination(id, guild, DestinationKind::Webhook))
            .collect()
    }

    fn ids(admitted: &[Destination]) -> Vec<i64> {
        admitted.iter().map(|one| one.id.0).collect()
    }

    #[test]
    fn a_guild_takes_a_few_places_and_leaves_the_others() {
        let mut turns = Turns::default();
        let mut due = webhooks(0..10, 1);
        due.push(destination(20, 1, DestinationKind::Channel));
        due.extend(webhooks(30..31, 2));
        let admitted = ids(&turns.admit(due.clone()));
        assert_eq!(admitted.iter().filter(|id| **id < 10).count(), PER_GUILD);
        assert!(admitted.contains(&20), "channels have slots of their own");
        assert!(admitted.contains(&30), "so has another guild");
        assert_eq!(turns.admit(due.clone()), []);
        turns.end(DestinationId(0));
        turns.end(DestinationId(20));
        assert_eq!(ids(&turns.admit(due)).len(), 2);
    }

    #[test]
    fn the_guild_served_longest_ago_is_next() {
        let mut turns = Turns::default();
        let count = i64::try_from(WEBHOOKS).unwrap();
        let mut due: Vec<_> = (0..=count)
            .map(|id| destination(id, id.unsigned_abs(), DestinationKind::Webhook))
            .collect();
        assert_eq!(
            ids(&turns.admit(due.clone())),
            (0..count).collect::<Vec<_>>()
        );
        turns.end(DestinationId(0));
        // Guild 0 is due again, but the last guild has never been served.
        assert_eq!(ids(&turns.admit(due.clone())), [count]);
        turns.end(DestinationId(7));
        assert_eq!(
            ids(&turns.admit(due.clone())),
            [0],
            "served before the others"
        );
        turns.end(DestinationId(3));
        due.retain(|one| one.id.0 != 7);
        assert_eq!(ids(&turns.admit(due)), [3]);
    }

    #[test]
    fn guilds_are_forgotten_when_there_are_many() {
        let mut turns = Turns::default();
        for guild in 0..REMEMBERED as u64 + 1 {
            let id = i64::try_from(guild).unwrap();
            turns.admit(vec![destination(id, guild, DestinationKind::Channel)]);
            turns.end(DestinationId(id));
        }
        assert!(turns.served.len() <= REMEMBERED);
    }
}
