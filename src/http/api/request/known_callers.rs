//! Remembers which keys, UUIDs and tokens were valid recently, and from which networks. A lookup of anything else is limited
//! by address before it is made, and connections from other networks do not get the last free slots.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use crate::http::client_address::ClientNetwork;

/// Keys, UUIDs and tokens that are remembered: ten times the default device quota of a Discord server; at most 2 MB.
const CREDENTIALS: usize = 100_000;

/// Networks that are remembered; at most 1 MB.
const NETWORKS: usize = 20_000;

/// A key, a UUID or a token as a number. The hash has a random key for each process, so nobody can choose two credentials
/// with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::http) struct Credential(u64);

/// Credentials and networks of callers that were valid recently.
#[derive(Clone, Debug)]
pub struct KnownCallers {
    hasher: RandomState,
    credentials: Recent<Credential>,
    networks: Recent<ClientNetwork>,
}

impl Default for KnownCallers {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            credentials: Recent::new(CREDENTIALS),
            networks: Recent::new(NETWORKS),
        }
    }
}

impl KnownCallers {
    /// The number of a credential; `kind` separates texts of different meaning.
    pub(in crate::http) fn credential(&self, kind: &str, text: impl Hash) -> Credential {
        Credential(self.hasher.hash_one((kind, text)))
    }

    pub(in crate::http) fn has(&self, credential: Credential) -> bool {
        self.credentials.contains(&credential)
    }

    pub(in crate::http) fn note(&self, credential: Credential) {
        self.credentials.insert(credential);
    }

    pub(in crate::http) fn forget(&self, credential: Credential) {
        self.credentials.remove(&credential);
    }

    pub(in crate::http) fn has_network(&self, network: ClientNetwork) -> bool {
        self.networks.contains(&network)
    }

    pub(in crate::http) fn note_network(&self, network: ClientNetwork) {
        self.networks.insert(network);
    }
}

/// The values that were added last: between half of `most` and `most`. They age as two generations, so that nothing walks
/// over all of them.
#[derive(Clone, Debug)]
struct Recent<T> {
    most: usize,
    generations: Arc<RwLock<Generations<T>>>,
}

#[derive(Debug)]
struct Generations<T> {
    current: HashSet<T>,
    previous: HashSet<T>,
}

impl<T: Copy + Eq + Hash> Recent<T> {
    fn new(most: usize) -> Self {
        let generations = Generations {
            current: HashSet::new(),
            previous: HashSet::new(),
        };
        Self {
            most,
            generations: Arc::new(RwLock::new(generations)),
        }
    }

    fn contains(&self, value: &T) -> bool {
        let generations = self.generations.read();
        let generations = generations.unwrap_or_else(PoisonError::into_inner);
        generations.current.contains(value) || generations.previous.contains(value)
    }

    fn insert(&self, value: T) {
        let generations = self.generations.read();
        let is_current = generations
            .unwrap_or_else(PoisonError::into_inner)
            .current
            .contains(&value);
        if is_current {
            return;
        }
        let generations = self.generations.write();
        let mut generations = generations.unwrap_or_else(PoisonError::into_inner);
        if generations.current.len() >= self.most / 2 {
            generations.previous = std::mem::take(&mut generations.current);
        }
        generations.current.insert(value);
    }

    fn remove(&self, value: &T) {
        let generations = self.generations.write();
        let mut generations = generations.unwrap_or_else(PoisonError::into_inner);
        generations.current.remove(value);
        generations.previous.remove(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_values_are_kept_and_those_in_use_stay() {
        let recent = Recent::new(10);
        for number in 0..100_u32 {
            recent.insert(number);
            recent.insert(1000);
            assert!(recent.contains(&1000));
            let last = number.saturating_sub(3)..=number;
            assert!(
                last.clone().all(|known| recent.contains(&known)),
                "{last:?}"
            );
            let generations = recent.generations.read().unwrap();
            assert!(generations.current.len() + generations.previous.len() <= 10);
        }
        assert!(!recent.contains(&50));
        recent.remove(&99);
        assert!(!recent.contains(&99));
    }

    #[test]
    fn credentials_of_different_kinds_differ() {
        let known = KnownCallers::default();
        known.note(known.credential("uuid", "a"));
        assert!(known.has(known.credential("uuid", "a")));
        assert!(!known.has(known.credential("token", "a")));
        known.forget(known.credential("uuid", "a"));
        assert!(!known.has(known.credential("uuid", "a")));
    }
}
