//! Remembers which names an address has proved to serve, with a certificate that was verified.
//!
//! Sites behind one CDN share addresses. A site whose certificate an address has shown is served there, so its connections
//! are counted apart from those of other sites. Without that proof a name says nothing: anyone can point a thousand names
//! at the address of another site.
//!
//! What counts is the name *in the certificate*. All names that only a wildcard covers count as one, because a thousand
//! names below a wildcard are often one small machine.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long a proof counts without a new one: the longest check interval.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Limit of remembered names, which take up to 300 bytes each. Further names are counted by address.
const MAX_NAMES: usize = 50_000;

/// Limit of remembered addresses of a name; the one proved longest ago is replaced.
const MAX_ADDRESSES: usize = 8;

#[derive(Debug)]
struct Proof {
    address: IpAddr,
    covering: Arc<str>,
    at: Duration,
}

/// The remembered names, each with its addresses.
#[derive(Debug, Default)]
pub(super) struct VerifiedNames {
    names: HashMap<Box<str>, Vec<Proof>>,
    swept_at: Duration,
}

impl VerifiedNames {
    /// The name in the certificate that `address` has shown for `name`.
    pub(super) fn covering(&self, address: IpAddr, name: &str, now: Duration) -> Option<Arc<str>> {
        let proofs = self.names.get(name)?;
        let proof = proofs
            .iter()
            .find(|proof| proof.address == address && proof.at + KEPT > now)?;
        Some(Arc::clone(&proof.covering))
    }

    /// Remembers that `address` has shown a certificate for `name`.
    pub(super) fn learn(&mut self, address: IpAddr, name: &str, covering: &str, now: Duration) {
        if !self.names.contains_key(name) && !self.has_room(now) {
            return;
        }
        let proofs = self.names.entry(name.into()).or_default();
        let mut shared = None;
        if let Some(known) = proofs.iter().position(|proof| proof.address == address) {
            let known = proofs.swap_remove(known);
            shared = Some(known.covering).filter(|known| **known == *covering);
        } else if proofs.len() >= MAX_ADDRESSES {
            let oldest = proofs.iter().enumerate().min_by_key(|(_, proof)| proof.at);
            if let Some((oldest, _)) = oldest {
                proofs.swap_remove(oldest);
            }
        }
        proofs.push(Proof {
            address,
            covering: shared.unwrap_or_else(|| covering.into()),
            at: now,
        });
    }

    /// Forgets a proof, because the address no longer shows a certificate for the name.
    pub(super) fn forget(&mut self, address: IpAddr, name: &str) {
        if let Some(proofs) = self.names.get_mut(name) {
            proofs.retain(|proof| proof.address != address);
            if proofs.is_empty() {
                self.names.remove(name);
            }
        }
    }

    fn has_room(&mut self, now: Duration) -> bool {
        if self.names.len() < MAX_NAMES {
            return true;
        }
        // At most once a minute, because it visits all of them.
        if now.saturating_sub(self.swept_at) >= Duration::from_secs(60) {
            self.swept_at = now;
            self.names.retain(|_, proofs| {
                proofs.retain(|proof| proof.at + KEPT > now);
                !proofs.is_empty()
            });
        }
        self.names.len() < MAX_NAMES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(3600);

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn a_proof_counts_for_its_name_and_address_until_it_expires() {
        let mut names = VerifiedNames::default();
        names.learn(ip(1), "a.example", "*.example", START);
        let covering = |ip, name, now| names.covering(ip, name, now);
        let last = START + KEPT - Duration::from_millis(1);
        assert_eq!(
            covering(ip(1), "a.example", last).as_deref(),
            Some("*.example")
        );
        assert_eq!(covering(ip(1), "a.example", START + KEPT), None);
        assert_eq!(covering(ip(2), "a.example", START), None);
        assert_eq!(covering(ip(1), "b.example", START), None);
    }

    #[test]
    fn a_failed_handshake_takes_the_proof_away() {
        let mut names = VerifiedNames::default();
        names.learn(ip(1), "a.example", "a.example", START);
        names.learn(ip(2), "a.example", "a.example", START);
        names.forget(ip(1), "a.example");
        assert_eq!(names.covering(ip(1), "a.example", START), None);
        assert!(names.covering(ip(2), "a.example", START).is_some());
    }

    #[test]
    fn the_oldest_address_of_a_name_is_replaced() {
        let mut names = VerifiedNames::default();
        for last in 1..=9 {
            let at = START + Duration::from_secs(last.into());
            names.learn(ip(last), "a.example", "a.example", at);
        }
        let known = |last| names.covering(ip(last), "a.example", START).is_some();
        assert_eq!((known(1), known(2), known(9)), (false, true, true));
    }

    #[test]
    fn names_beyond_the_limit_are_not_remembered_until_others_expire() {
        let mut names = VerifiedNames::default();
        for number in 0..MAX_NAMES {
            names.learn(ip(1), &format!("{number}.example"), "*.example", START);
        }
        names.learn(ip(1), "late.example", "late.example", START);
        assert_eq!(names.covering(ip(1), "late.example", START), None);
        names.learn(ip(1), "late.example", "late.example", START + KEPT);
        assert!(
            names
                .covering(ip(1), "late.example", START + KEPT)
                .is_some()
        );
        assert_eq!(names.names.len(), 1);
    }
}
