//! Jobs that keep the history.

pub(super) mod objectives;
pub(super) mod pack;
pub(super) mod rollup;
pub(super) mod summaries;
