//! The API under `/api/v1`: for devices and agents, which send heartbeats and reports, and for programs, which read and
//! change everything of a guild. Each noun has a folder or file with its routes, its view types and its operations; the
//! OpenAPI description is made from them.

mod devices;
mod endpoints;
mod events;
mod groups;
mod history;
mod incidents;
mod keys;
mod list;
mod notifications;
mod request;
mod routes;
mod servers;
mod silences;
#[cfg(test)]
mod tests;
mod values;

pub(super) use request::{InQuery, Peer, ProbeKey, RateSubject, ReadTurn, Reader, valid_key};
pub use request::{KeyCache, KnownCallers, RateLimit, ReadTurns};
pub(super) use routes::{BASE, Described, Routes, about, problem};
pub(super) use values::UuidText;

/// The answer at a path without operations.
pub(super) async fn not_found() -> problem::Problem {
    problem::Problem::not_found()
}

/// Every route below `/api/v1`, described.
pub(super) fn routes() -> Routes {
    let mut routes = Routes::new();
    devices::routes(&mut routes);
    servers::routes(&mut routes);
    endpoints::routes(&mut routes);
    groups::routes(&mut routes);
    silences::routes(&mut routes);
    notifications::routes(&mut routes);
    keys::routes(&mut routes);
    incidents::routes(&mut routes);
    history::routes(&mut routes);
    events::routes(&mut routes);
    routes
}
