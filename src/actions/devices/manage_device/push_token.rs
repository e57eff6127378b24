//! Stores push tokens, as hashes: a copy of the database is not enough to send pushes.

use sha2::{Digest, Sha256};

use crate::actions::Error;
use crate::domain::devices::push_token::PushToken;
use crate::domain::monitor::MonitorId;
use crate::store::devices::device;
use crate::store::{Effect, Tx};

/// The hash under which a push token is stored. A token of Uptime Kuma has 190 random bits, so a fast hash is safe.
pub fn push_token_hash(token: &PushToken) -> [u8; 32] {
    Sha256::digest(token.as_str()).into()
}

/// Replaces the push token of a device; `None` removes it. Fails if another device has it.
pub(super) async fn set_push_token(
    tx: &mut Tx<'_>,
    id: MonitorId,
    token: Option<&PushToken>,
) -> Result<(), Error> {
    let hash = token.map(push_token_hash);
    match device::set_push_token(tx, id, hash.as_ref()).await? {
        Effect::Changed => Ok(()),
        Effect::Nothing => Err(Error::Conflict(
            "this push token is already in use. Choose another one, or remove it from the other device".into(),
        )),
    }
}
