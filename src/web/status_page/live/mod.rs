//! Status pages as they are served: loaded from the store, kept for ten seconds, and answered over HTTP.

pub mod cache;
mod encoded;
pub mod load;
mod refusal;
mod rendered;
pub mod routes;
