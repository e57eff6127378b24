//! Permissions: each is a handler argument that proves which key the caller has. A handler has exactly one, as its first
//! argument.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};

use super::key::{Caller, Peer, Reporter, must_be, requester};
use super::read_turns::ReadTurn;
use crate::actions::Requester;
use crate::domain::key::KeyKind;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::routes::{Described, Permission};
use crate::store::api_key::StoredKey;

/// A set of kinds of keys.
pub(in crate::http) trait Kinds: Send + Sync + 'static {
    const KINDS: &'static [KeyKind];
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kinds:ident: $($kind:ident),+;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub(in crate::http) struct $kinds;

            impl Kinds for $kinds {
                const KINDS: &'static [KeyKind] = &[$(KeyKind::$kind),+];
            }
        )*
    };
}

kinds! {
    /// Manages everything of a guild.
    OfAdmin: Admin;
    /// Reads everything of a guild.
    OfReader: Read, Admin;
    /// Reads one device: also with its own key.
    OfDevice: Read, Admin, Device;
    /// Reads one server: also with its own key.
    OfServer: Read, Admin, Server;
    /// Sends heartbeats.
    OfSender: Device, Fleet, Admin;
    /// Registers devices.
    OfRegistrar: Fleet, Admin;
}

/// A caller with a key of one of these kinds, looked up in the database.
#[derive(Debug)]
pub(in crate::http) struct Keyed<K> {
    caller: Caller,
    /// Of a request that reads.
    _turn: Option<ReadTurn>,
    kinds: PhantomData<K>,
}

/// May read and change everything of its guild.
pub(in crate::http) type Admin = Keyed<OfAdmin>;

/// May read everything of its guild.
pub(in crate::http) type Reader = Keyed<OfReader>;

/// May read one device or one server: everything of its guild, or, with its own key, itself.
pub(in crate::http) type ReaderOf<K> = Keyed<K>;

impl<K> Deref for Keyed<K> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<K: Kinds> FromRequestParts<HttpState> for Keyed<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpState) -> Result<Self, Problem> {
        let caller = Caller::in_header(parts, app).await?;
        must_be(&caller.0, K::KINDS)?;
        // Its reports have a limit of their own, so that reading delays none of them.
        if caller.0.kind == KeyKind::Server {
            caller.limit(app)?;
        }
        // What writes waits for the turn of its guild at the writer, and may wait for a check, too.
        let turn = match parts.method {
            Method::GET => Some(app.read_turns.take(caller.0.guild_id).await?),
            _ => None,
        };
        Ok(Self {
            caller,
            _turn: turn,
            kinds: PhantomData,
        })
    }
}

impl<K: Kinds> Permission for Keyed<K> {
    fn describe(described: &mut Described) {
        needs_key(described, K::KINDS);
    }
}

/// A device that reports with its own key, or with a key of its guild. The key is valid or was valid when it was cached: the
/// transaction that records the heartbeat checks it again.
#[derive(Clone, Debug)]
pub(in crate::http) struct Sender<K>(pub Arc<StoredKey>, PhantomData<K>);

/// May send what a device sends.
pub(in crate::http) type OwnKey = Sender<OfSender>;

/// May register devices.
pub(in crate::http) type Registrar = Sender<OfRegistrar>;

impl From<StoredKey> for OwnKey {
    /// A device's own key that was proved in another way.
    fn from(key: StoredKey) -> Self {
        Self(Arc::new(key), PhantomData)
    }
}

impl<K> Sender<K> {
    /// The requester for actions: the key and its guild.
    pub fn requester(&self) -> Requester {
        requester(&self.0)
    }
}

impl<K: Kinds> FromRequestParts<HttpState> for Sender<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpState) -> Result<Self, Problem> {
        let Reporter(key) = Reporter::in_header(parts, app).await?;
        must_be(&key, K::KINDS)?;
        Ok(Self(key, PhantomData))
    }
}

impl<K: Kinds> Permission for Sender<K> {
    fn describe(described: &mut Described) {
        needs_key(described, K::KINDS);
    }
}

fn needs_key(described: &mut Described, kinds: &'static [KeyKind]) {
    described.keys = kinds;
    described.refuses(&[
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ]);
}

/// The agent of a server, whose key stands in the header or, for agents that cannot send headers, in the body: `take` proves
/// it.
#[derive(Debug)]
pub(in crate::http) struct ServerKey {
    in_header: Option<Caller>,
    peer: Peer,
}

impl FromRequestParts<HttpState> for ServerKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpState) -> Result<Self, Problem> {
        let Ok(peer) = Peer::from_request_parts(parts, app).await;
        let in_header = match parts.headers.contains_key(header::AUTHORIZATION) {
            true => Some(Caller::in_header(parts, app).await?),
            false => None,
        };
        if let Some(caller) = &in_header {
            must_be(&caller.0, &[KeyKind::Server])?;
        }
        Ok(Self { in_header, peer })
    }
}

impl ServerKey {
    /// The caller; `in_body` is the key in the body, which counts if there is none in the header.
    pub async fn take(self, app: &HttpState, in_body: Option<&str>) -> Result<Caller, Problem> {
        if let Some(caller) = self.in_header {
            return Ok(caller);
        }
        let caller = Caller::with_key(app, self.peer, in_body.unwrap_or_default()).await?;
        must_be(&caller.0, &[KeyKind::Server])?;
        Ok(caller)
    }
}

impl Permission for ServerKey {
    fn describe(described: &mut Described) {
        needs_key(described, &[KeyKind::Server]);
        described.is_key_optional = true;
    }
}
