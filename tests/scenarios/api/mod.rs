//! The API as scripts see it.

mod cases;
mod contract;
mod document;
mod fixture;
mod nouns;
mod requests;
mod server_limits;
