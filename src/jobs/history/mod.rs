//! Jobs that keep the history.

pub(super) mod pack;
