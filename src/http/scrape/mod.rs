//! What Prometheus reads: `/metrics` of the process, `/metrics/monitors` of one guild, and `/probe`, which checks a target once.

mod exposition;
mod monitors;
mod probe;
mod probe_page;
mod probe_places;
mod probe_request;
mod process;

pub(super) use monitors::monitors;
pub(super) use probe::probe;
pub use probe_places::ProbePlaces;
pub(super) use probe_request::Module;
pub(super) use process::metrics;
