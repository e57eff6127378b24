//! Who calls: a key from the header, looked up by its public id, its secret compared in constant time.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use subtle::ConstantTimeEq;

use super::problem::Problem;
use crate::actions::{Requester, manage_key};
use crate::domain::event::Actor;
use crate::domain::key::{ApiKey, KeyKind};
use crate::http::AppState;
use crate::store::api_key::{self, StoredKey};

/// The address at the other end of the connection.
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
    /// Counts a key or a device that is none. Only such calls are refused when there are too many: good keys from the same
    /// address, behind one router or one proxy, go on being heard.
    pub(in crate::http) fn is_wrong(self, app: &AppState, refusal: Problem) -> Problem {
        app.unauthenticated
            .take(self.number())
            .err()
            .unwrap_or(refusal)
    }

    /// Whoever has an IPv6 address has 2^64 of them.
    pub(in crate::http) fn number(self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self.0 {
            IpAddr::V4(address) => address.hash(&mut hasher),
            IpAddr::V6(address) => address.segments()[..4].hash(&mut hasher),
        }
        hasher.finish()
    }
}

/// Whoever has a good key. As an argument of a handler it is the one in the `Authorization` header.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub StoredKey);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let (peer, text) = in_header(parts, app).await?;
        Self::with_key(app, peer, text).await
    }
}

async fn in_header<'a>(parts: &'a mut Parts, app: &AppState) -> Result<(Peer, &'a str), Problem> {
    let Ok(peer) = Peer::from_request_parts(parts, app).await;
    parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(bearer)
        .map(|text| (peer, text))
        .ok_or_else(|| peer.is_wrong(app, Problem::unauthorized()))
}

/// Whoever reports with a key that is good, or was a moment ago: the transaction that records the call has the last word.
#[derive(Clone, Debug)]
pub(super) struct Reporter(pub Arc<StoredKey>);

impl FromRequestParts<AppState> for Reporter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let (peer, text) = in_header(parts, app).await?;
        let remembered = ApiKey::parse(text.trim())
            .and_then(|key| Some((app.key_cache.get(&key.id)?, key)))
            .filter(|(stored, key)| is_it(stored, key) && stored.is_good(app.clock.now()));
        if let Some((stored, _)) = remembered {
            return Ok(Self(stored));
        }
        let Caller(stored) = Caller::with_key(app, peer, text).await?;
        let stored = Arc::new(stored);
        app.key_cache.put(Arc::clone(&stored));
        Ok(Self(stored))
    }
}

impl Reporter {
    /// In whose name things are done, and in which guild.
    pub(super) fn requester(&self) -> Requester {
        requester(&self.0)
    }

    /// Refuses keys of other kinds.
    pub(super) fn must_be(&self, kinds: &[KeyKind]) -> Result<(), Problem> {
        must_be(&self.0, kinds)
    }
}

fn requester(key: &StoredKey) -> Requester {
    Requester {
        guild: key.guild_id,
        actor: Actor::Key(key.id),
    }
}

fn must_be(key: &StoredKey, kinds: &[KeyKind]) -> Result<(), Problem> {
    if kinds.contains(&key.kind) {
        return Ok(());
    }
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    Err(Problem::forbidden(&format!("a {} key", words.join(" or "))))
}

/// Whether this is the key that is stored, in constant time.
fn is_it(stored: &StoredKey, key: &ApiKey) -> bool {
    let is_same = manage_key::hash(key).ct_eq(stored.secret_sha256.as_slice());
    stored.kind == key.kind && bool::from(is_same)
}

impl OptionalFromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &AppState,
    ) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<AppState>>::from_request_parts(parts, app)
            .await
            .map(Some)
    }
}

impl Caller {
    /// The caller who has this key.
    pub(super) async fn with_key(app: &AppState, peer: Peer, text: &str) -> Result<Self, Problem> {
        let stored = good_key(app, text).await?;
        let caller = stored
            .map(Self)
            .ok_or_else(|| peer.is_wrong(app, Problem::unauthorized()))?;
        // Devices and servers are held to a pace of their own each, also where many share a key.
        if matches!(caller.0.kind, KeyKind::Read | KeyKind::Admin) {
            let mut hasher = DefaultHasher::new();
            caller.0.id.hash(&mut hasher);
            app.rate_limit.take(hasher.finish())?;
        }
        Ok(caller)
    }

    /// In whose name things are done, and in which guild.
    pub(super) fn requester(&self) -> Requester {
        requester(&self.0)
    }

    /// Refuses keys of other kinds.
    pub(super) fn must_be(&self, kinds: &[KeyKind]) -> Result<(), Problem> {
        must_be(&self.0, kinds)
    }
}

/// The stored key that this text is, where it is one and still good.
pub(in crate::http) async fn good_key(
    app: &AppState,
    text: &str,
) -> Result<Option<StoredKey>, Problem> {
    let Some(key) = ApiKey::parse(text.trim()) else {
        return Ok(None);
    };
    let stored = api_key::find(&app.store.reader, &key.id).await?;
    let now = app.clock.now();
    Ok(stored.filter(|stored| is_it(stored, &key) && stored.is_good(now)))
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_behind_the_word_bearer() {
        assert_eq!(bearer("Bearer rc_x"), Some("rc_x"));
        assert_eq!(bearer("bearer rc_x"), Some("rc_x"));
        assert_eq!(bearer("Basic rc_x"), None);
        assert_eq!(bearer("rc_x"), None);
    }

    #[test]
    fn an_ipv6_network_is_one_stranger() {
        let number = |text: &str| Peer(text.parse().unwrap()).number();
        assert_eq!(number("2001:db8::1"), number("2001:db8::ffff"));
        assert_ne!(number("2001:db8::1"), number("2001:db8:0:1::1"));
        assert_ne!(number("192.0.2.1"), number("192.0.2.2"));
    }
}
