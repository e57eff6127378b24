//! Silences: the end of mutes, the start and end of maintenance windows.

pub(in crate::jobs) mod expire_mutes;
pub(in crate::jobs) mod maintenance_windows;
