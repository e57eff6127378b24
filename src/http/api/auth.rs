//! Who calls: a key from the header, looked up by its public id, its secret compared in constant time.

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

use super::problem::Problem;
use crate::actions::{Asker, manage_key};
use crate::domain::Instant;
use crate::domain::event::Actor;
use crate::domain::key::{ApiKey, KeyKind};
use crate::http::Desk;
use crate::store::api_key::{self, StoredKey};

/// Whoever has a good key.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub StoredKey);

impl Caller {
    /// The caller behind the `Authorization` header.
    pub(super) async fn of(desk: &Desk, headers: &HeaderMap) -> Result<Self, Problem> {
        let text = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(bearer)
            .ok_or_else(Problem::unauthorized)?;
        Self::with_key(desk, text).await
    }

    /// The caller who has this key.
    pub(super) async fn with_key(desk: &Desk, text: &str) -> Result<Self, Problem> {
        let key = ApiKey::parse(text.trim()).ok_or_else(Problem::unauthorized)?;
        let stored = api_key::find(&desk.store.reader, &key.id).await?;
        let is_known = stored.as_ref().is_some_and(|stored| {
            manage_key::hash(&key)
                .ct_eq(stored.secret_sha256.as_slice())
                .into()
        });
        stored
            .filter(|stored| is_known && stored.kind == key.kind && stored.is_good(now(desk)))
            .map(Self)
            .ok_or_else(Problem::unauthorized)
    }

    /// In whose name things are done, and in which guild.
    pub(super) fn asker(&self) -> Asker {
        Asker {
            guild: self.0.guild_id,
            actor: Actor::Key(self.0.id),
        }
    }

    /// Refuses keys of other kinds.
    pub(super) fn must_be(&self, kinds: &[KeyKind]) -> Result<(), Problem> {
        if kinds.contains(&self.0.kind) {
            return Ok(());
        }
        let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        Err(Problem::forbidden(&format!("a {} key", words.join(" or "))))
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}

fn now(desk: &Desk) -> Instant {
    desk.clock.now()
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
}
