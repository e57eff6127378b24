//! What a request brings: its key, path, query and body, each checked before the handler sees it.

mod body;
mod key;
mod key_cache;
mod known_callers;
mod path;
mod permission;
mod query;
mod rate_limit;
mod read_turns;

pub(in crate::http) use body::{InBody, bytes, invalid, json, patch, read};
pub(in crate::http) use key::{Caller, Peer, ProbeKey, valid_key};
pub use key_cache::KeyCache;
pub use known_callers::KnownCallers;
pub(in crate::http) use path::{GroupName, InPath};
pub(in crate::http) use permission::{
    Admin, OfDevice, OfServer, OwnKey, Reader, ReaderOf, Registrar, Sender, ServerKey,
};
pub(in crate::http) use query::InQuery;
pub use rate_limit::{RateLimit, RateSubject};
pub(in crate::http) use read_turns::ReadTurn;
pub use read_turns::ReadTurns;
