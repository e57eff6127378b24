//! Authenticates requests: looks up the key from the header by its public ID and compares its secret in constant time. The
//! rate limits of addresses are asked before the lookup, so that guessing costs no query.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use subtle::ConstantTimeEq;

use super::known_callers::Credential;
use super::rate_limit::RateSubject;
use crate::actions::{Requester, manage_key};
use crate::domain::event::Actor;
use crate::domain::key::{ApiKey, KeyKind};
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::client_address::ClientNetwork;
use crate::store::api_key::{self, StoredKey};

/// The client's address, from the connection or from a trusted proxy.
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
    /// Looks up a key, a UUID or a token with `query`, which finds nothing if it is invalid. One that was valid recently is
    /// looked up in any case. For another one, the address needs a request left in its limit of lookups, and gets it back
    /// unless nothing is found. So valid keys behind the same router or proxy keep working.
    pub(in crate::http) async fn look_up<T, E: From<Problem>>(
        self,
        app: &HttpState,
        credential: Credential,
        query: impl Future<Output = Result<Option<T>, E>>,
    ) -> Result<Option<T>, E> {
        let number = self.number();
        let is_known = app.known_callers.has(credential);
        if !is_known {
            app.limits.lookups.take(RateSubject::Lookup, number)?;
        }
        let found = query.await;
        match &found {
            Ok(None) => app.known_callers.forget(credential),
            Ok(Some(_)) => {
                app.known_callers.note(credential);
                app.known_callers.note_network(self.0.into());
            }
            Err(_) => {}
        }
        if !is_known && !matches!(found, Ok(None)) {
            app.limits.lookups.give_back(number);
        }
        found
    }

    /// Counts a request without a valid key against this address, and returns the problem to respond with.
    pub(in crate::http) fn refuse(self, app: &HttpState, refusal: Problem) -> Problem {
        app.limits
            .unauthenticated
            .take(RateSubject::Address, self.number())
            .err()
            .unwrap_or(refusal)
    }

    /// The number of this client in the rate limits.
    pub(in crate::http) fn number(self) -> u64 {
        let mut hasher = DefaultHasher::new();
        ClientNetwork::from(self.0).hash(&mut hasher);
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
            app.known_callers.note_network(peer.0.into());
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

/// A caller with a read or admin key that has targets checked. That has a limit of its own, because Prometheus asks once per
/// target, and it takes no turn at reading, because a check may take seconds.
#[derive(Clone, Debug)]
pub(in crate::http) struct ProbeKey(pub Caller);

impl FromRequestParts<HttpState> for ProbeKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpState) -> Result<Self, Problem> {
        let (peer, text) = in_header(parts, app).await?;
        let stored = valid_key(app, peer, text).await?;
        let caller = stored
            .map(Caller)
            .ok_or_else(|| peer.refuse(app, Problem::unauthorized()))?;
        must_be(&caller.0, &[KeyKind::Read, KeyKind::Admin])?;
        app.limits
            .probes
            .take(RateSubject::Probe, caller.0.guild_id.0)?;
        Ok(Self(caller))
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
        let stored = valid_key(app, peer, text).await?;
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
        app.limits
            .authenticated
            .take(RateSubject::Key, self.number())
    }

    /// The number of the key in the rate limits.
    fn number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.id.hash(&mut hasher);
        hasher.finish()
    }

    /// The requester for actions: the key and its guild.
    pub(in crate::http) fn requester(&self) -> Requester {
        requester(&self.0)
    }
}

/// The stored key for this text, if it exists and is still valid.
pub(in crate::http) async fn valid_key(
    app: &HttpState,
    peer: Peer,
    text: &str,
) -> Result<Option<StoredKey>, Problem> {
    let Some(key) = ApiKey::parse(text.trim()) else {
        return Ok(None);
    };
    let credential = (key.id, manage_key::hash(&key));
    let credential = app.known_callers.credential("key", credential);
    let query = async {
        let stored = api_key::find(&app.store.reader, &key.id).await?;
        let now = app.clock.now();
        Ok(stored.filter(|stored| is_same_key(stored, &key) && stored.is_valid(now)))
    };
    peer.look_up(app, credential, query).await
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
}
