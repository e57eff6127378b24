//! Authenticates requests: looks up the key from the header by its public ID and compares its secret in constant time.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use subtle::ConstantTimeEq;

use super::rate_limit::RateSubject;
use crate::actions::{Requester, manage_key};
use crate::domain::event::Actor;
use crate::domain::key::{ApiKey, KeyKind};
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::store::api_key::{self, StoredKey};

/// The client's address, from the connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Peer(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().copied();
        Ok(known.unwrap_or(Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

impl Peer {
    /// Counts a request with an invalid key against this address, and returns the problem to respond with. Only such
    /// requests are limited by address: valid keys behind the same router or proxy keep working.
    pub(in crate::http) fn refuse(self, app: &HttpState, refusal: Problem) -> Problem {
        app.limits
            .unauthenticated
            .take(RateSubject::Address, self.number())
            .err()
            .unwrap_or(refusal)
    }

    /// The number of this address in the rate limit. A client has 2^64 IPv6 addresses, so a whole /64 network counts as one.
    pub(in crate::http) fn number(self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self.0 {
            IpAddr::V4(address) => address.hash(&mut hasher),
            IpAddr::V6(address) => address.segments()[..4].hash(&mut hasher),
        }
        hasher.finish()
    }
}

/// A caller with a valid key.
#[derive(Clone, Debug)]
pub(in crate::http) struct Caller(pub StoredKey);

async fn in_header<'a>(parts: &'a mut Parts, app: &HttpState) -> Result<(Peer, &'a str), Problem> {
    let Ok(peer) = Peer::from_request_parts(parts, app).await;
    parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(bearer)
        .map(|text| (peer, text))
        .ok_or_else(|| peer.refuse(app, Problem::unauthorized()))
}

/// A caller that sends heartbeats, with a key that is valid or was valid when it was cached: the transaction that records
/// the heartbeat checks the key again.
#[derive(Clone, Debug)]
pub(super) struct Reporter(pub Arc<StoredKey>);

impl Reporter {
    /// Authenticates the key in the `Authorization` header.
    pub(super) async fn in_header(parts: &mut Parts, app: &HttpState) -> Result<Self, Problem> {
        let (peer, text) = in_header(parts, app).await?;
        let cached = ApiKey::parse(text.trim())
            .and_then(|key| Some((app.key_cache.get(&key.id)?, key)))
            .filter(|(stored, key)| is_same_key(stored, key) && stored.is_valid(app.clock.now()));
        if let Some((stored, _)) = cached {
            return Ok(Self(stored));
        }
        let Caller(stored) = Caller::with_key(app, peer, text).await?;
        let stored = Arc::new(stored);
        app.key_cache.put(Arc::clone(&stored));
        Ok(Self(stored))
    }
}

pub(super) fn requester(key: &StoredKey) -> Requester {
    Requester {
        guild: key.guild_id,
        actor: Actor::Key(key.id),
    }
}

/// Refuses keys of other kinds.
pub(super) fn must_be(key: &StoredKey, kinds: &[KeyKind]) -> Result<(), Problem> {
    if kinds.contains(&key.kind) {
        return Ok(());
    }
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    Err(Problem::forbidden(&format!("a {} key", words.join(" or "))))
}

/// Whether kind and secret match the stored key; the secret is compared in constant time.
fn is_same_key(stored: &StoredKey, key: &ApiKey) -> bool {
    let is_same = manage_key::hash(key).ct_eq(stored.secret_sha256.as_slice());
    stored.kind == key.kind && bool::from(is_same)
}

impl Caller {
    /// Authenticates the key in the `Authorization` header.
    pub(super) async fn in_header(parts: &mut Parts, app: &HttpState) -> Result<Self, Problem> {
        let (peer, text) = in_header(parts, app).await?;
        Self::with_key(app, peer, text).await
    }

    /// Authenticates a key, and applies the rate limit to read and admin keys.
    pub(in crate::http) async fn with_key(
        app: &HttpState,
        peer: Peer,
        text: &str,
    ) -> Result<Self, Problem> {
        let stored = valid_key(app, text).await?;
        let caller = stored
            .map(Self)
            .ok_or_else(|| peer.refuse(app, Problem::unauthorized()))?;
        // Devices and servers each have a rate limit of their own, which their handlers apply, even if many share a key.
        if matches!(caller.0.kind, KeyKind::Read | KeyKind::Admin) {
            caller.limit(app)?;
        }
        Ok(caller)
    }

    /// Applies the rate limit of the key.
    pub(super) fn limit(&self, app: &HttpState) -> Result<(), Problem> {
        let mut hasher = DefaultHasher::new();
        self.0.id.hash(&mut hasher);
        app.limits
            .authenticated
            .take(RateSubject::Key, hasher.finish())
    }

    /// The requester for actions: the key and its guild.
    pub(in crate::http) fn requester(&self) -> Requester {
        requester(&self.0)
    }
}

/// The stored key for this text, if it exists and is still valid.
pub(in crate::http) async fn valid_key(
    app: &HttpState,
    text: &str,
) -> Result<Option<StoredKey>, Problem> {
    let Some(key) = ApiKey::parse(text.trim()) else {
        return Ok(None);
    };
    let stored = api_key::find(&app.store.reader, &key.id).await?;
    let now = app.clock.now();
    Ok(stored.filter(|stored| is_same_key(stored, &key) && stored.is_valid(now)))
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_the_bearer_scheme() {
        assert_eq!(bearer("Bearer rc_x"), Some("rc_x"));
        assert_eq!(bearer("bearer rc_x"), Some("rc_x"));
        assert_eq!(bearer("Basic rc_x"), None);
        assert_eq!(bearer("rc_x"), None);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_client() {
        let number = |text: &str| Peer(text.parse().unwrap()).number();
        assert_eq!(number("2001:db8::1"), number("2001:db8::ffff"));
        assert_ne!(number("2001:db8::1"), number("2001:db8:0:1::1"));
        assert_ne!(number("192.0.2.1"), number("192.0.2.2"));
    }
}
