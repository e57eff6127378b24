//! Finds the server that a change is about, inside the transaction of the change.

use crate::actions::{Error, Requester};
use crate::domain::monitor::MonitorId;
use crate::store::Tx;
use crate::store::servers::server::{self, Server};

/// A server of the requester's guild.
///
/// # Errors
/// `NotFound` if the guild has no such server.
pub(super) async fn of_guild(
    tx: &mut Tx<'_>,
    requester: Requester,
    id: MonitorId,
) -> Result<Server, Error> {
    let server = server::find(tx, id).await?;
    server
        .filter(|server| server.guild_id == requester.guild)
        .ok_or_else(not_found)
}

pub(super) fn not_found() -> Error {
    Error::NotFound("this server does not exist".into())
}
