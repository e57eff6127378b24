//! Silences: maintenance windows.

mod maintenance;
