//! Silences: windows of maintenance.

pub mod maintenance;
